# Databricks notebook source
# Open a run in the Machine Learning workspace only
import ast
import base64
import json
import os
import tempfile
import threading
import zlib
from contextlib import contextmanager
from math import isfinite
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
        lambda: by_status().get("RUNNING"),
    )


def by_status():
    return {run.info.status: run for run in runs_of_this_training()}


def the_run(run):
    """What MLflow finds the run by, in the environment."""
    return {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_EXPERIMENT_ID": experiment_id,
        "MLFLOW_RUN_ID": run.info.run_id,
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }


def files_of(run, folder=None):
    os.environ.update(the_run(run))
    artifacts = get_artifact_repository(run.info.artifact_uri)
    return [file.path for file in patiently(lambda: artifacts.list_artifacts(folder))]


# A notebook that was cut off, or whose answer was lost, has left its run: it is taken up, unless it
# has logged files, for the client overwrites none. One that a cell has ended holds no result.
known = patiently(by_status)
run = known.get("FINISHED")
if run and RESULT not in files_of(run, "amlwizard"):
    run = None
left = None if run else known.get("RUNNING")
if left and files_of(left):
    patiently(lambda: client.set_terminated(left.info.run_id, "KILLED"))
    left = None
run = run or left or open_run()
run_id = run.info.run_id
running = "attributes.status = 'RUNNING'"
for other in patiently(lambda: client.search_runs([experiment_id], filter_string=running)):
    if TAG in other.data.tags and other.info.run_id != run_id:
        patiently(lambda other=other: client.set_terminated(other.info.run_id, "KILLED"))
os.environ.update(the_run(run))
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

# Prepare the notebook's parameters and run
from functools import partialmethod

from azure.identity import DeviceCodeCredential, InteractiveBrowserCredential
from mlflow.models import Model
from mlflow.tracking import fluent

given = parameters["given"]
own = parameters["notebook"]
received = Path(tempfile.mkdtemp())


def in_run():
    """Sign in, and make the run the active one if the notebook has ended it."""
    let_in()
    os.environ.update(the_run(run))
    if mlflow.active_run() is None:
        patiently(lambda: fluent.start_run(run_id=run_id))


class OpenRun:
    """The run that is open already, where a notebook opens one as if none were: it stays open."""

    def __init__(self, active):
        self.active = active

    def __getattr__(self, name):
        return getattr(self.active, name)

    def __enter__(self):
        return self.active

    def __exit__(self, *raised):
        return False


def nested_run(run_name, tags):
    """MLflow's own would take the open run, which the environment names, for the nested one."""
    given = {TAG: "nested", "mlflow.parentRunId": mlflow.active_run().info.run_id, **(tags or {})}
    return patiently(lambda: client.create_run(experiment_id, run_name=run_name, tags=given))


def start_run(run_id=None, *arguments, nested=False, run_name=None, **options):
    if nested and run_id is None:
        in_run()
        run_id = nested_run(run_name, options.pop("tags", None)).info.run_id
    if run_id is not None:
        return fluent.start_run(run_id, *arguments, nested=nested, run_name=run_name, **options)
    in_run()
    if run_name:
        mlflow.set_tag("mlflow.runName", run_name)
    for tag, value in (options.get("tags") or {}).items():
        mlflow.set_tag(tag, value)
    return OpenRun(mlflow.active_run())


mlflow.start_run = start_run


def into_the_run(cls, artifact_path=None, flavor=None, *arguments, name=None, **options):
    for apart in ("model_type", "params", "tags", "step", "model_id", "flavor_name"):
        options.pop(apart, None)
    return cls._log_v2(artifact_path or name, flavor, *arguments, **options)


# MLflow 3 keeps models apart from runs, by calls that this tracking server does not have.
if hasattr(Model, "_log_v2"):
    Model.log = classmethod(into_the_run)


HANDED_ON = (
    "spark",
    "sc",
    "sqlContext",
    "dbutils",
    "display",
    "displayHTML",
    "table",
    "sql",
    "udf",
)
notebook_globals = {"__name__": "__main__", "parameters": {}}
notebook_globals.update({n: globals()[n] for n in HANDED_ON if n in globals()})


