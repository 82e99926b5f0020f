"""Tells users what a sign-in needs of them: on standard error, in every mode."""

from __future__ import annotations

import sys

from amlwizard.events import Emit, Event, LoginDone, LoginNeeded
from amlwizard.language import _, _n


def login_prompt(approved_by: str = "") -> Emit:
    """An `Emit` that shows device codes and sign-in addresses. Where `approved_by`, the name of a
    cloud, approves every sign-in itself, only who signed in is said."""
    waiting = False

    def emit(event: Event) -> None:
        nonlocal waiting
        if isinstance(event, LoginNeeded):
            waiting = True
            if not approved_by:
                needed = _("SIGN-IN NEEDED: {what_to_do}", what_to_do=_what_to_do(event))
                _say(f"\n{needed}\n")
        elif isinstance(event, LoginDone) and waiting:
            waiting = False
            signed_in = _("Signed in as {account}", account=event.account)
            if approved_by:
                cloud = approved_by.capitalize()
                signed_in = _("{cloud}: signed in as {account}", cloud=cloud, account=event.account)
            _say(signed_in)

    return emit


def _what_to_do(event: LoginNeeded) -> str:
    left = max(0, round((event.expires_at - event.at) / 60))
    if event.user_code:
        return _n(
            "open {url} and enter {code} (within {n} minute)",
            "open {url} and enter {code} (within {n} minutes)",
            left,
            url=event.url,
            code=event.user_code,
        )
    return _n(
        "continue in the browser. If no window opened, open {url} on this machine (within {n} minute)",
        "continue in the browser. If no window opened, open {url} on this machine (within {n} minutes)",
        left,
        url=event.url,
    )


def _say(text: str) -> None:
    """To what standard error is now: a live table lets text pass above itself."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
