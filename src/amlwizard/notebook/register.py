# Databricks notebook source
# Register the model of a run
import json
import os

import mlflow

os.environ["MLFLOW_TRACKING_TOKEN"] = dbutils.secrets.get(parameters["scope"], "tracking-token")
mlflow.set_tracking_uri(parameters["tracking_uri"])
version = mlflow.register_model(
    f"runs:/{parameters['run_id']}/model", parameters["model"], tags=parameters["tags"]
)
print(f"{version.name} version {version.version}")
print("amlwizard:" + json.dumps({"version": str(version.version)}))
