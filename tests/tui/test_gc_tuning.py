"""Passes of the garbage collector stay short while the app runs, and garbage is still collected."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from amlwizard.tui import gc_tuning
from amlwizard.tui.gc_tuning import GcTuning


class Node:
    """In a cycle with itself."""

    def __init__(self) -> None:
        self.me = self


def state() -> tuple[object, ...]:
    """What is changed of the collector."""
    return gc.get_threshold(), list(gc.callbacks), gc.get_freeze_count()


@contextmanager
def short() -> Iterator[None]:
    one = GcTuning()
    one.begin()
    try:
        yield
    finally:
        one.end()


def test_what_was_there_before_is_not_visited() -> None:
    before = [Node() for _ in range(1000)]
    with short():
        assert not any(isinstance(one, Node) for one in gc.get_objects())
    assert sum(isinstance(one, Node) for one in gc.get_objects()) == len(before)


@pytest.mark.parametrize(("long", "visited"), [(0.0, False), (60.0, True)])
def test_what_survives_a_long_pass_is_not_visited_again(
    long: float, visited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc_tuning, "LONG", long)
    with short():
        node = Node()
        gc.collect()
        assert any(one is node for one in gc.get_objects()) == visited


def test_cycles_are_still_collected() -> None:
    with short():
        gone = weakref.ref(Node())
        gc.collect()
        assert gone() is None


def test_the_collector_is_left_as_it_was() -> None:
    before = state()
    with short():
        assert all(a != b for a, b in zip(state(), before, strict=True))
    assert state() == before
