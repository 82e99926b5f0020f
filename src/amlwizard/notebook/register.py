# Databricks notebook source
# Register the model of a run
import json

import mlflow
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

let_in()
run = into_run(parameters["run_id"])
mlflow.set_registry_uri(uri)
artifacts = get_artifact_repository(run.info.artifact_uri)
held = [file.path for file in patiently(lambda: artifacts.list_artifacts(parameters["path"]))]
if f"{parameters['path']}/MLmodel" not in held:
    raise RuntimeError(f"run {parameters['run_id']} holds no model: {held}")

# COMMAND ----------

# Create a version of it
# Not register_model: MLflow 3 looks there for logged models, which this registry does not have.
let_in()
registry = MlflowClient(uri, registry_uri=uri)
patiently(
    lambda: registry.create_registered_model(parameters["model"]), done="RESOURCE_ALREADY_EXISTS"
)


def registered():
    """The version of this run, if a request whose answer was lost has made it."""
    versions = registry.search_model_versions(f"name = '{parameters['model']}'")
    made = (v for v in versions if v.run_id == parameters["run_id"])
    return next((v for v in made if v.tags.get("path") == parameters["path"]), None)


def register():
    return registry.create_model_version(
        parameters["model"],
        f"{run.info.artifact_uri}/{parameters['path']}",
        run_id=parameters["run_id"],
        tags=parameters["tags"],
    )


version = patiently(registered) or created_once(register, registered)
for key, value in parameters["tags"].items():
    if version.tags.get(key) != value:
        patiently(
            lambda key=key, value=value: registry.set_model_version_tag(
                version.name, version.version, key, value
            )
        )
print(f"{version.name} version {version.version}")
print("amlwizard:" + json.dumps({"version": str(version.version)}))
