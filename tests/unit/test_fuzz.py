"""A slice of `make fuzz`, the same every time."""

from __future__ import annotations

import pytest
from fuzz.__main__ import HERE, SEARCHED
from hypothesis import settings

INPUTS = {
    "recipes": 12,
    "settings": 12,
    "journals": 6,
    "sessions": 40,
    "captures": 30,
    "states": 40,
    "descriptions": 20,
    "leases": 40,
}


@pytest.mark.parametrize("kind", HERE)
def test_whatever_is_given_ends_with_a_sentence(kind: str) -> None:
    settings(SEARCHED, max_examples=INPUTS[kind], derandomize=True)(HERE[kind])()
