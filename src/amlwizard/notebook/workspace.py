# Databricks notebook source
# Find a token that the Machine Learning workspace accepts
import os
import time

import mlflow
import requests
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

uri, api = parameters["tracking_uri"], parameters["tracking_api"]
PAUSES = (2, 5)  # seconds between attempts


def patiently(work, done=None):
    """What `work` gives, which may be done twice. Its client does not repeat it itself; MLflow's does
    after a refusal that passes, but not after an answer that is cut or unreadable. An error with the
    text `done` says that an earlier attempt has done it."""
    for pause in (*PAUSES, None):
        try:
            return work()
        except Exception as error:
            if done and done in str(error):
                return None
            repeated = isinstance(error, MlflowException) and "Max retries" in str(error)
            if pause is None or repeated:
                raise
            print(f"{type(error).__name__}: once more in {pause} s")
        time.sleep(pause)


def created_once(create, find):
    """What `create` makes. MLflow repeats a request whose answer was lost, and would make two: it is
    told not to, and `find` looks for the first one before each attempt."""
    for pause in (*PAUSES, None):
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
        try:
            return create()
        except MlflowException as error:
            refused = error
        finally:
            del os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]
        made = patiently(find)
        if made is not None:
            return made
        if pause is None:
            raise refused
        time.sleep(pause)


def taken(audience):
    answer = patiently(
        lambda: requests.post(
            api + "/api/2.0/mlflow/experiments/search",
            json={"max_results": 1},
            headers={"Authorization": "Bearer " + token_for(audience)},
            timeout=60,
        )
    )
    return answer.status_code not in (401, 403)


# azureml-mlflow asks for tokens for Azure Resource Manager, other clients for those of Machine
# Learning: where both are refused the next call says why.
audience = "arm" if taken("arm") or not taken("ml") else "ml"


def let_in():
    """Before every cell that talks to the workspace: MLflow looks at the environment."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = token_for(audience)


let_in()


def into_run(run_id):
    """A run, which MLflow works on from now on: azureml:// finds it in the environment, where its own
    sign-in would wait for a browser."""
    client = MlflowClient(api, registry_uri=uri)
    run = patiently(lambda: client.get_run(run_id))
    os.environ["MLFLOW_RUN_ID"], os.environ["MLFLOW_EXPERIMENT_ID"] = run_id, run.info.experiment_id
    mlflow.set_tracking_uri(uri)
    return run
