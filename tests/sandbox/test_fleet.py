"""`amlwizard replay A.yaml B.yaml ...`: several recipes in one process."""

from __future__ import annotations

import os
import pty
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support import (
    PATIENCE,
    RECIPES,
    Command,
    Json,
    Sandbox,
    amlwizard,
    environment,
    replaying,
    running,
)
from support.forking import Forked

pytestmark = pytest.mark.xdist_group("fleet")

WRITES = ("PUT", "PATCH", "DELETE")
TARGET = ("--target", "sandbox")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox


@pytest.fixture
def around(cloud: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    yield {"AMLWIZARD_HOME": str(tmp_path / "home"), **cloud.environment}
    cloud.clear()


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., str]:
    """Writes the quickstart with another prefix; the answer is its path."""

    def write(prefix: str, more: str = "") -> str:
        text = (RECIPES / "quickstart.yaml").read_text().replace("mlquick01", prefix)
        path = tmp_path / f"{prefix}.yaml"
        path.write_text(text + more)
        return str(path)

    return write


Recipe = Callable[..., str]


def writes(cloud: Sandbox) -> list[str]:
    return [call for call in cloud.calls if call.startswith(WRITES)]


def last_words(home: Path) -> list[str]:
    """The kind of the last event of every journal."""
    journals = (home / "runs").glob("*/journal.jsonl")
    return [journal.read_text().splitlines()[-1].split('"')[3] for journal in journals]


def private_addresses(cloud: Sandbox, prefix: str) -> set[str]:
    """Those of a platform's private endpoints. Each VNET has its own, whatever others have."""
    return {
        address
        for key, resource in cloud.state["resources"].items()
        if f"/resourcegroups/rg-{prefix}/providers/microsoft.network/privateendpoints/" in key
        for config in resource["properties"].get("customDnsConfigs", ())
        for address in config["ipAddresses"]
    }


def test_all_that_is_wrong_is_said_before_any_cloud_is_asked(
    command: Command, recipe: Recipe
) -> None:
    same, bad = recipe("fleeta"), recipe("fleetb", "\nnonsense: 1\n")
    ran = command("replay", same, bad, same, "absent.yaml", *TARGET)
    assert ran.code == 2
    for part in (
        f"{bad} cannot be used",
        "absent.yaml",
        f"{same} and {same} have the same resource group rg-fleeta.",
        "Nothing was done.",
    ):
        assert part in ran.err, part


def test_recipes_sign_in_once_and_are_told_apart(
    cloud: Sandbox, around: dict[str, str], recipe: Recipe
) -> None:
    names = [recipe("fleetc"), recipe("fleetd"), recipe("fleete")]
    codes = cloud.received("POST .*/devicecode")
    ran = amlwizard("replay", *names, *TARGET, "--jobs", "2", "--until", "sign-in", "--json", **around)  # fmt: skip
    assert ran.code == 0, ran.err
    assert cloud.received("POST .*/devicecode") == codes + 1
    assert {event["recipe"] for event in ran.events[:-1]} == set(names)
    summary = ran.events[-1]
    assert [row["recipe"] for row in summary["recipes"]] == names
    assert {row["result"] for row in summary["recipes"]} == {"done"}
    lines = amlwizard("replay", *names, *TARGET, "--until", "sign-in", **around)
    for name in ("fleetc", "fleetd", "fleete"):
        assert re.search(rf"{name}  \[1/1\] Sign in: done", lines.out)
    assert lines.out.count("  done   ") == 3


def test_what_exceeds_a_quota_only_together_is_refused_before_any_write(
    cloud: Sandbox, around: dict[str, str], recipe: Recipe
) -> None:
    one, two = recipe("fleetf"), recipe("fleetg")
    cloud.change(limits={"cores": 30})
    before = writes(cloud)
    try:
        ran = amlwizard("replay", one, two, *TARGET, "--until", "provision", "--json", **around)
        alone = amlwizard("preflight", one, *TARGET, **around)
    finally:
        cloud.change(limits={"cores": 100})
    assert alone.code == 0, alone.out
    assert ran.code == 2 and writes(cloud) == before
    [said] = {event["why"] for event in ran.of("step-finished", "preflight")}
    assert f"Regional vCPUs in westeurope: {one}, {two} need " in said
    assert "more than the 30 that are left." in said


@pytest.mark.journey
def test_a_recipe_that_fails_stops_no_other_and_is_resumed(
    cloud: Sandbox, around: dict[str, str], recipe: Recipe
) -> None:
    one, two = recipe("fleeth"), recipe("fleeti")
    cloud.fault("PUT .*/vaults/kv-fleeti", status=409, code="VaultAlreadyExists")
    ran = amlwizard("replay", one, two, *TARGET, "--until", "provision", "--json", **around)
    assert ran.code == 1, ran.err
    ends: dict[str, Json] = {row["recipe"]: row for row in ran.events[-1]["recipes"]}
    assert ends[one]["exit_code"] == 0 and ends[two]["exit_code"] == 1
    assert ends[two]["next"].endswith(f"amlwizard resume {ends[two]['run']}")
    assert "VaultAlreadyExists" in ran.err or "vault" in ran.err
    cloud.clear()
    resumed = amlwizard("resume", "--json", **around)
    assert resumed.code == 0 and resumed.outcomes["key-vault"] == "done", resumed.err
    assert private_addresses(cloud, "fleeth") == private_addresses(cloud, "fleeti")


def test_an_interrupt_ends_all_of_them_with_a_last_word(
    cloud: Sandbox, around: dict[str, str], recipe: Recipe
) -> None:
    names = [recipe(f"fleet{letter}") for letter in "jkl"]
    cloud.gate("GET .*/providers/Microsoft.Compute/locations/.*/usages")
    with replaying(*names, *TARGET, "--jobs", "2", **around) as replay:
        replay.until("step-started", "preflight")
        replay.send(signal.SIGINT)
        ran = replay.end()
    assert ran.code == 130, ran.err
    assert {row["exit_code"] for row in ran.events[-1]["recipes"]} == {130}
    assert set(last_words(Path(around["AMLWIZARD_HOME"]))) == {"run-finished"}


def test_who_cannot_sign_in_is_told_for_every_recipe(
    around: dict[str, str], recipe: Recipe
) -> None:
    names = [recipe("fleetm"), recipe("fleetn")]
    login = ("--set", "sign_in.login=environment")
    ran = amlwizard("replay", *names, *TARGET, *login, "--json", **around)
    assert ran.code == 3
    assert {row["result"] for row in ran.events[-1]["recipes"]} == {"sign-in failed"}


ROWS = (b"fleeto", b"fleetp")


def test_on_a_terminal_each_recipe_has_a_row(
    cloud: Sandbox, around: dict[str, str], recipe: Recipe
) -> None:
    names = [recipe("fleeto"), recipe("fleetp")]
    ours, theirs = pty.openpty()
    options = ("replay", *names, *TARGET, "--until", "sign-in")
    cloud.gate("GET /subscriptions")
    replay = Forked(options, theirs, sys.stderr, RECIPES, environment(around))
    shown = b""
    with suppress(OSError):  # Linux says so when the other side has closed
        while part := os.read(ours, 4096):
            shown += part
            if all(re.search(rb"\s%b\s.*running" % name, shown) for name in ROWS):
                cloud.clear()
    os.close(ours)
    assert replay.wait(PATIENCE) == 0
    for name in ROWS:
        assert re.search(rb"%b  done  .* s\r\n" % name, shown)
