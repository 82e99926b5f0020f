# Databricks notebook source
# Upload the scoring script
from azure.storage.blob import ContainerClient

signed = dbutils.secrets.get(parameters["upload_scope"], parameters["upload_key"])
container = ContainerClient.from_container_url(signed)
for name, text in parameters["files"].items():
    container.upload_blob(name, text.encode(), overwrite=True)
    print(f"{name} uploaded")

# COMMAND ----------

# Read the environment of the model
import json
import os
from pathlib import Path

import mlflow
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

let_in()
# As in training: azureml:// finds the run in the environment, or it would wait for a browser.
client = MlflowClient(api, registry_uri=uri)
run = patiently(lambda: client.get_run(parameters["run_id"]))
os.environ["MLFLOW_RUN_ID"] = parameters["run_id"]
os.environ["MLFLOW_EXPERIMENT_ID"] = run.info.experiment_id
mlflow.set_tracking_uri(uri)
artifacts = get_artifact_repository(run.info.artifact_uri)
file = patiently(lambda: artifacts.download_artifacts(parameters["path"] + "/conda.yaml"))
conda = Path(file).read_text()
print(conda)
print("amlwizard:" + json.dumps({"conda": conda}))
