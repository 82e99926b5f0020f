"""What Databricks offers, read before the first write if the workspace exists."""

from __future__ import annotations

from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import recipe_of
from support.breadth import narrowed
from support.platforms import Platform

from amlwizard.design.access_modes import DEDICATED, access_mode
from amlwizard.errors import Finding
from amlwizard.plan import Context
from amlwizard.plan.outputs import Outputs
from amlwizard.preflight import check
from amlwizard.recipe import Training
from amlwizard.steps import steps_for
from amlwizard.steps.cluster import cluster_spec

pytestmark = pytest.mark.xdist_group("refusals")


RULES = ("runtime-not-offered", "node-type-not-offered", "access-mode")


def default(field: str) -> str:
    return str(Training.model_fields[field].default)


def found(platform: Platform, *, sleeping: bool = True, **changes: str) -> list[Finding]:
    made = platform.outputs["databricks"]
    client = platform.cloud.databricks(made["url"], made["id"])
    if sleeping:
        client.client.clusters.delete(platform.outputs["databricks-cluster"]["id"])
    recipe = recipe_of("quickstart", **changes)
    outputs = {"sign-in": platform.outputs["sign-in"]}
    asked: Any = lambda *_: None  # noqa: E731
    context = Context(recipe, platform.cloud, Outputs(outputs), CancelEvent(), asked)
    findings = check(context, steps_for(recipe))
    return [f for f in findings if f.rule in RULES]


def test_a_runtime_that_databricks_does_not_list_stops_before_the_first_write(
    platform: Platform,
) -> None:
    [finding] = found(platform, training__spark_version="99.9.x-scala2.12")
    assert finding.severity == "error" and finding.fields == ("training.spark_version",)
    assert finding.cure == {"training.spark_version": default("spark_version")}
    assert not found(platform, sleeping=False, training__spark_version="18.x-scala2.13")


def test_a_node_type_that_databricks_does_not_offer_stops_before_the_first_write(
    platform: Platform,
) -> None:
    platform.sandbox.change(limits={"sizes_not_offered": ["Standard_E4s_v5"]})
    for node in ("Standard_DS2_v2", "Standard_E4s_v5"):
        [finding] = found(platform, sleeping=False, training__node_type=node)
        assert finding.fields == ("training.node_type",)
        assert finding.cure == {"training.node_type": default("node_type")}


def test_a_cluster_that_runs_already_needs_no_listing(platform: Platform) -> None:
    client = platform.cloud.databricks(platform.outputs["databricks"]["url"])
    number = platform.outputs["databricks-cluster"]["id"]
    if client.state(number) != "RUNNING":
        client.start_cluster(number)
        client.wait_cluster(number, lambda *_, **__: None, CancelEvent())
    assert not found(platform, sleeping=False, training__spark_version="99.9.x-scala2.12")


def in_standard_mode(platform: Platform, **settings: Any) -> None:
    client = platform.cloud.databricks(platform.outputs["databricks"]["url"])
    mode = {"data_security_mode": "USER_ISOLATION"}
    spec = {**cluster_spec(recipe_of("quickstart")), **mode, **settings}
    client.edit_cluster(platform.outputs["databricks-cluster"]["id"], spec)


@pytest.mark.parametrize(
    "mode",
    narrowed(
        ["USER_ISOLATION", "DATA_SECURITY_MODE_STANDARD", "DATA_SECURITY_MODE_AUTO"],
        "DATA_SECURITY_MODE_AUTO",
    ),
)
def test_a_cluster_in_standard_access_mode_is_told(platform: Platform, mode: str) -> None:
    in_standard_mode(platform, custom_tags={}, data_security_mode=mode)
    [finding] = found(platform, sleeping=False)
    assert finding.severity == "warning" and finding.fields == ("names.cluster",)
    cluster = recipe_of("quickstart").names.cluster
    assert finding.cure == {"names.cluster": f"{cluster}-dedicated"}
    assert not found(platform, sleeping=False, names__cluster=f"{cluster}-dedicated")


def test_it_is_an_error_where_the_notebook_needs_the_machine(
    platform: Platform, tmp_path: Path
) -> None:
    in_standard_mode(platform, custom_tags={})
    (tmp_path / "own.py").write_text("import mlflow\nrows = sc.parallelize([1])\n#log_model\n")
    [finding] = found(
        platform, sleeping=False, training__notebook=str(tmp_path / "own.py"), expect="{}"
    )
    assert finding.severity == "error" and "cell 1, line 2" in finding.what
    assert finding.fields == ("names.cluster", "training.notebook")


def test_a_cluster_that_will_be_changed_back_is_not(platform: Platform) -> None:
    in_standard_mode(platform)
    assert not found(platform, sleeping=False, training__node_type="Standard_D4s_v5")


@pytest.mark.parametrize(
    "settings",
    [
        {"spark_version": "16.4.x-cpu-ml-scala2.12"},
        {"spark_version": "13.3.x-scala2.12"},
        {"spark_version": "18.x-scala2.13", "use_ml_runtime": True},
        {"spark_version": "16.4.x-scala2.12", "node_type_id": "Standard_NC6s_v3"},
    ],
)
def test_what_databricks_chooses_dedicated_mode_for_is_in_it(settings: dict[str, Any]) -> None:
    assert access_mode({"data_security_mode": "DATA_SECURITY_MODE_AUTO", **settings}) == DEDICATED
