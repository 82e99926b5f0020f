"""What the sandbox's README says is there, is there."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from support import ROOT, Command, Sandbox

from amlwizard.sandbox.__main__ import NAMES
from amlwizard.sandbox.resource_types import RESOURCE_TYPES

README = (ROOT / "src" / "amlwizard" / "sandbox" / "README.md").read_text()


def first_column(heading: str) -> set[str]:
    """What stands in backticks in the first column of a section's table."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_state_that_is_named_exists(sandbox: Callable[..., Sandbox]) -> None:
    named = first_column("States it can be put in")
    assert len(named) > 5 and named <= sandbox("--clock", "instant").state.keys()


def test_every_service_is_named_with_its_judges() -> None:
    """By the types that there are, and the hosts that its certificate is for."""
    table = README.partition("| service | code |")[2].partition("\n\n")[0].splitlines()[2:]
    services = [row.split(" | ")[0] for row in table]
    assert all(row.count(" | ") == 4 for row in table), "five columns"
    named = {
        f"{namespace}/{name}".lower()
        for service in services
        for namespace, names in re.findall(r"`(Microsoft\.\w+)`:([^;]*)", service)
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert named == RESOURCE_TYPES.keys()
    hosts = {
        re.sub(r"^\*\.(workspace\.)?(\w+\.)(?=(data|notebooks|api|cert)\.)", "*.", n) for n in NAMES
    }
    assert {n for n in hosts if n.startswith("*")} <= set(re.findall(r"`([^`]+)`", str(services)))


def test_every_control_that_is_named_answers(sandbox: Callable[..., Sandbox]) -> None:
    there = sandbox("--clock", "instant")
    named = first_column("The control API")
    assert {"faults", "state", "plant", "stop"} <= named
    bodies = {
        "code-life": {"seconds": 900},
        "token-life": {"seconds": 3600},
        "approval": {"approve": True},
        "approve": {"user_code": "none"},
    }
    for name in sorted(named - {"stop", "faults", "requests"}):
        there.control(name, bodies.get(name, {}))
    for name in ("faults", "requests", "state"):
        there.control(name, method="GET")
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        there.control("nothing-of-the-kind", {})
    there.control("stop")


def test_the_options_are_those_of_the_command(command: Command) -> None:
    usage = README.partition("    amlwizard sandbox [")[2].splitlines()[0]
    said = command("sandbox", "--help").out
    for option in re.findall(r"--[a-z-]+", usage):
        assert option in said
