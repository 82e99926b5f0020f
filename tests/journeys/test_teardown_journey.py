"""A serving platform is torn down and built again."""

from __future__ import annotations

import json

import pytest
from support import Ran
from support.journeys import Journey

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]


@pytest.fixture(scope="module")
def torn_down(private: Journey) -> Ran:
    """The end of that platform: `conftest` puts the tests that ask for this after all others."""
    return private.command("destroy", "--purge", "--yes", "--json")


def test_all_of_it_goes(torn_down: Ran, private: Journey) -> None:
    assert torn_down.code == 0, torn_down.err
    finals = {torn_down.final(step)["outcome"] for step in ("deployment", "endpoint")}
    assert finals == {"done"} and "withdrawing its traffic" in torn_down.out
    state = private.sandbox.state
    assert (state["resources"], state["deleted"]) == ({}, {})


def test_a_plan_then_builds_and_trains_all_of_it_again(torn_down: Ran, private: Journey) -> None:
    plan = json.loads(private.command("plan", "--json").out)
    actions = {step["id"]: step["action"] for step in plan["steps"]}
    assert actions.pop("providers") == "keep", "of the subscription"
    assert "keep" not in actions.values() and actions["train"] == "run"
    assert (actions["endpoint"], actions["deployment"]) == ("create", "create")


@pytest.mark.breadth
def test_a_platform_that_was_torn_down_is_built_again(torn_down: Ran, private: Journey) -> None:
    again = private.command("replay", "--json")
    assert again.code == 0 and again.final("train")["outcome"] == "done"
    assert private.sandbox.unknown == []
