# Databricks notebook source
# Sign in to the Machine Learning workspace with the token that is kept up to date for us
import os


def let_in():
    """Before every cell that talks to the workspace: MLflow looks at the environment."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = dbutils.secrets.get(parameters["scope"], "tracking-token")


let_in()
