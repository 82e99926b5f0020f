# Databricks notebook source
# Load the diabetes data and split it
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

data = load_diabetes(as_frame=True)
x_train, x_test, y_train, y_test = train_test_split(
    data.data,
    data.target,
    test_size=parameters["test_size"],
    random_state=parameters["random_state"],
)
print(f"{len(x_train)} rows to train on, {len(x_test)} to test on")

# COMMAND ----------

# Open a run in the Machine Learning workspace, and nowhere else
import json
import os
from pathlib import Path

import mlflow
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

let_in()
# The run is opened by MLflow's own client; azureml:// then finds it in the environment, where its
# own sign-in would wait for a browser.
client = MlflowClient(api, registry_uri=uri)


def experiment_known():
    known = client.get_experiment_by_name(parameters["experiment"])
    return known.experiment_id if known else None


experiment_id = patiently(experiment_known) or created_once(
    lambda: client.create_experiment(parameters["experiment"]), experiment_known
)
TAG, RESULT = "amlwizard_training", "amlwizard/result.json"


def runs_of_this_training():
    wanted = f"tags.{TAG} = '{parameters['mark']}'"
    return list(client.search_runs([experiment_id], filter_string=wanted))


def open_run():
    return created_once(
        lambda: client.create_run(
            experiment_id, run_name=parameters["run_name"], tags={TAG: parameters["mark"]}
        ),
        lambda: next(iter(runs_of_this_training()), None),
    )


# A notebook that was cut off, or whose answer was lost, has left its run: it is taken up.
known = {run.info.status: run for run in patiently(runs_of_this_training)}
run = known.get("FINISHED") or known.get("RUNNING") or open_run()
run_id = run.info.run_id
running = "attributes.status = 'RUNNING'"
for other in patiently(lambda: client.search_runs([experiment_id], filter_string=running)):
    if TAG in other.data.tags and other.info.run_id != run_id:
        patiently(lambda other=other: client.set_terminated(other.info.run_id, "KILLED"))
os.environ["MLFLOW_EXPERIMENT_ID"], os.environ["MLFLOW_RUN_ID"] = experiment_id, run_id
mlflow.set_tracking_uri(uri)
# Databricks' own registry is Unity Catalog, unless it is named.
mlflow.set_registry_uri(uri)
print(f"run {run_id} in experiment {parameters['experiment']}")
if run.info.status == "FINISHED":
    artifacts = get_artifact_repository(run.info.artifact_uri)
    kept = patiently(lambda: artifacts.download_artifacts(RESULT))
    print("it has finished already")
    print("amlwizard:" + json.dumps({"notebook_result": json.loads(Path(kept).read_text())}))

# COMMAND ----------

# Train
from sklearn.linear_model import Ridge

model = Ridge(alpha=parameters["alpha"]).fit(x_train, y_train)
predicted = model.predict(x_test)
print(f"Ridge with alpha {parameters['alpha']} fitted")

# COMMAND ----------

# Measure and log
from sklearn.metrics import mean_squared_error

let_in()
mse = float(mean_squared_error(y_test, predicted))
patiently(lambda: client.log_param(run_id, "alpha", parameters["alpha"]))
patiently(lambda: client.log_metric(run_id, "mse", mse))
print(f"MSE {mse:.4f}")

# COMMAND ----------

# Draw actual against predicted
import base64
import tempfile

from matplotlib.figure import Figure

folder = Path(tempfile.mkdtemp())
figure = Figure(figsize=(6, 6), layout="constrained")
axes = figure.subplots()
axes.scatter(y_test, predicted, alpha=0.7)
low, high = float(y_test.min()), float(y_test.max())
axes.plot([low, high], [low, high], color="grey", linewidth=1)
axes.set(xlabel="actual", ylabel="predicted", title=f"Ridge, MSE {mse:.1f}")
figure.savefig(folder / "actual-vs-predicted.png", dpi=80)
picture = (folder / "actual-vs-predicted.png").read_bytes()
print(f"actual-vs-predicted.png drawn, {len(picture):,} bytes")
# Outside the VNET its artifact cannot be read, so the picture comes back with the cell's output, of
# which Databricks gives back 50,000 characters before runtime 17.
if len(picture) <= parameters["largest_picture"]:
    encoded = base64.b64encode(picture).decode()
    print(f"amlwizard-file:actual-vs-predicted.png {len(picture)} {encoded}")

# COMMAND ----------

# Save the model with what its server will need
import sys
from importlib.metadata import version

from mlflow.models import infer_signature

signature = infer_signature(x_test, predicted)
# What it was trained with, to the version; of Python only the minor one, as conda may not have all.
requirements = parameters["model_requirements"] + [
    f"{package}=={version(package)}" for package in ("numpy", "scipy", "cloudpickle")
]
environment = {
    "name": "mlflow-env",
    "channels": ["conda-forge"],
    "dependencies": [
        f"python={sys.version_info.major}.{sys.version_info.minor}",
        "pip",
        {"pip": requirements},
    ],
}
# Not log_model: MLflow 3 asks there for logged models, which this tracking server does not have.
mlflow.sklearn.save_model(
    model,
    str(folder / "model"),
    signature=signature,
    input_example=x_test.head(2),
    conda_env=environment,
)
print("model saved")

# COMMAND ----------

# Log model and picture, close the run
let_in()
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
result = {
    "run_id": run_id,
    "experiment_id": experiment_id,
    "rows": [len(x_train), len(x_test)],
    "mse": mse,
    "alpha": parameters["alpha"],
    "columns": {column["name"]: column["type"] for column in signature.inputs.to_dict()},
    "actual": [round(float(value), 3) for value in y_test],
    "predicted": [round(float(value), 3) for value in predicted],
}
(folder / "amlwizard").mkdir()
(folder / RESULT).write_text(json.dumps(result))
logged = get_artifact_repository(run.info.artifact_uri)
for file in sorted(path for path in folder.rglob("*") if path.is_file()):
    place = file.parent.relative_to(folder).as_posix()
    # The client overwrites nothing: what an attempt that was cut off has logged stays.
    patiently(
        lambda file=file, place=place: logged.log_artifact(
            str(file), None if place == "." else place
        ),
        done="already exists",
    )
# All of it, also what is there from before.
patiently(lambda: logged.download_artifacts("model"))
patiently(lambda: client.set_terminated(run_id))
print(f"model and picture logged to run {run_id}")
print("amlwizard:" + json.dumps(result))
