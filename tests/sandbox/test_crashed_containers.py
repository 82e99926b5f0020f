"""A registered model whose no-code container crashes at its start, as no model does that was tried on the
cluster: its deployment fails without a reason, which is in the container's log alone."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import Asked, recipe_of
from support.containers import NEEDED, SERVER, pyfunc_model
from support.platforms import Platform, nothing, setting

from amlwizard.errors import CloudError
from amlwizard.notebook.access import api_of
from amlwizard.plan import Context
from amlwizard.plan.outputs import Outputs
from amlwizard.serving.unfit import explained

pytestmark = pytest.mark.xdist_group("refusals")

WAY = "properties.networkProfile.outboundType"
REGISTER = """
import json, os, uuid
import mlflow
from mlflow.tracking import MlflowClient

while mlflow.active_run():  # of a test before: the driver is one process
    mlflow.end_run()
os.environ["MLFLOW_TRACKING_TOKEN"] = token
client, name = MlflowClient(api, registry_uri=uri), uuid.uuid4().hex
run = client.create_run(client.create_experiment(name))
os.environ["MLFLOW_EXPERIMENT_ID"] = run.info.experiment_id
os.environ["MLFLOW_RUN_ID"] = run.info.run_id
mlflow.set_tracking_uri(uri)
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_artifacts(folder, "model")
registry = MlflowClient(uri, registry_uri=uri)
registry.create_registered_model(name)
made = registry.create_model_version(name, run.info.artifact_uri + "/model", run_id=run.info.run_id)
print("amlwizard:" + json.dumps({"id": f"models/{name}/versions/{made.version}"}))
"""


def signature(answers: str) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    return ModelSignature(Schema([ColSpec("double", "a")]), Schema([ColSpec(answers, "t")]))


def registered(platform: Platform, folder: Path) -> str:
    """The id of a new model with the files in a folder."""
    workspace = platform.outputs["workspace"]["id"]
    uri = platform.cloud.ml(workspace).tracking_uri()
    token = platform.cloud.access_token("arm").reveal()
    values = {"token": token, "uri": uri, "api": api_of(uri), "folder": str(folder)}
    given = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    return f"{workspace}/{platform.run(given, REGISTER)['id']}"


def crash(platform: Platform, model_id: str) -> CloudError:
    """What the deployment of a model fails with."""
    platform.serve(model_id)
    outputs = Outputs(platform.outputs)
    ctx = Context(recipe_of("quickstart"), platform.cloud, outputs, CancelEvent(), Asked())
    with pytest.raises(CloudError) as error:
        platform.steps["deployment"].apply(ctx, lambda *_, **__: None)
    assert error.value.code == "ResourceNotReady"
    return error.value


@pytest.mark.parametrize(
    ("answers", "needed", "wrote"),
    [
        ("datetime", NEEDED, "KeyError: 'properties'"),
        (
            "double",
            [f"mlflow-skinny=={version('mlflow')}", *SERVER],
            "ModuleNotFoundError: No module named 'scipy'",
        ),
    ],
    ids=["it answers times", "mlflow-skinny alone"],
)
def test_the_reason_is_in_the_log_alone_and_is_told(
    platform: Platform, tmp_path: Path, answers: str, needed: list[str], wrote: str
) -> None:
    model = pyfunc_model(
        tmp_path, lambda given: [1.0], signature=signature(answers), pip_requirements=needed
    )
    error = crash(platform, registered(platform, model))
    said, _, told = error.why.partition("The container wrote: ")
    assert "User container has crashed" in said and "Error:" not in said
    assert told == wrote
    assert error.fix == explained("start", wrote)[1]


# -- a container that installs its packages, and reaches none


def by_a_gateway(platform: Platform) -> None:
    """The nodes go out by the NAT gateway, which is then taken from their subnet."""
    subnets = platform.document("vnet")[2]["properties"]["subnets"]
    at = next(n for n, subnet in enumerate(subnets) if subnet["name"].endswith("-scoring"))
    gateway = {"id": platform.outputs["nat-gateway"]["id"]}
    platform.put("vnet", setting(f"properties.subnets.{at}.properties.natGateway", gateway))
    platform.put("aks", setting(WAY, "userAssignedNATGateway"))
    platform.put("vnet", nothing)


def by_nothing(platform: Platform) -> None:
    cluster = platform.outputs["aks"]["id"].lower()
    profile = {"properties": {"networkProfile": {"outboundType": "none"}}}
    platform.sandbox.change(resources={cluster: profile})


@pytest.mark.parametrize("cut_off", [by_a_gateway, by_nothing])
def test_without_a_way_out_of_the_nodes_no_package_is_installed(
    platform: Platform, tmp_path: Path, cut_off: Callable[[Platform], None]
) -> None:
    model = pyfunc_model(
        tmp_path, lambda given: [1.0], signature=signature("double"), pip_requirements=NEEDED
    )
    found = registered(platform, model)
    cut_off(platform)
    error = crash(platform, found)
    assert "The container reaches no channel of conda" in error.why
    assert "The container wrote: CondaHTTPError: HTTP 000 CONNECTION FAILED" in error.why
    assert "serving.environment" in error.fix
