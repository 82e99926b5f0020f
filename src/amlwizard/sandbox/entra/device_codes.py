"""Device codes, and the page on which a user approves or declines a sign-in.

Only the owner of the sandbox may approve: the URL of the page contains a secret that only the owner
is sent. Device codes themselves are issued to any client.
"""

from __future__ import annotations

import hmac
import html
import secrets
import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from amlwizard.sandbox.entra import pages
from amlwizard.sandbox.entra.oauth import form_of, refusal
from amlwizard.sandbox.state import State

LIFE = 900
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ23456789"
KEY_BYTES = 16
ELSEWHERE = "The address of this page is the one that `amlwizard sandbox` or the sign-in has shown."


@dataclass
class DeviceCode:
    user_code: str
    expires: float
    tenant: str
    state: str = "pending"


class DeviceCodes:
    """`approve`: the owner's codes are approved when they are issued. `life` is in seconds."""

    def __init__(self, state: State, approve: bool) -> None:
        self.state, self.approve, self.life = state, approve, LIFE
        self.given: dict[str, DeviceCode] = {}
        self._key = secrets.token_urlsafe(KEY_BYTES)

    @property
    def address(self) -> str:
        """The URL of the page, for the owner only."""
        return f"{self.state.arm}/device/{self._key}"

    def give(self, tenant: str, to_owner: bool) -> tuple[str, str]:
        """Issue a device code and its user code; only the owner's are approved automatically."""
        device = secrets.token_urlsafe(32)
        user_code = self.state.planted.get("user_code") or "".join(
            secrets.choice(ALPHABET) for _ in range(9)
        )
        approved = self.approve and to_owner
        self.given[device] = DeviceCode(
            user_code, time.time() + self.life, tenant, "approved" if approved else "pending"
        )
        return device, user_code

    def redeem(self, device: str) -> Response | None:
        """Redeem an approved code; the error response if it is not."""
        code = self.given.get(device)
        if code is None:
            return refusal("invalid_grant", "AADSTS70000: The device code is not known.")
        if code.state == "declined":
            return refusal("authorization_declined", "AADSTS70020: The person declined.")
        if code.expires < time.time():
            return refusal("expired_token", "AADSTS70019: Verification code expired.")
        if code.state != "approved":
            return refusal("authorization_pending", "AADSTS70016: Pending end-user authorization.")
        del self.given[device]
        return None

    def answer(self, user_code: str, answer: str) -> bool:
        """Set a pending code to `approved` or `declined`. False if there is none."""
        for code in self.given.values():
            if code.user_code.upper() == user_code.strip().upper() and code.state == "pending":
                code.state = answer
                return True
        return False

    async def page(self, request: Request) -> Response:
        """The page: enter the code, approve or decline."""
        given = request.path_params.get("key", "")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return HTMLResponse(ELSEWHERE, 404, pages.HEADERS)
        if request.method == "POST" and pages.comes_from_another(request):
            return HTMLResponse(pages.FOREIGN, 403, pages.HEADERS)
        said = ""
        if request.method == "POST":
            form = await form_of(request)
            answer = "declined" if form.get("answer") == "decline" else "approved"
            found = self.answer(form.get("code", ""), answer)
            said = f"You have {answer} the sign-in." if found else "That code is not known."
        return HTMLResponse(
            "<!doctype html><title>Sandbox sign-in</title>"
            "<style>body{font:18px sans-serif;margin:4em}input,button{font:inherit}</style>"
            f"<h1>Sign in to the sandbox cloud</h1><p>{html.escape(said)}</p>"
            '<form method="post"><input name="code" placeholder="Code" autofocus> '
            '<button name="answer" value="approve">Continue</button> '
            '<button name="answer" value="decline">Decline</button></form>',
            headers=pages.HEADERS,
        )
