"""The pure parts of preflight, against brute force."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from ipaddress import IPv4Network
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amlwizard.preflight.rights import allows
from amlwizard.rules.overlaps import overlapping, span

prefixes = st.builds(
    lambda address, length: str(IPv4Network((address, length), strict=False)),
    st.integers(0, 2**32 - 1) | st.integers(0x0A000000, 0x0A0000FF),
    st.integers(0, 32),
)


@given(st.lists(prefixes, max_size=12), st.lists(prefixes, max_size=12))
def test_the_sweep_finds_what_brute_force_finds(ours: list[str], theirs: list[str]) -> None:
    wanted = {
        (i, j)
        for i, own in enumerate(ours)
        for j, other in enumerate(theirs)
        if IPv4Network(own).overlaps(IPv4Network(other))
    }
    found = list(overlapping(ours, theirs))
    assert set(found) == wanted and len(found) == len(wanted)


@given(prefixes)
def test_a_span_is_what_ipaddress_says(prefix: str) -> None:
    network = IPv4Network(prefix)
    assert span(prefix) == (int(network[0]), int(network[-1]))


@pytest.mark.parametrize("text", ["", "10.0.0.0/33x", "10.0.0/8/8", "x/8", "::/0"])
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        span(text)


def test_a_hundred_thousand_prefixes_are_swept() -> None:
    theirs = [f"10.{n >> 8 & 255}.{n & 255}.{(n >> 16) * 64}/26" for n in range(100_000)]
    found = list(overlapping(["10.100.0.0/16", "10.0.0.0/16", "172.16.0.0/12"], theirs))
    assert len(found) == 2 * 512  # each /24 of the two has its first and second quarter taken


def test_twice_as_many_prefixes_are_about_twice_the_work() -> None:
    """Not four times, as where each is held against each."""

    def work(size: int) -> int:
        ours, theirs = ([f"{net}.{n >> 8}.{n & 255}.0/24" for n in range(size)] for net in (10, 11))
        return instructions(lambda: list(overlapping(ours, theirs)))

    assert work(1000) < 2.5 * work(500)


def instructions(function: Callable[[], object]) -> int:
    """How many instructions of Python a call takes: a measure of work that no clock has a part in."""
    count, before = 0, sys.gettrace()

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


words = st.lists(
    st.sampled_from(["Microsoft.Network", "*", "read", "write", "x"]), min_size=1, max_size=4
)
actions = st.builds("/".join, words)


@given(st.lists(actions, max_size=4), st.lists(actions, max_size=3), actions)
def test_wildcards_are_azures(given_: list[str], but: list[str], action: str) -> None:
    action = action.replace("*", "any")
    wanted = any(fnmatchcase(action, a) for a in given_) and not any(
        fnmatchcase(action, b) for b in but
    )
    assert allows(((tuple(given_), tuple(but)),), action) == wanted
    assert allows(((tuple(given_), tuple(but)),), action.upper()) == wanted
