"""The tree of steps: every phase that there is has a title in it."""

from __future__ import annotations

from typing import get_args

import pytest
from rich.cells import cell_len

from amlwizard.app.port import RUN_ENDS, RunEnd
from amlwizard.plan import PHASES, Action
from amlwizard.step_titles import ACTION_WORDS, PHASE_TITLES, STATE_WORDS, fitted
from amlwizard.view import State


def test_every_phase_has_a_title() -> None:
    assert set(PHASE_TITLES) >= set(PHASES)


def test_every_action_state_and_end_has_a_word() -> None:
    assert set(ACTION_WORDS) == set(get_args(Action))
    assert set(STATE_WORDS) == set(get_args(State))
    assert set(RUN_ENDS) == set(get_args(RunEnd))


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
