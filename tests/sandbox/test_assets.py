"""Code and environments of a workspace, and deployments with a scoring script of their own: what is
taken, by Microsoft's own client where there is one, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import Json
from support.platforms import Platform, setting

from amlwizard.design.api_versions import MACHINE_LEARNING
from amlwizard.errors import CloudError
from amlwizard.plan.placeholders import resolve

pytestmark = pytest.mark.xdist_group("refusals")

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
CONDA = "dependencies:\n- python=3.11\n- pip\n- pip: [mlflow]\n"
MICROSOFTS = """
import json, os, tempfile
from pathlib import Path
from azure.ai.ml import MLClient
from azure.ai.ml.entities._assets import Code
from azure.core.credentials import AccessToken

class Given:
    def get_token(self, *scopes, **options):
        return AccessToken(given["token"], 2**31)

subscription, group, workspace = (given["workspace"].split("/")[n] for n in (2, 4, 8))
client = MLClient(
    Given(), subscription, group, workspace, enable_telemetry=False, show_progress=False,
    cloud=given["arm"], cloud_metadata={
        "azure_portal": given["arm"], "resource_manager": given["arm"], "active_directory": "",
        "aml_resource_id": "", "storage_endpoint": "core.windows.net",
        "registry_discovery_endpoint": given["arm"],
    },
)
folder = Path(tempfile.mkdtemp()) / "src"
folder.mkdir()
(folder / "score.py").write_text("def init(): ...")
made = client._code.create_or_update(Code(name="script", version="1", path=str(folder)))
os.environ.pop("AZUREML_CURRENT_CLOUD", None)  # azureml-mlflow would heed it, in later cells
print("amlwizard:" + json.dumps({"id": made.id, "path": made.path}))
"""


@pytest.fixture
def workspace(platform: Platform) -> str:
    return str(platform.outputs["workspace"]["id"])


@pytest.fixture
def put(platform: Platform, workspace: str) -> Callable[..., Json]:
    """PUT a version of an asset with these properties."""

    def put(kind: str, **properties: Any) -> Json:
        path = f"{workspace}/{kind}/versions/1"
        return dict(
            platform.cloud.arm.send("PUT", path, MACHINE_LEARNING, {"properties": properties})
        )

    return put


@pytest.fixture
def code(platform: Platform, workspace: str) -> Json:
    """A code version, uploaded and created by azure-ai-ml in the VNET."""
    token = platform.cloud.access_token("arm").reveal()
    given = {"arm": platform.cloud.profile.arm, "token": token, "workspace": workspace}
    return dict(platform.run(f"given = {given!r}", MICROSOFTS))


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(CloudError) as error:
        call()
    return error.value.code, error.value.why


def test_code_is_uploaded_and_created_by_microsofts_own_client(
    platform: Platform, code: Json, put: Callable[..., Json]
) -> None:
    account = platform.outputs["storage"]["id"].rpartition("/")[2]
    assert code["path"].startswith(f"https://{account}.blob.core.windows.net/")
    assert code["path"].endswith("/src")
    again = put("codes/script", codeUri=code["path"])
    assert again["properties"]["codeUri"] == code["path"]
    moved = refusal(lambda: put("codes/script", codeUri=f"{code['path']}/score.py"))
    assert moved == ("UserError", "Asset paths cannot be updated.")


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("https://elsewhere.blob.core.windows.net/code/src", "not in the storage account"),
        ("azureml://datastores/workspaceblobstore/paths/src", "not in the storage account"),
        ("https://{account}.blob.core.windows.net/code/src", "There are no files"),
    ],
    ids=["another account", "no blob", "nothing there"],
)
def test_code_whose_files_the_workspace_does_not_hold_is_refused(
    platform: Platform, put: Callable[..., Json], uri: str, why: str
) -> None:
    account = platform.outputs["storage"]["id"].rpartition("/")[2]
    code, said = refusal(lambda: put("codes/script", codeUri=uri.format(account=account)))
    assert code == "UserError" and why in said


def test_environments_by_microsofts_own_client(platform: Platform, workspace: str) -> None:
    from azure.ai.ml.entities import Environment

    client = platform.cloud.ml(workspace)._client
    conda = {"dependencies": ["python=3.11", "pip", {"pip": ["mlflow"]}]}
    made = client.environments.create_or_update(
        Environment(name="serving", version="1", image=IMAGE, conda_file=conda)
    )
    found = client.environments.get("serving", "1")
    assert (made.id, found.image, found.conda_file) == (found.id, IMAGE, conda)


def test_an_environment_is_of_an_image_and_stays_as_it_is(put: Callable[..., Json]) -> None:
    assert refusal(lambda: put("environments/e", condaFile=CONDA))[0] == "UserError"
    put("environments/e", image=IMAGE, condaFile=CONDA)
    code, why = refusal(lambda: put("environments/e", image=IMAGE, condaFile=f"{CONDA}#"))
    assert code == "UserError" and "condaFile" in why


def deployed(platform: Platform, workspace: str, **properties: Any) -> tuple[str, str]:
    """The refusal of a deployment with these properties besides its own."""
    _, endpoint_version, endpoint = platform.document("endpoint")
    endpoint_id = platform.document("endpoint")[0]
    platform.cloud.arm.send("PUT", endpoint_id, endpoint_version, endpoint)
    step = platform.steps["deployment"].resource
    assert step
    model = {"rollout": {"model_id": f"{workspace}/models/m/versions/1"}}
    outputs = {**platform.outputs, **model}
    body = resolve(step.body, outputs)
    for name, value in properties.items():
        setting(f"properties.{name}", value)(body)
    path = resolve(step.id, outputs)
    return refusal(lambda: platform.cloud.arm.send("PUT", path, step.api_version, body))


def test_a_script_needs_code_and_environment(
    platform: Platform, workspace: str, code: Json, put: Callable[..., Json]
) -> None:
    script = {"codeId": code["id"], "scoringScript": "score.py"}
    environment = put("environments/e", image=IMAGE, condaFile=CONDA)["id"]
    _, why = deployed(platform, workspace, codeConfiguration=script)
    assert "needs environmentId" in why
    out = {**script, "scoringScript": "../score.py"}
    _, why = deployed(platform, workspace, codeConfiguration=out, environmentId=environment)
    assert "needs a scoring script in its code" in why


def test_an_endpoint_may_refuse_a_model_without_a_script(
    platform: Platform, workspace: str
) -> None:
    platform.sandbox.change(no_code=False)
    code, why = deployed(platform, workspace)
    assert code == "BadRequest" and "The request is invalid" in why
