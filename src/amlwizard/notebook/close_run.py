# Databricks notebook source
# End the run that the notebook left open
import time

import requests

if "run_id" in globals():
    # Not by MLflow, which repeats its requests: little time is left.
    requests.post(
        api + "/api/2.0/mlflow/runs/update",
        json={"run_id": run_id, "status": STATUS, "end_time": int(time.time() * 1000)},
        headers={"Authorization": "Bearer " + token_for(audience)},
        timeout=10,
    ).raise_for_status()
