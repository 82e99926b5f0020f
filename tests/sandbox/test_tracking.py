"""Tracking into the sandbox's workspace by MLflow's and Microsoft's own packages, from a cluster in the
VNET: what works there, and what Azure has not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import PATIENCE, Asked, recipe_of
from support.platforms import Platform

from amlwizard import notebook
from amlwizard.errors import StepError
from amlwizard.notebook.access import access, api_of
from amlwizard.plan import Context
from amlwizard.plan.outputs import Outputs
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("refusals")

OPEN = """
import json, os, tempfile, uuid
from pathlib import Path
import mlflow, requests
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

while mlflow.active_run():  # of a test before: the driver is one process
    mlflow.end_run()
os.environ["MLFLOW_TRACKING_TOKEN"] = token
client = MlflowClient(api, registry_uri=uri)
experiment = client.create_experiment(uuid.uuid4().hex)
run = client.create_run(experiment)
os.environ["MLFLOW_EXPERIMENT_ID"], os.environ["MLFLOW_RUN_ID"] = experiment, run.info.run_id
mlflow.set_tracking_uri(uri)
folder = Path(tempfile.mkdtemp())
(folder / "MLmodel").write_text("flavors: {}")
(folder / "code").mkdir()
(folder / "code" / "a.py").write_text("1")

def refused(what):
    try:
        what()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def said(**what):
    print("amlwizard:" + json.dumps(what))
"""

Run = Callable[..., Any]


@pytest.fixture
def on_cluster(platform: Platform) -> Run:
    """Runs cells on the platform's cluster, behind a run of their own; answers what the last says."""
    uri = platform.cloud.ml(platform.outputs["workspace"]["id"]).tracking_uri()
    values = {
        "token": platform.cloud.access_token("arm").reveal(),
        "uri": uri,
        "api": api_of(uri),
    }
    given = "\n".join(f"{name} = {value!r}" for name, value in values.items())

    return lambda *cells: platform.run(given, OPEN, *cells)


# -- artifacts


def test_artifacts_go_to_storage_by_microsofts_own_repository(on_cluster: Run) -> None:
    said = on_cluster(
        """
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_artifacts(str(folder), "model")
    mlflow.log_artifact(str(folder / "MLmodel"))
""",
        """
root = run.info.artifact_uri
repository = get_artifact_repository(root)
back = repository.download_artifacts("model")
said(
    uri=root,
    repository=type(repository).__module__,
    root=sorted(file.path for file in repository.list_artifacts(None)),
    model=sorted(file.path for file in repository.list_artifacts("model")),
    # azureml-mlflow lists the root of the run, whatever part of it is asked for.
    below=sorted(file.path for file in get_artifact_repository(root + "/model").list_artifacts(None)),
    back=[(Path(back) / name).read_text() for name in ("MLmodel", "code/a.py")],
    rest=[file["path"] for file in requests.get(
        api + "/api/2.0/mlflow/artifacts/list", params={"run_id": run.info.run_id},
        headers={"Authorization": "Bearer " + token}).json()["files"]],
)
""",
    )
    assert said["uri"].startswith("azureml://") and said["uri"].endswith("/artifacts")
    assert "/mlflow/v2.0/subscriptions/" in said["uri"] and "/experiments/" in said["uri"]
    assert said["repository"].startswith("azureml.mlflow.")
    assert said["root"] == said["below"] == said["rest"] == ["MLmodel", "model"]
    assert said["model"] == ["model/MLmodel", "model/code"]
    assert said["back"] == ["flavors: {}", "1"]


def test_a_large_file_goes_up_in_blocks_and_none_twice(on_cluster: Run) -> None:
    said = on_cluster("""
from azure.storage.blob import BlobClient
repository = get_artifact_repository(run.info.artifact_uri).artifacts
made = repository._create_empty_artifacts("large.bin", run.info.run_id)
address = made.artifact_content_information["large.bin"].content_uri
content = os.urandom(10_000)
sizes = {"max_single_put_size": 1000, "max_block_size": 3000}
BlobClient.from_blob_url(address, **sizes).upload_blob(content)
repository.download_artifact("large.bin", str(folder / "back"))
said(
    same=(folder / "back").read_bytes() == content,
    account=address.split("/")[2].split(".", 1)[1],
    again=refused(lambda: BlobClient.from_blob_url(address).upload_blob(content)),
    forged=refused(lambda: BlobClient.from_blob_url(address.replace("sig=", "sig=A")).upload_blob(b"")),
    missing=refused(lambda: repository.download_artifact("none.bin", str(folder / "none"))),
)
""")
    assert said["same"] and said["account"] == "blob.core.windows.net"
    assert "BlobAlreadyExists" in said["again"] and "AuthenticationFailed" in said["forged"]
    assert "available files include: large.bin" in said["missing"]


