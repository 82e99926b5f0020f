"""A replay removes security rules that the recipe dropped, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import Json, Sandbox, recipe_of, running

from amlwizard import engine
from amlwizard.cloud import Cloud
from amlwizard.design.security_groups import outdated, rules
from amlwizard.design.subnets import with_security_group
from amlwizard.plan import PlannedStep, Step
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("security_groups")

API = "2026-03-01"
DESIGNS = [
    {"serving__load_balancer": balancer, "serving__network": network}
    for balancer, network in product(("public", "internal"), ("overlay", "node-subnet"))
]


def recipe(**changes: str) -> Recipe:
    return recipe_of("quickstart", **changes)


def groups_of(recipe: Recipe) -> list[Step]:
    before = ("sign-in", "preflight", "providers", "resource-group")
    return [s for s in steps_for(recipe) if s.id in before or s.id.startswith("nsg.")]


def built(cloud: Cloud, recipe: Recipe) -> None:
    events: list[Any] = []
    code = engine.run(groups_of(recipe), engine.Job(recipe, "", cloud, "sandbox"), events.append)
    assert code == 0, [e for e in events if getattr(e, "outcome", "") == "failed"]


def planned(cloud: Cloud, recipe: Recipe, which: str) -> PlannedStep:
    job = engine.Job(recipe, "", cloud, "sandbox")
    plan = engine.survey(groups_of(recipe), job, lambda event: None)
    return next(step for step in plan.steps if step.id == f"nsg.{which}")


class Group:
    """The scoring subnet's security group, as the public recipe made it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        built(cloud, recipe())
        group = f"/subscriptions/{cloud.arm.subscription}/resourceGroups/rg-mlquick01"
        kind = "Microsoft.Network/networkSecurityGroups"
        self.id = f"{group}/providers/{kind}/nsg-mlquick01-scoring"

    @property
    def rules(self) -> dict[str, Any]:
        found = self.cloud.arm.get(self.id, API)
        assert found
        return {rule["name"]: rule["properties"] for rule in found["properties"]["securityRules"]}

    def add(self, name: str, **properties: Any) -> None:
        """A rule that somebody adds by hand."""
        body = {
            "access": "Allow", "direction": "Inbound", "protocol": "Tcp", "priority": 105,
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "22", **properties,
        }  # fmt: skip
        self._put(f"{self.id}/securityRules/{name}", {"properties": body})

    def put(self, **changes: Any) -> None:
        self._put(self.id, {**(self.cloud.arm.get(self.id, API) or {}), **changes})

    def _put(self, resource_id: str, body: dict[str, Any]) -> None:
        self.cloud.arm.put(resource_id, API, body, lambda *_, **__: None, CancelEvent())


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Sandbox, Group, Json]]:
    with running("--approve", "--clock", "instant") as sandbox:
        group = Group(sandbox.cloud())
        yield sandbox, group, sandbox.state


@pytest.fixture
def scoring(made: tuple[Sandbox, Group, Json]) -> Group:
    sandbox, group, state = made
    sandbox.control("state", state, "PUT")
    return group


INTERNAL = {"serving__load_balancer": "internal"}


def test_a_rule_that_the_recipe_no_longer_wants_goes(scoring: Group) -> None:
    assert "AllowScoringInBound" in scoring.rules
    wanted = recipe(**INTERNAL)
    step = planned(scoring.cloud, wanted, "scoring")
    assert step.action == "update"
    assert step.differences == ("properties.securityRules.AllowScoringInBound: no longer wanted",)
    built(scoring.cloud, wanted)
    assert set(scoring.rules) == {rule["name"] for rule in rules(wanted, "scoring")}
    assert planned(scoring.cloud, wanted, "scoring").action == "keep"


def test_rules_of_strangers_and_of_databricks_stay(scoring: Group) -> None:
    theirs = "Microsoft.Databricks-workspaces_UseOnly_databricks-worker-to-worker-inbound"
    scoring.add("LetMeIn")
    scoring.add(theirs, priority=106)
    built(scoring.cloud, recipe(**INTERNAL))
    assert {"LetMeIn", theirs} <= scoring.rules.keys()
    assert "AllowScoringInBound" not in scoring.rules


def test_a_stranger_alone_is_no_reason_for_an_update(scoring: Group) -> None:
    scoring.add("LetMeIn")
    assert planned(scoring.cloud, recipe(), "scoring").action == "keep"


def test_a_rule_of_that_name_in_another_place_is_not_ours(scoring: Group) -> None:
    built(scoring.cloud, recipe(**INTERNAL))
    scoring.add("AllowScoringInBound", priority=300, sourceAddressPrefix="10.9.0.0/16")
    assert planned(scoring.cloud, recipe(**INTERNAL), "scoring").action == "keep"


def test_a_group_that_others_made_keeps_what_is_in_it(scoring: Group) -> None:
    scoring.put(tags={})
    assert planned(scoring.cloud, recipe(**INTERNAL), "scoring").action == "keep"


def test_what_one_design_leaves_behind_is_known_to_every_other() -> None:
    for before, after in product(DESIGNS, repeat=2):
        old, new = recipe(**before), recipe(**after)
        for which in with_security_group(new.security):
            written, wanted = rules(old, which), rules(new, which)
            left = {r["name"] for r in written} - {r["name"] for r in wanted}
            assert set(outdated(new, which, [*written, *wanted])) == left
