"""All findings at once; a run stops before its first write."""

from __future__ import annotations

from copy import deepcopy

import pytest
from support import Command, recipe_of
from support.preflights import CONTRIBUTOR, QUICKSTART, Cloud, Preflight, deleted_vault

from amlwizard.steps import steps_for
from amlwizard.steps.foundation import PROVIDERS

pytestmark = pytest.mark.xdist_group("preflight")


def many_troubles(cloud: Cloud) -> None:
    deleted_vault(cloud, "rg-other")
    cloud.holds(cloud.vnet("vnet-wide", "10.96.0.0/12"))
    cloud.state(
        taken=["Microsoft.Storage/storageAccounts/stmlquick01"],
        limits={"cores": 3, "PublicIPAddresses": 0},
        policies=[{"name": "no-aks", "types": ["Microsoft.ContainerService/managedClusters"]}],
        **CONTRIBUTOR,
    )


TROUBLES = [
    "name-taken",
    "policy",
    "public-ip-quota",
    "role-action",
    "soft-deleted",
    "vcpu-quota",
]


def test_everything_is_found_at_once_errors_first(
    cloud: Cloud, commanded: Preflight, command: Command
) -> None:
    """And told people, each with its cure as a command."""
    many_troubles(cloud)
    found = commanded()
    errors = [f["rule"] for f in found if f["severity"] == "error"]
    assert sorted(errors) == TROUBLES
    assert [f["rule"] for f in found[len(errors) :]] == ["vnet-overlap"]
    assert all(f["command"] for f in found)
    told = command(
        "preflight", QUICKSTART, "--target", "sandbox", "--approve", **cloud.sandbox.environment
    )
    assert told.code == 2 and "6 errors, 1 warning" in told.out
    said = " ".join(told.out.split())  # wrapped at words
    for finding in found:
        assert (
            " ".join(finding["what"].split()) in said and _as_begun(finding["command"]) in told.out
        )


def _as_begun(command: str) -> str:
    """A command without the name of amlwizard, which is what it was begun by."""
    return command.removeprefix("amlwizard ")


def test_a_run_stops_before_its_first_write(cloud: Cloud, command: Command) -> None:
    many_troubles(cloud)
    before = len(cloud.sandbox.calls)
    ran = command(
        "replay", QUICKSTART, "--target", "sandbox", "--approve", "--json",
        **cloud.sandbox.environment,
    )  # fmt: skip
    assert ran.code == 2
    said = ran.final("preflight")
    found = said["outputs"]["findings"]
    assert sorted(f["rule"] for f in found if f["severity"] == "error") == TROUBLES
    assert said["what"].startswith("Preflight found 6 problems")
    assert all(f["what"] in said["why"] for f in found if f["severity"] == "error")
    others = {s: o for s, o in ran.outcomes.items() if s not in ("sign-in", "preflight")}
    assert set(others.values()) == {"blocked"}
    assert {ran.final(step)["because"] for step in others} == {"preflight"}
    writes = [c for c in cloud.sandbox.calls[before:] if c.split()[0] in ("PUT", "PATCH", "DELETE")]
    assert writes == []
    for finding in found:
        assert f"$ {finding['command']}" in ran.err


@pytest.mark.parametrize("name", ["quickstart", "article", "private"])
def test_every_other_step_comes_after_preflight(name: str) -> None:
    after = {step.id: set(step.after) for step in steps_for(recipe_of(name))}
    before: set[str] = {"preflight"}
    while grown := {s for s, needs in after.items() if needs & before} - before:
        before |= grown
    assert set(after) - before == {"sign-in"}


def test_preflight_knows_every_provider_that_the_run_registers(
    cloud: Cloud, preflight: Preflight
) -> None:
    state = deepcopy(cloud.start)
    state["providers"] = {}
    cloud.sandbox.control("state", state, method="PUT")
    [found] = preflight()
    assert {ns for ns in PROVIDERS if ns in found["command"]} == set(PROVIDERS)