def test_without_the_way_to_the_blobs_no_artifact_goes_up(
    platform: Platform, on_cluster: Run
) -> None:
    """As where the storage is closed, and its private endpoint not there yet."""
    storage = platform.outputs["storage"]["id"].lower()
    document = platform.sandbox.state["resources"][storage]
    document["properties"]["publicNetworkAccess"] = "Disabled"
    document["properties"]["privateEndpointConnections"] = []
    links = {
        key: None
        for key in platform.sandbox.state["resources"]
        if "privatelink.blob.core.windows.net/virtualnetworklinks" in key
    }
    resources = {**platform.sandbox.state["resources"], storage: document}
    for link in links:
        del resources[link]
    platform.sandbox.control("state", {**platform.sandbox.state, "resources": resources}, "PUT")
    with pytest.raises(StepError) as error:
        on_cluster(
            "mlflow.start_run(run_id=run.info.run_id); mlflow.log_artifact(folder / 'MLmodel')"
        )
    assert "AuthorizationFailure" in error.value.what


def test_training_waits_for_the_way_to_the_blobs_where_the_storage_is_closed() -> None:
    for name, waits in (("private", True), ("article", False)):
        [train] = [step for step in steps_for(recipe_of(name)) if step.id == "train"]
        assert ("zone-group.storage-blob" in train.after) is waits
        assert any("blob.core.windows.net" in step for step in train.after) is waits


# -- what there is, and what not


LACKING = [
    ("v2.0", "logged-models/search"),
    ("v2.0", "logged-models"),
    ("v2.0", "runs/log-inputs"),
    ("v2.0", "traces"),
    ("v2.0", "experiments/list"),
    ("v1.0", "experiments/search"),
]


def test_what_the_tracking_service_lacks_is_404_without_a_body(on_cluster: Run) -> None:
    said = on_cluster(f"""
def answer(version, call, **body):
    url = api.replace("/v2.0/", f"/{{version}}/") + "/api/2.0/mlflow/" + call
    got = requests.post(url, json=body, headers={{"Authorization": "Bearer " + token}})
    return [got.status_code, got.text if got.status_code != 200 else ""]

client.log_batch(run.info.run_id, params=[])
model = json.dumps({{"artifact_path": "model", "flavors": {{}}, "run_id": run.info.run_id,
                     "utc_time_created": "2026-11-26 00:00:00"}})
said(
    lacking=[answer(*one) for one in {LACKING!r}],
    v3=requests.get(api + "/api/3.0/mlflow/traces/x", headers={{"Authorization": "Bearer " + token}}).status_code,
    there=[
        answer("v2.0", "experiments/search", max_results=1),
        answer("v2.0", "runs/log-model", run_id=run.info.run_id, model_json=model),
        answer("v2.0", "runs/log-batch-async", run_id=run.info.run_id, params=[{{"key": "a", "value": "1"}}]),
    ],
    listed=requests.get(api.replace("/v2.0/", "/v1.0/") + "/api/2.0/mlflow/experiments/list",
        params={{"max_results": 1}}, headers={{"Authorization": "Bearer " + token}}).status_code,
    params=client.get_run(run.info.run_id).data.params,
)
""")
    assert said["lacking"] == [[404, ""]] * len(LACKING) and said["v3"] == 404
    assert said["there"] == [[200, ""]] * 3 and said["listed"] == 200
    assert said["params"] == {"a": "1"}


def test_a_run_holds_two_hundred_parameters(on_cluster: Run) -> None:
    said = on_cluster("""
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_params({f"p{n}": n for n in range(200)})
    one, same = (refused(lambda: mlflow.log_param(name, 1)) for name in ("p200", "p1"))
said(one=one, same=same)
""")
    assert "INVALID_PARAMETER_VALUE" in said["one"] and "Limit=200, Size=201" in said["one"]
    assert said["same"] is None


def test_a_registry_that_is_not_named_is_unity_catalog(on_cluster: Run) -> None:
    said = on_cluster("""
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_artifacts(str(folder), "model")
default = mlflow.get_registry_uri()
wrong = refused(lambda: mlflow.register_model(f"runs:/{run.info.run_id}/model", "m"))
mlflow.set_registry_uri(uri)
right = mlflow.register_model(f"runs:/{run.info.run_id}/model", uuid.uuid4().hex)
said(default=default, wrong=wrong, right=right.version, source=right.source)
""")
    assert said["default"] == "databricks-uc" and said["wrong"]
    assert str(said["right"]) == "1"
    assert said["source"].startswith("azureml://") and said["source"].endswith("/artifacts/model")


def test_autologging_of_every_library_is_switched_on(on_cluster: Run) -> None:
    """On Databricks MLflow also asks Spark's, whether or not the notebook uses it."""
    said = on_cluster("""
on = refused(mlflow.autolog)
off = refused(lambda: mlflow.autolog(disable=True))
said(on=on, off=off)
""")
    assert said == {"on": None, "off": None}


