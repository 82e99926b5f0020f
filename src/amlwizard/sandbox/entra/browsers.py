"""Interactive sign-in: the authorization code flow with PKCE (RFC 7636) and a loopback redirect."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import html
import secrets
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from amlwizard.sandbox.entra import pages
from amlwizard.sandbox.entra.device_codes import DeviceCodes
from amlwizard.sandbox.entra.oauth import Form, form_of, refusal
from amlwizard.sandbox.entra.tokens import b64

CODE_LIFE = 600  # seconds
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class AuthorizationCode:
    """An authorization code: the parameters of its request, and when it expires."""

    asked: Form
    expires: float
    redeemed: bool = False


class Browsers:
    """`codes` says whether sign-ins are approved automatically."""

    def __init__(self, codes: DeviceCodes) -> None:
        self.codes = codes
        self.given: dict[str, AuthorizationCode] = {}
        self._visits: set[asyncio.Task[None]] = set()

    async def page(self, request: Request) -> Response:
        """The sign-in page: approve or decline."""
        asked = dict(request.query_params)
        wrong = _wrong(asked)
        if wrong:
            return HTMLResponse(
                _page(f"Sorry, but we cannot sign you in.<br>{html.escape(wrong)}"), 400
            )
        mine = pages.is_owner(request)
        if request.method == "POST":
            if not mine or pages.comes_from_another(request):
                return HTMLResponse(pages.FOREIGN, 403, pages.HEADERS)
            form = await form_of(request)
            return self._back(asked, form.get("answer") != "decline")
        if self.codes.approve and mine and not pages.comes_from_another(request):
            return self._back(asked, True)
        return HTMLResponse(
            _page(
                '<form method="post"><button name="answer" value="approve">Continue</button> '
                '<button name="answer" value="decline">Decline</button></form>'
            ),
            headers=pages.HEADERS,
        )

    def visit(self, url: str, agreed: bool) -> bool:
        """Answer as the user whose browser was sent to `url`. False if it is not a sign-in URL."""
        asked = dict(parse_qsl(urlsplit(url).query))
        if _wrong(asked):
            return False

        async def post() -> None:
            # The client that started the sign-in may have ended.
            with contextlib.suppress(httpx.HTTPError):
                async with httpx.AsyncClient(trust_env=False) as browser:
                    await browser.post(asked["redirect_uri"], data=self._answer(asked, agreed))

        task = asyncio.get_running_loop().create_task(post())
        self.codes.state.watch(task, "sign-in in a browser")
        task.add_done_callback(self._visits.discard)
        self._visits.add(task)
        return True

    def redeem(self, form: Form) -> AuthorizationCode | Response:
        """Redeem a code; the client proves with its verifier that it requested it."""
        given = self.given.get(form.get("code", ""))
        if given is None or given.expires < time.time():
            return refusal("invalid_grant", "AADSTS70008: The authorization code has expired.")
        if given.redeemed:
            return refusal("invalid_grant", "AADSTS54005: The code was already redeemed.")
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if b64(verifier) != given.asked["code_challenge"]:
            return refusal(
                "invalid_grant",
                "AADSTS501481: The Code_Verifier does not match the code_challenge.",
            )
        if form.get("redirect_uri") != given.asked["redirect_uri"]:
            return refusal("invalid_grant", "AADSTS50011: The redirect URI does not match.")
        given.redeemed = True
        return given

    def _answer(self, asked: Form, agreed: bool) -> Form:
        if not agreed:
            return {
                "error": "access_denied",
                "error_description": "AADSTS65004: User declined to consent to access the app.",
                "state": asked["state"],
            }
        code = secrets.token_urlsafe(32)
        self.given[code] = AuthorizationCode(asked, time.time() + CODE_LIFE)
        return {"code": code, "state": asked["state"], "session_state": secrets.token_hex(16)}

    def _back(self, asked: Form, agreed: bool) -> Response:
        """A page that posts the result to the client (response_mode form_post)."""
        fields = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in self._answer(asked, agreed).items()
        )
        to = html.escape(asked["redirect_uri"])
        return HTMLResponse(
            _page(
                f'<form method="post" action="{to}">{fields}<button>Continue</button></form>'
                "<script>document.forms[0].submit()</script>"
            ),
            headers=pages.HEADERS,
        )


def _wrong(asked: Form) -> str:
    """The error that Entra would show; empty if the request is valid."""
    if asked.get("response_type") != "code" or asked.get("response_mode") != "form_post":
        return "AADSTS70005: The response type or mode is not supported."
    if len(asked.get("code_challenge", "")) != 43 or asked.get("code_challenge_method") != "S256":
        return "AADSTS50147: The size of the code challenge parameter is not valid."
    to = urlsplit(asked.get("redirect_uri", ""))
    if to.scheme != "http" or to.hostname not in LOOPBACK:
        return "AADSTS50011: The redirect URI does not match those of the application."
    return (
        "" if asked.get("state") and asked.get("client_id") else "AADSTS900144: A parameter lacks."
    )


def _page(inner: str) -> str:
    return (
        "<!doctype html><title>Sandbox sign-in</title>"
        "<style>body{font:18px sans-serif;margin:4em}button{font:inherit}</style>"
        f"<h1>Sign in to the sandbox cloud</h1>{inner}"
    )
