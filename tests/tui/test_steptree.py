"""The tree of steps: every phase that there is has a title in it."""

from __future__ import annotations

from amlwizard.plan import PHASES
from amlwizard.tui.steptree import PHASE_TITLES


def test_every_phase_has_a_title() -> None:
    assert set(PHASE_TITLES) >= set(PHASES)
