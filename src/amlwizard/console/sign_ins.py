"""Tells users what a sign-in needs of them: on standard error, in every mode."""

from __future__ import annotations

import sys

from amlwizard.events import Emit, Event, LoginDone, LoginNeeded


def login_prompt(approved_by: str = "") -> Emit:
    """An `Emit` that shows device codes and sign-in addresses. Where `approved_by`, the name of a
    cloud, approves every sign-in itself, only who signed in is said."""
    waiting = False

    def emit(event: Event) -> None:
        nonlocal waiting
        if isinstance(event, LoginNeeded):
            waiting = True
            if not approved_by:
                _say(f"\nSIGN-IN NEEDED: {_what_to_do(event)}\n")
        elif isinstance(event, LoginDone) and waiting:
            waiting = False
            by = f"{approved_by.capitalize()}: signed in" if approved_by else "Signed in"
            _say(f"{by} as {event.account}")

    return emit


def _what_to_do(event: LoginNeeded) -> str:
    left = max(0, round((event.expires_at - event.at) / 60))
    if event.user_code:
        return f"open {event.url} and enter {event.user_code} (within {left} minutes)"
    return (
        f"continue in the browser. If no window opened, open {event.url} on this machine (within "
        f"{left} minutes)"
    )


def _say(text: str) -> None:
    """To what standard error is now: a live table lets text pass above itself."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
