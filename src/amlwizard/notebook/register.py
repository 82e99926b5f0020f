# Databricks notebook source
# Register the model of a run
import json
import os

import mlflow
from mlflow.tracking import MlflowClient

let_in()
uri = parameters["tracking_uri"]
# As in training: azureml:// finds the run in the environment, or it would wait for a browser.
run = MlflowClient(uri.replace("azureml://", "https://")).get_run(parameters["run_id"])
os.environ["MLFLOW_RUN_ID"] = parameters["run_id"]
os.environ["MLFLOW_EXPERIMENT_ID"] = run.info.experiment_id
mlflow.set_tracking_uri(uri)
version = mlflow.register_model(
    f"runs:/{parameters['run_id']}/model", parameters["model"], tags=parameters["tags"]
)
print(f"{version.name} version {version.version}")
print("amlwizard:" + json.dumps({"version": str(version.version)}))
