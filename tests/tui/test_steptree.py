"""The tree of steps: every phase that there is has a title in it."""

from __future__ import annotations

import pytest

from amlwizard.plan import PHASES
from amlwizard.step_titles import PHASE_TITLES, fitted


def test_every_phase_has_a_title() -> None:
    assert set(PHASE_TITLES) >= set(PHASES)


TITLES = (
    "Private DNS zone privatelink.blob.core.windows.net",
    "Private DNS zone privatelink.file.core.windows.net",
    "Link of privatelink.blob.core.windows.net to the VNET",
    "Link of privatelink.file.core.windows.net to the VNET",
    "Storage Blob Data Reader for aks-inference",
    "Storage Blob Data Reader for mle-mlquick01",
)


@pytest.mark.parametrize("room", range(37, 60))
def test_titles_in_little_room_still_differ(room: int) -> None:
    shown = [fitted(title, room) for title in TITLES]
    assert max(map(len, shown)) <= room
    assert len(set(shown)) == len(TITLES)
    assert shown[0].startswith("Private DNS zone ") and shown[2].endswith(" to the VNET")


def test_a_title_with_room_is_whole() -> None:
    assert [fitted(title, len(title)) for title in TITLES] == list(TITLES)
