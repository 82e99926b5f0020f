"""Makes text from elsewhere safe to show: what a cloud answers, what files contain, how they are
named. Values that front ends show are cleaned when they are created, so front ends need not do it.

Clean text may still look like markup: whatever draws it must treat it as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, TypeVar, cast

T = TypeVar("T")

_NO_TEXT = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed, C1 included
    r"\u2028\u2029"  # end a line of a journal for some readers
    r"\u202a-\u202e\u2066-\u2069"  # change the order in which letters are shown
    r"\ud800-\udfff]"  # halves of a pair, which cannot be written
)
_LINE_END = re.compile(r"\r\n?")


def plain(text: str) -> str:
    """`text` without what a terminal or a browser would do instead of show: each such character
    becomes U+FFFD, an end of line ``\\n``."""
    return _NO_TEXT.sub("\ufffd", _LINE_END.sub("\n", text))


def plain_value(value: T) -> T:
    """A JSON value with every text in it plain, keys included; other values are returned as they
    are."""
    return cast(T, _plain(value))


def _plain(value: object) -> object:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if type(value) is list:
        return [_plain(item) for item in value]
    if type(value) is tuple:
        return tuple(_plain(item) for item in value)
    return value


class PlainText:
    """Base of frozen dataclasses whose texts front ends show, wherever they came from."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, plain_value(getattr(self, field.name)))
