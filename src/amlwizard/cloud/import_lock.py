"""SDKs are imported one at a time, and a client is made once.

Steps run side by side and each imports what it needs: several imports at once take no less time, and
leave the thread that draws the screen little of the interpreter.
"""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import Any, TypeVar

T = TypeVar("T")

one_at_a_time = RLock()


class made_once(cached_property[T]):
    """A cached_property for what imports an SDK: one thread makes the value while others wait. From
    Python 3.12 on, cached_property itself lets several threads make it."""

    def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:
        with one_at_a_time:
            return super().__get__(instance, owner)
