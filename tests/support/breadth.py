"""Cases that show one claim in several variants: `make test` runs some, `make test-breadth` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def breadth(*values: Any) -> Any:
    """The values of a case that `make test` leaves out."""
    return pytest.param(*values, marks=pytest.mark.breadth)


def narrowed(cases: Iterable[Any], *kept: Any) -> list[Any]:
    """The cases, of which `make test` runs those that are kept."""
    return [case if case in kept else breadth(case) for case in cases]


def crossed(ones: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """Every pair of them, of which `make test` runs each one and each other at least once."""
    ones, others = list(ones), list(others)
    longer = range(max(len(ones), len(others)))
    kept = {(n % len(ones), n % len(others)) for n in longer}
    return [
        (one, other) if (n, m) in kept else breadth(one, other)
        for n, one in enumerate(ones)
        for m, other in enumerate(others)
    ]
