"""Confirmation of a teardown: on a terminal, without one, and with --dry-run."""

from __future__ import annotations

import io
import json
import sys

import pexpect
import pytest
from support import PATIENCE, ROOT, forking
from support.standing import GROUP, QUICKSTART, Destroy, Standing

pytestmark = pytest.mark.xdist_group("destroy")


def test_nobody_to_ask_is_exit_2_before_any_call(
    platform: Standing, destroy: Destroy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    before = len(platform.calls())
    ran = destroy()
    assert ran.code == 2 and "--yes" in ran.err and platform.calls(before) == []


def test_a_dry_run_shows_names_and_order_and_deletes_nothing(
    platform: Standing, destroy: Destroy
) -> None:
    before = len(platform.calls())
    shown = destroy("--dry-run")
    assert shown.code == 0
    for name in ("kv-mlquick01", "mlw-mlquick01", "dbw-mlquick01", "aks-mlquick01", GROUP):
        assert name in shown.out
    rows = [line.split()[1:] for line in shown.out.splitlines() if line.startswith(" delete")]
    kinds = [" ".join(row[:2]) for row in rows]
    assert kinds.index("AKS cluster") < kinds.index("VNET with") < kinds.index("NSG of")
    assert rows[-1][:2] == ["Resource", "group"]
    assert "keeps its name for 90 days" in shown.out and "48 to remove" in shown.out
    plan = json.loads(destroy("--dry-run", "--json").out)
    assert {step["action"] for step in plan["steps"]} == {"run", "delete", "keep"}
    assert {call.split()[0] for call in platform.calls(before)} == {"GET", "POST"}


@pytest.mark.parametrize(("typed", "code"), [(GROUP, 0), ("rg-else", 130), ("", 130)])
def test_on_a_terminal_the_name_of_the_group_is_asked_for(
    platform: Standing, typed: str, code: int
) -> None:
    command = ["-m", "amlwizard", "destroy", QUICKSTART, "--target", "sandbox"]
    terminal = pexpect.spawn(
        forking.python(),
        command,
        cwd=str(ROOT),
        dimensions=(40, 120),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    terminal.expect_exact("to remove all of this: ")
    terminal.sendline(typed)
    terminal.expect(pexpect.EOF)
    shown = terminal.before
    terminal.wait()
    terminal.close()
    assert shown is not None
    assert terminal.exitstatus == code, shown
    assert (platform.resources == {}) == (code == 0)
    assert ("48 removed" if code == 0 else "Nothing was removed") in shown
