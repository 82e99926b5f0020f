# Databricks notebook source
# Upload the scoring script
from azure.storage.blob import ContainerClient

signed = dbutils.secrets.get(parameters["upload_scope"], parameters["upload_key"])
container = ContainerClient.from_container_url(signed)
for name, text in parameters["files"].items():
    container.upload_blob(name, text.encode(), overwrite=True)
    print(f"{name} uploaded")

# COMMAND ----------

# Read the model's environment
import json
from pathlib import Path

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

let_in()
run = into_run(parameters["run_id"])
artifacts = get_artifact_repository(run.info.artifact_uri)
file = patiently(lambda: artifacts.download_artifacts(parameters["path"] + "/conda.yaml"))
conda = Path(file).read_text()
print(conda)
print("amlwizard:" + json.dumps({"conda": conda}))
