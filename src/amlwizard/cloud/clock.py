"""The cloud's time, by which leases of several machines are compared.

It is this machine's, corrected by the Date of the cloud's last answer (RFC 9110) where the two are
far apart: a clock that is minutes ahead must not take a lease that holds for one that has expired.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

NEAR_SECONDS = 60.0
"""Differences of a slow answer, and of clocks that are kept."""
_ahead = [0.0]


def note_date(date: str | None) -> None:
    """Set the clock by the Date header of a response that has just arrived."""
    try:
        ahead = time.time() - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    _ahead[0] = ahead if abs(ahead) > NEAR_SECONDS else 0.0


def now() -> float:
    """Epoch seconds."""
    return time.time() - _ahead[0]
