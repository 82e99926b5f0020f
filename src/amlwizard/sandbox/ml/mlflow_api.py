"""How the MLflow API of a Machine Learning workspace differs from the MLflow server's own.

It offers the calls of MLflow 1 under ``v1.0`` and those of MLflow 2 under ``v2.0``. Anything newer is
404 without a body: logged models (users' reports), inputs of runs and traces (an assumption). Runs
have artifact URIs that only azureml-mlflow understands.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from amlwizard.sandbox.documents import JsonObject, JsonValue

PREFIX = "/api/2.0/mlflow/"
CALLS = re.compile(r"(experiments|runs|metrics|artifacts|registered-models|model-versions)/[a-z-]+")
LACKING = {"runs/log-inputs", "runs/outputs", "runs/link-traces", "runs/link-prompts"}
ONLY_V1 = {"experiments/list", "registered-models/list"}
ONLY_V2 = {"experiments/search", "metrics/get-history-bulk", "metrics/get-history-bulk-interval"}
# Calls that the server knows by another name: MLflow 1's, and azureml-mlflow's own.
SERVED_AS = {
    "experiments/list": "experiments/search",
    "registered-models/list": "registered-models/search",
    "runs/log-batch-async": "runs/log-batch",
}
MOST_PARAMS = 200


def call_of(version: str, path: str) -> str | None:
    """The call (``runs/create``) of a path below the workspace's id; None if the API version
    (``1.0`` or ``2.0``) does not have it."""
    call = path.removeprefix(PREFIX)
    if not path.startswith(PREFIX) or not CALLS.fullmatch(call):
        return None
    missing = LACKING | (ONLY_V2 if version == "1.0" else ONLY_V1)
    return None if call in missing else call


def artifact_uri(host: str, workspace_id: str, experiment: str, run: str) -> str:
    return (
        f"azureml://{host}/mlflow/v2.0{workspace_id}/experiments/{experiment}/runs/{run}/artifacts"
    )


def as_azures(body: JsonValue, host: str, workspace_id: str) -> JsonValue:
    """A response of the MLflow server with the artifact URIs of Azure."""
    if isinstance(body, list):
        return [as_azures(item, host, workspace_id) for item in body]
    if not isinstance(body, dict):
        return body
    shown = {key: as_azures(value, host, workspace_id) for key, value in body.items()}
    if "artifact_uri" in body and "run_id" in body:
        shown["artifact_uri"] = artifact_uri(
            host, workspace_id, str(body.get("experiment_id", "")), str(body["run_id"])
        )
    if "artifact_location" in body:
        shown["artifact_location"] = ""
    return shown


def too_many_params(known: set[str], sent: set[str]) -> dict[str, str] | None:
    """The error if a run would exceed its limit of parameters, else None."""
    size = len(known | sent)
    if size <= MOST_PARAMS:
        return None
    message = (
        "Response: {'Error': {'Code': 'ValidationError', 'Message': 'A field of the entity is over "
        f"the size limit. FieldName=Parameters, Limit={MOST_PARAMS}, Size={size}. See "
        "https://aka.ms/azure-machine-learning-limits for service limits documentation.'}}"
    )
    return {"error_code": "INVALID_PARAMETER_VALUE", "message": message}


def model_uri(version: JsonObject) -> str:
    """The model URI of a registered version in ARM."""
    made = run_artifact(version.get("source", ""))
    path = made[2] if made else "model"
    return f"azureml://jobs/{version.get('run_id', '')}/outputs/artifacts/paths/{path}"


def run_artifact(source: str) -> tuple[str, str, str] | None:
    """Origin, container and path of the artifact that a model version was created from."""
    path = urlsplit(source).path if source.startswith("azureml://") else ""
    if matched := re.fullmatch(r".*/experiments/[^/]+/runs/([^/]+)/artifacts/?(.*)", path):
        return "ExperimentRun", matched[1], matched[2]
    if source.startswith("azureml://artifacts/"):
        origin, container, rest = source.removeprefix("azureml://artifacts/").split("/", 2)
        return origin, container, rest
    if matched := re.fullmatch(r"azureml://jobs/([^/]+)/outputs/artifacts/paths/(.+?)/?", source):
        return "ExperimentRun", matched[1], matched[2]
    if matched := re.fullmatch(r"runs:/([^/]+)/(.+)", source):
        return "ExperimentRun", matched[1], matched[2]
    return None
