"""Imports SDKs one at a time, and creates each client once.

Steps run in parallel and each imports what it needs: concurrent imports take no less time, and
leave the thread that draws the screen little of the interpreter.
"""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import Any, TypeVar

T = TypeVar("T")

one_at_a_time = RLock()


class made_once(cached_property[T]):
    """A cached_property for values that import an SDK: one thread creates the value while others
    wait. From Python 3.12 on, cached_property itself no longer locks."""

    def __get__(self, instance: object, owner: type[object] | None = None) -> Any:  # noqa: ANN401  else each property says its type twice
        with one_at_a_time:
            return super().__get__(instance, owner)
