"""Column names as pandas reads them from JSON in the form of columns, index and data: where all of them
look like numbers, or all like times, it makes numbers or times of them, and no column has its name any more.

Source: ``pandas.read_json`` (``_convert_axes``) of pandas 2, which `tests/sandbox/test_built_requests.py`
asks. It reads times by the package python-dateutil.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

Reading = Literal["", "numbers", "times"]

EMPTY = frozenset(
    ("", "NaT", "nat", "NAT", "NaN", "nan", "NAN")
)  # no time, which is one for pandas
CURRENT = frozenset(("now", "today"))
# What nanoseconds since 1970 reach in 64 bits.
FIRST, LAST = datetime(1677, 9, 21, 0, 12, 44), datetime(2262, 4, 11, 23, 47, 16)
YEARS = range(FIRST.year + 1, LAST.year)
EARLY_YEAR = re.compile(r"0\d{3}")
CLOCK = re.compile(r"([01]?\d|2[0-3]):[0-5]\d")
QUARTER = re.compile(r"(\d{4}|\d\d)-?Q[1-4]|[1-4]Q-?(\d{4}|\d\d)", re.IGNORECASE)
SMALLEST = 1000  # of the numbers that stand for a year, or for year, month and day
YEAR_ONE = datetime(
    1, 1, 1
)  # what a text leaves out is taken from: one without a year is too early


def read_as(names: Sequence[str]) -> Reading:
    """What pandas makes of the names of a frame's columns; empty if it leaves them as they are."""
    if not names:
        return ""
    if all(_number(name) is not None or name in EMPTY for name in names):
        return "numbers"
    return "times" if _are_times(names) else ""


def is_time(text: str) -> bool:
    """Whether pandas takes a text, alone, for a time."""
    return _are_times([text])


def _are_times(names: Iterable[str]) -> bool:
    zones: set[timedelta | None] = set()
    for name in names:
        if name in EMPTY or name in CURRENT:
            continue
        time = _time(name)
        if time is None:
            return False
        zones.add(time.utcoffset())
    return len(zones) < 2


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _time(text: str) -> datetime | None:
    number = _number(text)
    if number is not None and number < SMALLEST and not text.startswith("0"):
        return None
    if quarter := QUARTER.fullmatch(text):
        digits = quarter[1] or quarter[2]
        year = int(digits) + (2000 if len(digits) == 2 else 0)
        return datetime(year, 1, 1) if year in YEARS else None
    if EARLY_YEAR.fullmatch(text) or sum(map(str.isdigit, text)) < 2:  # there is a year, or a clock
        return None
    time = _parsed(text)
    return time if time and FIRST <= time.replace(tzinfo=None) <= LAST else None


def _parsed(text: str) -> datetime | None:
    """The time that dateutil reads. Two days to complete it from tell whether it has a weekday alone,
    which pandas refuses: that would be neither the text's day nor the one to complete it from."""
    from dateutil import parser

    base = datetime.now() if CLOCK.match(text) else YEAR_ONE
    days = (1, 9)
    try:
        read = [parser.parse(text, default=base.replace(day=day), tzinfos=_zone) for day in days]
        read[0].utcoffset()  # raises ValueError if there is no such zone
    except (ValueError, OverflowError, TypeError):
        return None
    found = tuple(time.day for time in read)
    return read[0] if len({*found}) == 1 or found == days else None


def _zone(name: str | None, offset: int | None) -> int | None:
    """The seconds between a zone and UTC. Names of zones stand for none."""
    return offset
