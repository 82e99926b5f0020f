# Databricks notebook source
# Read the settings
dbutils.widgets.text("data", "", "Table, or path of Delta, Parquet or CSV; empty: the diabetes rows")
dbutils.widgets.text("target", "target", "Column to predict; all other columns are features")
dbutils.widgets.text("alphas", "0.003 0.03 0.3", "Regularisation strengths to try")
dbutils.widgets.text("test_size", "0.2", "Share of the rows that is held out")
dbutils.widgets.text("random_state", "0", "Seed of the split")
data = dbutils.widgets.get("data")
target = dbutils.widgets.get("target")
alphas = [float(alpha) for alpha in dbutils.widgets.get("alphas").split()]
test_size = float(dbutils.widgets.get("test_size"))
random_state = int(dbutils.widgets.get("random_state"))
print(f"alphas {alphas}, test_size {test_size}, random_state {random_state}")

# COMMAND ----------

# Read the data, and hold a part of it out
import os

import pandas as pd
from pyspark.sql import functions as F
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split


def diabetes():
    """The rows that come with scikit-learn, split as it splits them."""
    rows = load_diabetes(as_frame=True).frame
    _, held_out = train_test_split(rows.index, test_size=test_size, random_state=random_state)
    rows["held_out"] = rows.index.isin(held_out)
    return on_spark(rows)


def on_spark(rows):
    """A table of this machine's memory as one of Spark."""
    kinds = {"b": "boolean", "i": "bigint", "f": "double"}
    schema = ", ".join(f"`{c}` {kinds.get(kind.kind, 'string')}" for c, kind in rows.dtypes.items())
    return spark.createDataFrame(rows.to_numpy(dtype=object).tolist(), schema)


def read(path):
    """Delta, Parquet or CSV; Spark's workers do not see a file that only this machine has."""
    if "/" not in path:
        return spark.table(path)
    if os.path.isfile(path) and not path.startswith(("/Volumes/", "/Workspace/")):
        return on_spark(pd.read_csv(path))
    if ".csv" in path:
        return spark.read.csv(path, header=True, inferSchema=True)
    return spark.read.format("parquet" if ".parquet" in path else "delta").load(path)


def share(seed):
    """A number from 0 to 1 that follows from a row alone, however the rows are spread."""
    return F.pmod(F.xxhash64(*columns, F.lit(seed)), F.lit(1000)) / 1000


rows = read(data) if data else diabetes()
numbers = ("double", "float", "bigint", "int", "smallint", "tinyint")
columns = [c for c, kind in rows.dtypes if c != target and kind in numbers]
rows = rows.dropna(subset=[*columns, target])
if "held_out" not in rows.columns:
    rows = rows.withColumn("held_out", share(random_state) < test_size)
rows = rows.withColumn("validates", share(random_state + 1) < 0.2).cache()
training, test = rows.where("not held_out"), rows.where("held_out")
training_rows, test_rows = training.count(), test.count()
print(f"{training_rows:,} rows of {len(columns)} columns to train on, {test_rows:,} to test on")

# COMMAND ----------

# Try the regularisation strengths, each in a run of its own
import mlflow
from pyspark.ml import Pipeline
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.regression import LinearRegression

# scikit-learn adds alpha to a sum over all rows, Spark regParam to their mean, in units of the label.
label_deviation = training.select(F.stddev_pop(target)).first()[0]
evaluator = RegressionEvaluator(labelCol=target, metricName="mse")


def ridge(alpha, rows):
    features = VectorAssembler(inputCols=columns, outputCol="features")
    regression = LinearRegression(
        labelCol=target,
        regParam=alpha * label_deviation / training_rows,
        elasticNetParam=0.0,
        standardization=False,
    )
    return Pipeline(stages=[features, regression]).fit(rows)


tried = {}
for alpha in alphas:
    with mlflow.start_run(run_name=f"alpha {alpha}", nested=True):
        tested = ridge(alpha, training.where("not validates")).transform(training.where("validates"))
        tried[alpha] = evaluator.evaluate(tested)
        mlflow.log_param("alpha", alpha)
        mlflow.log_metric("validation_mse", tried[alpha])
    print(f"alpha {alpha}: validation MSE {tried[alpha]:.4f}")
best = min(tried, key=tried.get)

# COMMAND ----------

# Train with the best of them, measure and log
model = ridge(best, training)
tested = model.transform(test)
mse = evaluator.evaluate(tested)
mlflow.log_param("alpha", best)
mlflow.log_metrics({"mse": mse, "training_rows": training_rows, "test_rows": test_rows})
print(f"alpha {best}: MSE {mse:.4f}")

# COMMAND ----------

# Rebuild the model in scikit-learn, which is served without Java
import numpy as np
from sklearn.linear_model import LinearRegression as ServedRegression

fitted = model.stages[-1]
served = ServedRegression()
served.coef_, served.intercept_ = fitted.coefficients.toArray(), fitted.intercept
served.n_features_in_, served.feature_names_in_ = len(columns), np.array(columns, dtype=object)

some = tested.sample(min(1.0, 500 / max(test_rows, 1)), seed=random_state).limit(1000)
some = pd.DataFrame([row.asDict() for row in some.select(*columns, target, "prediction").collect()])
predicted = served.predict(some[columns])
# The same numbers, bit for bit; their sum may be taken in another order, so its last bits differ.
terms = some[columns].abs() @ np.abs(served.coef_) + abs(served.intercept_)
off = np.abs(predicted - some["prediction"])
assert (off <= len(columns) * np.finfo(float).eps * terms).all(), off.max()
print(f"the same model in scikit-learn: {len(some)} predictions, apart by {off.max():.1e} at most")

# COMMAND ----------

# Draw actual against predicted
from matplotlib.figure import Figure

figure = Figure(figsize=(6, 6), dpi=80, layout="constrained")
axes = figure.subplots()
axes.scatter(some[target], predicted, alpha=0.7)
low, high = float(some[target].min()), float(some[target].max())
axes.plot([low, high], [low, high], color="grey", linewidth=1)
axes.set(xlabel="actual", ylabel="predicted", title=f"Ridge, MSE {mse:.1f}")
mlflow.log_figure(figure, "actual-vs-predicted.png")
points = {"actual": [*map(float, some[target])], "predicted": [*map(float, predicted)]}
mlflow.log_dict(points, "actual-vs-predicted.json")

# COMMAND ----------

# Log the model with what it needs
from importlib.metadata import version

from mlflow.models import infer_signature

mlflow.sklearn.log_model(
    served,
    "model",
    signature=infer_signature(some[columns], predicted),
    input_example=some[columns].head(2),
    # What it was rebuilt with, to the version.
    pip_requirements=[
        f"{package}=={version(package)}"
        for package in ("mlflow", "scikit-learn", "numpy", "scipy", "cloudpickle")
    ]
    + ["azureml-ai-monitoring==1.0.0", "azureml-inference-server-http==1.5.1"],
)
print("model logged")
