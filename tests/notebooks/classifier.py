# Databricks notebook source
# MAGIC %md
# MAGIC # People who answer

# COMMAND ----------

import pandas as pd

dbutils.widgets.text("trees", "10")
dbutils.widgets.text("data", "")
people = pd.read_csv(dbutils.widgets.get("data"))
x, y = people[["age", "city"]], people["answers"]

# COMMAND ----------

import mlflow
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

with mlflow.start_run(run_name="forest"):
    prepared = make_column_transformer(
        (SimpleImputer(), ["age"]),
        (
            make_pipeline(
                SimpleImputer(strategy="constant", fill_value="nowhere"),
                OneHotEncoder(handle_unknown="ignore"),
            ),
            ["city"],
        ),
    )
    trees = int(dbutils.widgets.get("trees"))
    model = make_pipeline(prepared, RandomForestClassifier(trees, random_state=0)).fit(x, y)
    mlflow.log_param("trees", parameters["trees"])
    mlflow.log_metric("accuracy", float((model.predict(x) == y).mean()))
    mlflow.sklearn.log_model(
        model,
        "model",
        signature=infer_signature(x.astype({"age": float}), model.predict(x)),
        pip_requirements=["mlflow", "scikit-learn", "pandas", "cloudpickle"],
    )
