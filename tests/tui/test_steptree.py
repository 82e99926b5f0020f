"""The tree of steps: every phase that there is has a title in it."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from amlwizard.plan import PHASES
from amlwizard.step_titles import PHASE_TITLES, fitted


def test_every_phase_has_a_title() -> None:
    assert set(PHASE_TITLES) >= set(PHASES)


TITLES = (
    "Private DNS zone privatelink.blob.core.windows.net",
    "Private DNS zone privatelink.file.core.windows.net",
    "VNET link of privatelink.blob.core.windows.net",
    "VNET link of privatelink.file.core.windows.net",
    "Storage Blob Data Reader for aks-inference",
    "Storage Blob Data Reader for mle-mlquick01",
)


@pytest.mark.parametrize("room", range(37, 60))
def test_titles_in_little_room_still_differ(room: int) -> None:
    shown = [fitted(title, room) for title in TITLES]
    assert max(map(len, shown)) <= room
    assert len(set(shown)) == len(TITLES)
    assert shown[0].startswith("Private DNS zone ") and shown[2].startswith("VNET link of ")


def test_a_title_with_room_is_whole() -> None:
    assert [fitted(title, len(title)) for title in TITLES] == list(TITLES)


@pytest.mark.parametrize(
    "title", ["仮想ネットワークとそのサブネット", "Azure ML ワークスペースのデプロイ"]
)
@pytest.mark.parametrize("room", range(1, 34))
def test_a_title_of_wide_letters_fits_its_cells(title: str, room: int) -> None:
    shown = fitted(title, room)
    assert cell_len(shown) <= room
    assert shown == title or "…" in shown
