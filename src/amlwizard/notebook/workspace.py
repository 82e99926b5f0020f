# Databricks notebook source
# Get into the Machine Learning workspace, by a token that it takes
import os

import requests

uri, api = parameters["tracking_uri"], parameters["tracking_api"]


def taken(audience):
    answer = requests.post(
        api + "/api/2.0/mlflow/experiments/search",
        json={"max_results": 1},
        headers={"Authorization": "Bearer " + token_for(audience)},
        timeout=60,
    )
    return answer.status_code not in (401, 403)


# azureml-mlflow asks for tokens for Azure Resource Manager, other clients for those of Machine
# Learning: where both are refused the next call says why.
audience = "arm" if taken("arm") or not taken("ml") else "ml"


def let_in():
    """Before every cell that talks to the workspace: MLflow looks at the environment."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = token_for(audience)


let_in()
