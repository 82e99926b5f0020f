"""Sign-in with the browser of this machine: authorization code flow with PKCE, and a loopback
redirect address."""

from __future__ import annotations

import os
import time
import webbrowser
from threading import Event as CancelEvent

from azure.identity import InteractiveBrowserCredential
from azure.identity._credentials.browser import _open_browser
from azure.identity._internal import AuthCodeRedirectServer

from amlwizard.cloud.interactive_user import InteractiveUser
from amlwizard.errors import OperationCancelledError, SignInError
from amlwizard.language import _

SECONDS = 300
POLL_SECONDS = 0.5
PORTS = range(8400, 9000)  # the application's redirect addresses include localhost with any port


class BrowserCredential(InteractiveBrowserCredential):
    """azure-identity's credential with two changes: its wait ends when the user or the run cancels,
    and the URL is shown, for users who must find the window or start their browser by hand."""

    def __init__(self, user: InteractiveUser, **options: object) -> None:
        super().__init__(**options)
        self._user = user

    def _request_token(self, *scopes: str, **options: object) -> dict[str, object]:
        claims = options.get("claims")
        server = _listening(self._user.cancel)
        try:
            app = self._get_app(**options)
            flow = app.initiate_auth_code_flow(
                list(scopes),
                redirect_uri=f"http://localhost:{server.server_address[1]}",
                prompt="select_account",
                claims_challenge=claims,
                response_mode="form_post",
            )
            _show(self._user, flow["auth_uri"])
            answer = server.wait_for_redirect()
        finally:
            server.server_close()
        found = app.acquire_token_by_auth_code_flow(
            flow, dict(answer), scopes=list(scopes), claims_challenge=claims
        )
        return dict(found)


class _RedirectServer(AuthCodeRedirectServer):
    """Waits in short intervals, so that cancellation takes effect."""

    def __init__(self, port: int, cancel: CancelEvent) -> None:
        super().__init__("localhost", port, timeout=POLL_SECONDS)
        self._cancel, self._end = cancel, time.monotonic() + SECONDS

    def handle_timeout(self) -> None:
        if self._cancel.is_set():
            raise OperationCancelledError(_("cancelled while waiting for the sign-in"))
        if time.monotonic() > self._end:
            raise SignInError(
                _("Sign-in failed."),
                why=_("Nobody completed the sign-in in the browser within five minutes."),
                fix=_(
                    "Start again. If the page in the browser refused the sign-in, it names the policy; sign_in.login: "
                    "azure-cli (after az login) is another way."
                ),
            )


def _listening(cancel: CancelEvent) -> _RedirectServer:
    for port in PORTS:
        try:
            return _RedirectServer(port, cancel)
        except OSError:
            continue
    raise SignInError(
        _("No port is free for the browser to return to after the sign-in."),
        why=_(
            "Every port of localhost from {first} to {last} is in use.",
            first=PORTS.start,
            last=PORTS.stop - 1,
        ),
        fix=_("Use sign_in.login: device-code or azure-cli."),
    )


def _show(user: InteractiveUser, url: str) -> None:
    """Show the URL and open the browser. No browser is needed if the sandbox plays the user."""
    user.ask(url, "", time.time() + SECONDS)
    if not user.played and not _opened(url):
        raise SignInError(
            _("No browser can be opened here."),
            why=_(
                "sign_in.login is browser, but this machine has none (or no screen to show one on)."
            ),
            fix=_(
                "Set BROWSER to a command that opens one, run this on a machine that has one, or use "
                "sign_in.login: azure-cli or device-code."
            ),
        )


def _opened(url: str) -> bool:
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return bool(_open_browser(url))  # from WSL, the browser of Windows
    on_this_terminal = type(found) is webbrowser.GenericBrowser and "BROWSER" not in os.environ
    return not on_this_terminal and bool(_open_browser(url))
