# Databricks notebook source
# Read the settings
dbutils.widgets.text("alpha", "0.03", "Regularisation strength")
dbutils.widgets.text("test_size", "0.2", "Share of the rows that is held out")
dbutils.widgets.text("random_state", "0", "Seed of the split")
alpha = float(dbutils.widgets.get("alpha"))
test_size = float(dbutils.widgets.get("test_size"))
random_state = int(dbutils.widgets.get("random_state"))
print(f"alpha {alpha}, test_size {test_size}, random_state {random_state}")

# COMMAND ----------

# Load the diabetes data and split it
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

data = load_diabetes(as_frame=True)
x_train, x_test, y_train, y_test = train_test_split(
    data.data, data.target, test_size=test_size, random_state=random_state
)
print(f"{len(x_train)} rows to train on, {len(x_test)} to test on")

# COMMAND ----------

# Train
from sklearn.linear_model import Ridge

model = Ridge(alpha=alpha).fit(x_train, y_train)
predicted = model.predict(x_test)
print(f"Ridge with alpha {alpha} fitted")

# COMMAND ----------

# Measure and log
import mlflow
from sklearn.metrics import mean_squared_error

mse = float(mean_squared_error(y_test, predicted))
mlflow.log_param("alpha", alpha)
mlflow.log_metrics({"mse": mse, "training_rows": len(x_train), "test_rows": len(x_test)})
print(f"MSE {mse:.4f}")

# COMMAND ----------

# Draw actual against predicted
from matplotlib.figure import Figure

figure = Figure(figsize=(6, 6), dpi=80, layout="constrained")
axes = figure.subplots()
axes.scatter(y_test, predicted, alpha=0.7)
low, high = float(y_test.min()), float(y_test.max())
axes.plot([low, high], [low, high], color="grey", linewidth=1)
axes.set(xlabel="actual", ylabel="predicted", title=f"Ridge, MSE {mse:.1f}")
mlflow.log_figure(figure, "actual-vs-predicted.png")
points = {"actual": [*map(float, y_test)], "predicted": [*map(float, predicted)]}
mlflow.log_dict(points, "actual-vs-predicted.json")

# COMMAND ----------

# Log the model with what it needs
from importlib.metadata import version

from mlflow.models import infer_signature

mlflow.sklearn.log_model(
    model,
    "model",
    signature=infer_signature(x_test, predicted),
    input_example=x_test.head(2),
    # What it was trained with, to the version.
    pip_requirements=[
        f"{package}=={version(package)}"
        for package in ("mlflow", "scikit-learn", "numpy", "scipy", "cloudpickle")
    ],
)
print("model logged")
