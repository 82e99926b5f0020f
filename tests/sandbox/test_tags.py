"""Tags of a recipe: on the resource group and every taggable resource, beside the owner tag."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import RECIPES, amlwizard, recipe_of
from support.platforms import Platform

from amlwizard.recipe import read
from amlwizard.rules import check
from amlwizard.steps import steps_for

TAGS = {"costCenter": "4711", "owner": "ml team"}
QUICKSTART = str(RECIPES / "quickstart.yaml")
SETTING = ("--set", f"names.tags={json.dumps(TAGS)}")


def test_every_resource_with_tags_has_those_of_the_recipe() -> None:
    plain = {s.id: s.resource.body for s in steps_for(recipe_of("quickstart")) if s.resource}
    recipe = recipe_of("quickstart", names__tags=json.dumps(TAGS))
    tagged = {s.id: s.resource.body for s in steps_for(recipe) if s.resource}
    assert {"resource-group", "vnet", "aks", "databricks", "endpoint"} <= {
        step for step, body in tagged.items() if "tags" in body
    }
    for step, body in tagged.items():
        if "tags" in plain[step]:
            assert body["tags"] == {"amlwizard": "mlquick01", **TAGS}, step


WRONG: dict[str, Any] = {
    "forbidden": {"cost/centre": "1"},
    "ours": {"AmlWizard": "x"},
    "reserved": {"microsoft-x": "1"},
    "twice": {"owner": "a", "Owner": "b"},
    "long name": {"n" * 129: "1"},
    "long value": {"n": "v" * 257},
    "blank": {"cost centre": "1"},
    "no name": {"": "1"},
    "too many": {f"t{n}": "1" for n in range(15)},
}


@pytest.mark.parametrize("what", WRONG)
def test_what_azure_does_not_take_as_a_tag_is_told(what: str) -> None:
    reading = read(RECIPES / "quickstart.yaml", {"names.tags": json.dumps(WRONG[what])})
    assert "NM-6" in {f.rule for f in check(reading.sections)}


@pytest.mark.parametrize(
    "given", [{"owner": ""}, {f"t{n}": "1" for n in range(14)}, {"a.b": "c d"}]
)
def test_what_azure_takes_as_a_tag_is_right(given: Any) -> None:
    reading = read(RECIPES / "quickstart.yaml", {"names.tags": json.dumps(given)})
    assert not reading.findings
    assert "NM-6" not in {f.rule for f in check(reading.sections)}


def test_a_value_that_is_no_text_is_told() -> None:
    reading = read(RECIPES / "quickstart.yaml", {"names.tags": '{"costCenter": 4711}'})
    assert [f.fields for f in reading.findings] == [("names.tags",)] or reading.findings


@pytest.mark.xdist_group("refusals")
def test_a_tag_that_a_recipe_drops_stays(platform: Platform) -> None:
    """Policies and people tag as well, and nothing tells whose a tag was."""
    vnet = platform.outputs["vnet"]["id"].lower()
    platform.sandbox.change(resources={vnet: {"tags": {**TAGS, "byPolicy": "1"}}})
    plan = amlwizard(
        "plan", QUICKSTART, "--target", "sandbox", "--json", *SETTING,
        **platform.sandbox.environment,
    )  # fmt: skip
    dropped = amlwizard(
        "plan", QUICKSTART, "--target", "sandbox", "--json", **platform.sandbox.environment
    )
    for ran in (plan, dropped):
        [step] = [s for s in json.loads(ran.out)["steps"] if s["id"] == "vnet"]
        assert (step["action"], step["differences"]) == ("keep", [])


@pytest.mark.parametrize("form", ["az", "bicep", "arm-json"])
def test_exports_have_the_tags(form: str) -> None:
    ran = amlwizard("export", QUICKSTART, "--to", form, *SETTING)
    assert ran.code == 0, ran.err
    assert ran.out.count("costCenter") > 10 and "ml team" in ran.out