# -- the token


@pytest.mark.parametrize(
    ("wanted", "taken"), [("", "arm"), ("https://ml.azure.com", "ml"), ("https://none", "arm")]
)
def test_the_notebook_takes_the_token_that_the_workspace_takes(
    platform: Platform, wanted: str, taken: str
) -> None:
    """Which is that for Azure Resource Manager, the one that Microsoft's own client sends."""
    if wanted:
        platform.sandbox.change(tracking_audience=wanted)
    recipe = recipe_of("quickstart")
    context = Context(recipe, platform.cloud, Outputs(platform.outputs), CancelEvent(), Asked())
    made = platform.outputs["databricks"]
    client = platform.cloud.databricks(made["url"], made["id"])
    uri = platform.cloud.ml(platform.outputs["workspace"]["id"]).tracking_uri()
    cluster = platform.outputs["databricks-cluster"]["id"]
    with access(context, recipe) as way:
        parameters = {**way.parameters, "tracking_uri": uri, "tracking_api": api_of(uri)}
        sign_in, workspace = way.notebooks
        cells = notebook.cells(workspace, parameters, after=(sign_in,))
        say = 'print("amlwizard:" + json.dumps({"audience": audience}))'
        results = client.run_cells(
            cluster, [*cells, say], lambda *_, **__: None, CancelEvent(), before_each=way.keep_up
        )
    assert results[-1].data == {"audience": taken}
    held = json.dumps(platform.sandbox.state["databricks"])
    assert "tracking-token" not in held, "lent tokens are taken back"


WITHOUT = """
del os.environ["MLFLOW_TRACKING_TOKEN"]
other = uri.replace("/workspaces/", "/workspaces/other-")
said(what=refused(lambda: MlflowClient(other).search_experiments(max_results=1)))
"""


def test_without_a_token_azureml_waits_for_nobody(on_cluster: Run) -> None:
    """A node has no identity, no browser and no way to Entra's public address."""
    said = on_cluster(WITHOUT)["what"]
    assert "ChainedTokenCredential failed to retrieve a token" in said
    assert "no response from the IMDS endpoint" in said and "InteractiveBrowserCredential: " in said


def test_a_node_is_not_the_desk_of_this_machines_user(on_cluster: Run) -> None:
    said = on_cluster("""
import webbrowser
said(home=str(Path.home()), opened=webbrowser.open("https://localhost/"))
""")
    assert said["home"] != str(Path.home()) and said["opened"] is False


def test_the_vnet_hangs_up_on_what_it_refuses(on_cluster: Run) -> None:
    """A second request on the same connection would never be answered."""
    said = on_cluster(f"""
with requests.Session() as session:
    said(got=[session.get("http://10.9.9.9/", timeout={PATIENCE}).status_code for _ in range(2)])
""")
    assert said["got"] == [502, 502]


def test_outside_azureml_the_address_is_that_of_mlflow_2() -> None:
    stem = "westeurope.api.azureml.ms/mlflow/v{}.0/subscriptions/s/workspaces/w"
    for version in (1, 2):
        assert api_of(f"azureml://{stem.format(version)}") == f"https://{stem.format(2)}"


# -- what is unpickled


@pytest.mark.parametrize(
    "source",
    [
        "{tracking}/experiments/1/runs/{run}/artifacts/../../../../../planted",
        "{tracking}/experiments/1/runs/{run}/artifacts//{planted}",
        "runs:/{run}/../../../../planted",
    ],
)
def test_no_model_is_served_but_what_came_through_tracking(
    platform: Platform, on_cluster: Run, source: str
) -> None:
    """A version may be of anything, but only artifacts that tracking has stored become a model:
    these have no flavors, and so no deployment loads them."""
    planted = platform.sandbox.file.parent / "mlflow" / "planted"
    planted.mkdir(parents=True, exist_ok=True)
    (planted / "MLmodel").write_text("flavors: {python_function: {}}")
    named = on_cluster(
        f"source, planted = {source!r}, {str(planted)!r}",
        """
name = uuid.uuid4().hex
registry = MlflowClient(uri, registry_uri=uri)
registry.create_registered_model(name)
tracking = uri.partition("?")[0]
made = source.format(tracking=tracking, run=run.info.run_id, planted=planted)
answer = requests.post(
    api.replace("azureml", "https", 1) + "/api/2.0/mlflow/model-versions/create",
    json={"name": name, "source": made, "run_id": run.info.run_id},
    headers={"Authorization": "Bearer " + token},
)
said(name=name, status=answer.status_code, body=answer.text)
""",
    )
    versions = platform.cloud.arm.every(
        f"{platform.outputs['workspace']['id']}/models/{named['name']}/versions", "2025-09-01"
    )
    assert [version["properties"]["flavors"] for version in versions] in ([], [{}]), named
