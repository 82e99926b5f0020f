"""Secrets lent to cells: two processes do not take each other's, and nothing stays behind."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from amlwizard import processes
from amlwizard.notebook.lending import LONGEST_SECONDS, PURPOSES, lending


class Scope:
    """The secrets of a Databricks workspace, of which only one scope is used."""

    def __init__(self, *keys: str) -> None:
        self.held = dict.fromkeys(keys, "old")

    def put(self, scope: str, key: str, value: str) -> None:
        self.held[key] = value

    def delete(self, scope: str, key: str) -> None:
        self.held.pop(key, None)

    def delete_scope(self, scope: str) -> None:
        self.held.clear()

    def keys(self, scope: str) -> set[str]:
        return set(self.held)


def ended_process() -> processes.Process:
    """A process of this machine that has ended."""
    show = "from amlwizard import processes; print(processes.current())"
    ran = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    found = processes.parse(ran.stdout.strip())
    assert found
    return found


def test_a_secret_is_there_for_the_block_only() -> None:
    scope = Scope("client-secret")
    with lending(scope, "amlwizard-ml", "scoring-key") as of_one:
        of_one.put("one")
        assert scope.held[of_one.key] == "one"
    assert set(scope.held) == {"client-secret"}


def test_what_another_process_has_lent_stays_while_it_lives() -> None:
    elsewhere = f"tracking-token-{int(time.time())}-0123456789ab.7.9-arm"
    scope = Scope(elsewhere)
    with lending(scope, "amlwizard-ml", "tracking-token") as of_one:
        of_one.put("one", "arm")
        with lending(scope, "amlwizard-ml", "probe-token") as other:
            other.put("other", "arm")
        assert scope.held[f"{of_one.key}-arm"] == "one"
    assert set(scope.held) == {elsewhere}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_what_a_killed_process_has_left_is_removed(purpose: str) -> None:
    now = int(time.time())
    old = int(now - LONGEST_SECONDS - 1)
    scope = Scope(
        f"{purpose}-{now}-{ended_process()}-arm",
        f"{purpose}-{now}-{ended_process()}",
        f"{purpose}-{old}-0123456789ab.7.9-ml",  # another machine's
        purpose,  # an earlier version's
        "client-secret",
    )
    with lending(scope, "amlwizard-ml", "scoring-key"):
        assert set(scope.held) == {"client-secret"}