@contextmanager
def signed_in_for_long():
    """A cell may run for longer than a token is valid."""
    over = threading.Event()

    def renew():
        while not over.wait(60):
            let_in()

    renewing = threading.Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


@contextmanager
def nobody_to_ask():
    """Whoever is asked to sign in sees nothing of it: azureml-mlflow without a token, or a sign-in of
    the notebook's own, fails at once instead of waiting for a browser."""
    asking = {one: one.__init__ for one in (InteractiveBrowserCredential, DeviceCodeCredential)}
    for one, made in asking.items():
        one.__init__ = partialmethod(made, disable_automatic_authentication=True, timeout=0)
    try:
        yield
    finally:
        for one, made in asking.items():
            one.__init__ = made


def run_cell(number, line, source):
    in_run()
    with signed_in_for_long(), nobody_to_ask():
        run_code(number, line, source)
    in_run()
    # What has been logged so far, since nobody outside the VNET can ask for it.
    so_far = patiently(lambda: client.get_run(run_id)).data.metrics.items()
    shown = {name: value for name, value in so_far if isfinite(value)}
    if shown:
        print("\namlwizard:" + json.dumps({"metrics": shown}))


def run_code(number, line, source):
    """A cell of the notebook, with the lines of its file; what its last line gives is printed."""
    try:
        tree = ast.parse("\n" * (line - 1) + source, own)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, own, "exec"), notebook_globals)
        shown = None
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), own, "eval"), notebook_globals)
        if shown is not None:
            print(repr(shown)[:10_000])
    except Exception as error:
        place, at = error.__traceback__, line
        while place:
            if place.tb_frame.f_code.co_filename == own:
                at = place.tb_lineno
            place = place.tb_next
        # An error of Spark's has Java's stack in its text.
        told = [t.strip() for t in str(error).splitlines() if not t.lstrip().startswith("at ")]
        said = f"{type(error).__name__}: {' '.join(told)}"
        raise RuntimeError(f"{own}, cell {number}, line {at}: {said}") from error
    except SystemExit:
        raise RuntimeError(f"{own}, cell {number}: it ends the notebook by exit()") from None


def receive(name, part):
    """A part of the data that was sent along, and where it is for the notebook."""
    file = received / name
    with file.open("ab") as out:
        out.write(zlib.decompress(base64.b64decode(part)))
    hand_on("data", str(file))
    print(f"{file.stat().st_size:,} bytes of {name}")


def hand_on(name, value):
    notebook_globals["parameters"][name] = value
    dbutils.widgets.text(name, str(value))


def look_for(data):
    """Whether the data can be read from here, or who has to allow it."""
    try:
        if data.startswith("https://"):
            requests.get(data, stream=True, timeout=60).raise_for_status()
        elif data.startswith("/"):
            os.stat(data)
        elif "://" in data or data.startswith("dbfs:/"):
            dbutils.fs.ls(data)
        else:
            spark.table(data).printSchema()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise RuntimeError(f"the cluster cannot read {data}. {who_allows(data)}. {said}") from error
    hand_on("data", data)
    print(f"{data} can be read")


def who_allows(data):
    if data.startswith("https://"):
        return "The NSG and the firewall of the Databricks subnets must let the cluster out to it"
    path = data.removeprefix("dbfs:")
    if path.startswith("/dbfs/") or (path != data and not path.startswith("/Volumes/")):
        return (
            "New accounts have no DBFS root and no mounts. Put it into a volume, and name that path"
        )
    if path.startswith("/"):
        return "The owner of the volume grants READ VOLUME on it, and USE on its catalog and schema"
    if "://" in data:
        return (
            "The storage account's owner gives the access connector Storage Blob Data Reader, the "
            "metastore's admin READ FILES on the external location; and the account admits the "
            "cluster's subnet, by a private endpoint for dfs"
        )
    return "The owner of the table grants SELECT on it, and USE on its catalog and schema"


for name, value in given.items():
    hand_on(name, value)
print(", ".join(f"{name} {value}" for name, value in given.items()) or "no parameters")
