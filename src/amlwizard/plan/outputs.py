"""What steps put out, for the steps after them."""

from __future__ import annotations

from collections.abc import Mapping

from amlwizard.json_types import Document


class UnresolvedPlaceholderError(LookupError):
    """An output that is not there yet was needed; the text is its step, or ``step.output``."""


class Outputs:
    """The outputs of the steps that have finished, by step id."""

    def __init__(self, by_step: Mapping[str, Document]) -> None:
        self.by_step = by_step

    def __getitem__(self, step: str) -> Document:
        """Raises UnresolvedPlaceholderError where the step has put out nothing yet."""
        if not self.by_step.get(step):
            raise UnresolvedPlaceholderError(step)
        return self.by_step[step]
