"""The Databricks cluster and the libraries pinned on it."""

from __future__ import annotations

from typing import Any

from amlwizard.plan import Context, Found, Json, Say, Step
from amlwizard.steps.arm_step import OWNER_TAG
from amlwizard.steps.documents import differences

GONE = ("TERMINATED", "TERMINATING", "ERROR")


def packages(recipe: Any) -> list[str]:
    """PyPI requirements of the cluster, each pinned: left open, runtimes bring older ones."""
    t = recipe.training
    return [
        f"mlflow=={t.mlflow}",
        f"azureml-mlflow=={t.azureml_mlflow}",
        f"scikit-learn=={t.scikit_learn}",
    ]


def cluster_spec(recipe: Any) -> dict[str, Any]:
    """What clusters/create is asked for."""
    t = recipe.training
    spec: dict[str, Any] = {
        "cluster_name": recipe.names.cluster,
        "spark_version": t.spark_version,
        "node_type_id": t.node_type,
        "num_workers": t.workers,
        "autotermination_minutes": t.auto_termination_minutes,
        "data_security_mode": "SINGLE_USER",
        "custom_tags": {OWNER_TAG: recipe.names.prefix},
    }
    if t.workers == 0:
        spec["spark_conf"] = {
            "spark.databricks.cluster.profile": "singleNode",
            "spark.master": "local[*]",
        }
        spec["custom_tags"]["ResourceClass"] = "SingleNode"
    return spec


def databricks(ctx: Context) -> Any:
    """The client of the workspace; KeyError where there is no workspace yet."""
    found = ctx.outputs["databricks"]
    return ctx.cloud.databricks(found["url"], found["id"])


def cluster(recipe: Any) -> list[Step]:
    spec, wanted = cluster_spec(recipe), packages(recipe)

    def read(ctx: Context) -> Found | None:
        found = databricks_of(ctx).find_cluster(spec["cluster_name"])
        if found is None:
            return None
        outputs = {"id": found["cluster_id"]}
        state = str(found.get("state"))
        if state == "PENDING":
            return Found("busy", outputs)
        apart = differences({k: v for k, v in spec.items() if k != "custom_tags"}, found)
        if apart:
            return Found("differs", outputs, apart)
        # A cluster that stopped by itself is as good as a running one, until work needs it.
        return Found("ready", outputs)

    def apply(ctx: Context, say: Say) -> Json:
        client = databricks_of(ctx)
        found = client.find_cluster(spec["cluster_name"])
        if found and differences({k: v for k, v in spec.items() if k != "custom_tags"}, found):
            client.delete_cluster(found["cluster_id"])
            found = None
        cluster_id = found["cluster_id"] if found else client.create_cluster(spec)
        if found and str(found.get("state")) in GONE:
            client.start_cluster(cluster_id)
        client.wait_cluster(cluster_id, say, ctx.cancel)
        return {"id": cluster_id}

    def read_libraries(ctx: Context) -> Found | None:
        states = databricks_of(ctx).library_status(ctx.outputs["databricks-cluster"]["id"])
        # A stopped cluster answers PENDING for libraries that it installs when it starts.
        missing = tuple(f"{p}: missing" for p in wanted if states.get(p) in (None, "FAILED"))
        if len(missing) == len(wanted):
            return None
        return Found("differs" if missing else "ready", {}, missing)

    def apply_libraries(ctx: Context, say: Say) -> Json:
        client, cluster_id = databricks_of(ctx), ctx.outputs["databricks-cluster"]["id"]
        running(client, cluster_id, say, ctx)
        client.install_libraries(cluster_id, wanted, say, ctx.cancel)
        return {}

    return [
        Step(
            "databricks-cluster", "Databricks cluster", "provision", ("databricks",), read, apply,
            az=(f"databricks clusters create --json '<{recipe.names.cluster}>'",),
        ),
        Step(
            "cluster-libraries", "Libraries on the cluster", "provision",
            ("databricks-cluster",), read_libraries, apply_libraries,
            az=tuple(f"databricks libraries install --pypi-package {p}" for p in wanted),
        ),
    ]  # fmt: skip


def databricks_of(ctx: Context) -> Any:
    """The client of the Databricks workspace; KeyError while it is not there."""
    made = ctx.outputs["databricks"]
    return ctx.cloud.databricks(made["url"], made["id"])


def running(client: Any, cluster_id: str, say: Say, ctx: Context) -> None:
    """Start the cluster if it stopped by itself, and wait until it runs."""
    state = client.state(cluster_id)
    if state in GONE:
        say("starting the cluster again")
        client.start_cluster(cluster_id)
    if state != "RUNNING":
        client.wait_cluster(cluster_id, say, ctx.cancel)
