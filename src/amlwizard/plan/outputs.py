"""What steps put out, for the steps after them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


class UnresolvedPlaceholderError(LookupError):
    """An output that is not there yet was needed; the text is its step, or ``step.output``."""


class Outputs:
    """The outputs of the steps that have finished, by step id."""

    def __init__(self, by_step: Mapping[str, Json]) -> None:
        self.by_step = by_step

    def __getitem__(self, step: str) -> Json:
        """Raises UnresolvedPlaceholderError where the step has put out nothing yet."""
        if not self.by_step.get(step):
            raise UnresolvedPlaceholderError(step)
        return self.by_step[step]
