"""A platform without the model, and its documents, which tests send again with a change."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event as CancelEvent
from typing import Any

import pytest

from amlwizard.cloud import Cloud
from amlwizard.design import api_versions
from amlwizard.errors import CloudError
from amlwizard.plan import Step
from amlwizard.plan.placeholders import resolve
from amlwizard.steps import steps_for
from support import RECIPES, Json, Sandbox, amlwizard, recipe_of, running

Change = Callable[[Any], None]


@dataclass
class Platform:
    """A platform without the model, and the documents that it was built from."""

    sandbox: Sandbox
    cloud: Cloud
    steps: dict[str, Step]
    outputs: dict[str, Json]
    state: Json

    def document(self, step: str) -> tuple[str, str, Any]:
        """Id, api-version and a copy of the body of a step's resource."""
        resource = self.steps[step].resource
        assert resource
        body = copy.deepcopy(resolve(resource.body, self.outputs))
        return resolve(resource.id, self.outputs), resource.api_version, body

    def put(self, step: str, change: Change, name: str = "") -> Json:
        """PUT a step's document with a change; `name` makes it another resource."""
        resource_id, version, body = self.document(step)
        if name:
            resource_id = f"{resource_id.rpartition('/')[0]}/{name}"
        change(body)
        return dict(self.cloud.arm.send("PUT", resource_id, version, body))

    def run(self, *cells: str) -> Any:
        """What the last of these cells answers, run on the cluster in the VNET."""
        made, cluster = self.outputs["databricks"], self.outputs["databricks-cluster"]["id"]
        client = self.cloud.databricks(made["url"], made["id"])

        def quiet(*_: Any, **__: Any) -> None: ...

        if client.state(cluster) != "RUNNING":
            client.start_cluster(cluster)
            client.wait_cluster(cluster, quiet, CancelEvent())
        return client.run_cells(cluster, cells, quiet, CancelEvent())[-1].data

    def serve(self, model_id: str) -> None:
        """Have an endpoint that may read models and pull images, for a version of a model."""
        model = {"model_id": model_id}
        self.outputs |= {"register": model, "rollout": model}
        for step in ("endpoint", "endpoint-acr-pull", "endpoint-blob-reader"):
            self.cloud.arm.put(*self.document(step), lambda *_, **__: None, CancelEvent())
            if step == "endpoint":
                made = self.cloud.arm.get(self.document(step)[0], api_versions.MACHINE_LEARNING)
                assert made
                self.outputs[step] = {"principal": made["identity"]["principalId"]}

    def refused(self, step: str, change: Change, name: str = "") -> CloudError:
        """The error of a `put` that must be refused."""
        with pytest.raises(CloudError) as error:
            self.put(step, change, name)
        return error.value


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running("--approve", "--clock", "instant") as sandbox:
        ran = amlwizard(
            "replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--json", "--until", "provision",
            AMLWIZARD_HOME=str(tmp_path_factory.mktemp("home")), **sandbox.environment,
        )  # fmt: skip
        assert ran.code == 0, ran.err
        steps = {step.id: step for step in steps_for(recipe_of("quickstart"))}
        outputs = {step: ran.final(step)["outputs"] for step in ran.outcomes}
        yield Platform(sandbox, sandbox.cloud(), steps, outputs, sandbox.state)


@pytest.fixture
def platform(built: Platform) -> Platform:
    """The platform as it was built, whatever earlier tests changed."""
    built.sandbox.control("state", built.state, "PUT")
    return built


def guest_in(arm: Any, group: str) -> str:
    """Create a foreign private endpoint, in another group, in the workspace subnet of the
    quickstart platform in `group`; returns its id."""

    def put(resource_id: str, version: str, **body: Any) -> None:
        arm.put(resource_id, version, body, lambda *_, **__: None, CancelEvent())

    others, network = f"{group.rpartition('/')[0]}/rg-others", "providers/Microsoft.Network"
    put(others, "2025-04-01", location="westeurope")
    guest = f"{others}/{network}/privateEndpoints/pep-others"
    vault = f"{group}/providers/Microsoft.KeyVault/vaults/kv-mlquick01"
    link = {"privateLinkServiceId": vault, "groupIds": ["vault"]}
    properties = {
        "subnet": {"id": f"{group}/{network}/virtualNetworks/vnet-mlquick01/subnets/snet-mlquick01-workspace"},
        "privateLinkServiceConnections": [{"name": "x", "properties": link}],
    }  # fmt: skip
    put(guest, "2026-03-01", location="westeurope", properties=properties)
    return guest


# -- changes


def nothing(body: Any) -> None:
    pass


def setting(path: str, value: Any) -> Change:
    """`path` is dotted; a number is an index in a list."""

    def change(body: Any) -> None:
        *parents, last = path.split(".")
        for part in parents:
            body = body[int(part)] if isinstance(body, list) else body[part]
        body[int(last) if isinstance(body, list) else last] = value

    return change


def without(path: str) -> Change:
    def change(body: Any) -> None:
        *parents, last = path.split(".")
        for part in parents:
            body = body[int(part)] if isinstance(body, list) else body[part]
        del body[int(last) if isinstance(body, list) else last]

    return change


def both(*changes: Change) -> Change:
    def change(body: Any) -> None:
        for one in changes:
            one(body)

    return change


def subnet(number: int, what: str, value: Any) -> Change:
    """`number` from 0: workspace, compute, scoring, Databricks public, Databricks private."""
    return setting(f"properties.subnets.{number}.properties.{what}", value)


def pool_in(which: int) -> Change:
    """Put the AKS node pool into a subnet, by its number as in `subnet`."""

    def change(body: Any) -> None:
        pool = body["properties"]["agentPoolProfiles"][0]
        names = ["workspace", "compute", "scoring", "dbw-public", "dbw-private"]
        pool["vnetSubnetID"] = (
            pool["vnetSubnetID"].rpartition("/")[0] + f"/snet-mlquick01-{names[which]}"
        )

    return change
