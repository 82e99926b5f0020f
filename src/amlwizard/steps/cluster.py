"""The Databricks cluster and the libraries pinned on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from amlwizard.cloud_port import DatabricksPort, ReportProgress
from amlwizard.design import access_modes
from amlwizard.design.access_modes import access_mode
from amlwizard.design.names import OWNER_TAG
from amlwizard.errors import StepError
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plan import Context, Found, Step
from amlwizard.plan.outputs import CLUSTER, DATABRICKS, ResourceOutput
from amlwizard.recipe import Recipe
from amlwizard.steps.documents import MISSING, differences

MASTER = "spark.master"
OPTIONAL = ("autoscale", "instance_pool_id", "policy_id")
SETTINGS_TAG = "amlwizard-settings"  # hash of the settings that a cluster was created from


def packages(recipe: Recipe) -> list[str]:
    """PyPI requirements of the cluster, each pinned: runtimes bring older versions otherwise."""
    t = recipe.training
    return [
        f"mlflow=={t.mlflow}",
        f"azureml-mlflow=={t.azureml_mlflow}",
        f"scikit-learn=={t.scikit_learn}",
        *t.requirements,
    ]


def cluster_spec(recipe: Recipe) -> MutableDocument:
    """The request body of clusters/create; a pool and a policy may be named in place of their ids."""
    t = recipe.training
    scaled = {"autoscale": {"min_workers": t.workers, "max_workers": t.max_workers}}
    spec: MutableDocument = {
        "cluster_name": recipe.names.cluster,
        "spark_version": t.spark_version,
        # A pool has its own node type, and takes no other.
        **(
            {"instance_pool_id": t.instance_pool}
            if t.instance_pool
            else {"node_type_id": t.node_type}
        ),
        **(scaled if t.max_workers else {"num_workers": t.workers}),
        **({"policy_id": t.cluster_policy} if t.cluster_policy else {}),
        "autotermination_minutes": t.auto_termination_minutes,
        access_modes.KEY: access_modes.DEDICATED,
        # Before runtime 17, cell output is truncated at 50,000 characters unless this is set.
        "spark_conf": {"spark.databricks.driver.maxReplOutputLength": "20000000"},
        "custom_tags": {OWNER_TAG: recipe.names.prefix},
    }
    if t.workers == 0:
        spec["spark_conf"] |= {
            "spark.databricks.cluster.profile": "singleNode",
            MASTER: "local[*]",
        }
        spec["custom_tags"]["ResourceClass"] = "SingleNode"
    settings = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
    spec["custom_tags"][SETTINGS_TAG] = settings
    return spec


def _differences(spec: Document, found: Document) -> tuple[str, ...]:
    """Differences between a cluster and `spec`. Databricks omits a number that is 0, writes the
    master of a single node in its own form, and has two names for an access mode."""
    conf = {**(found.get("spark_conf") or {})}
    if str(conf.get(MASTER, "")).startswith("local[*"):
        conf[MASTER] = "local[*]"
    wanted = {key: value for key, value in spec.items() if key != "custom_tags"}
    shown = {"num_workers": 0, **found, "spark_conf": conf}
    if access_modes.KEY in found:
        shown[access_modes.KEY] = access_mode(found)
    gone = tuple(
        f"{key}: {found[key]} -> none" for key in OPTIONAL if found.get(key) and key not in spec
    )
    return differences(wanted, shown) + gone


def _with_ids(spec: Document, client: DatabricksPort) -> Document:
    """`spec` with the ids of the pool and the policy that it names. Raises StepError where there is
    none of that name."""
    ids = {
        key: _id_of(named(), spec[key], key)
        for key, named in (
            ("instance_pool_id", client.instance_pools),
            ("policy_id", client.cluster_policies),
        )
        if key in spec
    }
    return {**spec, **ids}


NOT_THERE = {
    "instance_pool_id": _(
        "training.instance_pool: the Databricks workspace has no instance pool {name}."
    ),
    "policy_id": _(
        "training.cluster_policy: the Databricks workspace has no cluster policy {name}."
    ),
}


def _id_of(named: Mapping[str, str], given: str, key: str) -> str:
    if given in named.values():
        return given
    if given in named:
        return named[given]
    raise StepError(
        NOT_THERE[key].format(name=given),
        why=_("It has {names}, as far as you may use them.", names=", ".join(sorted(named)))
        if named
        else _("It has none that you may use."),
        fix=_("Correct the name, or have it made and shared with you in the Databricks workspace."),
    )


def _is_ours_and_old(spec: Document, found: Document) -> bool:
    """Whether this recipe created the cluster, from settings other than its current ones."""
    tags = found.get("custom_tags") or {}
    ours, mark = (spec["custom_tags"][tag] for tag in (OWNER_TAG, SETTINGS_TAG))
    return bool(tags.get(OWNER_TAG) == ours and tags.get(SETTINGS_TAG) != mark)


def cluster(recipe: Recipe) -> list[Step]:
    """The steps for the cluster and for the libraries installed on it."""
    made, libraries = _Cluster(cluster_spec(recipe)), _Libraries(packages(recipe))
    return [
        Step(
            "databricks-cluster", _("Databricks cluster"), "provision", ("databricks",),
            made.read, made.apply, audiences=("databricks",),
            az=(f"databricks clusters create --json '<{recipe.names.cluster}>'",),
        ),
        Step(
            "cluster-libraries", _("Cluster libraries"), "provision",
            ("databricks-cluster",), libraries.read, libraries.apply, audiences=("databricks",),
            az=(f"databricks libraries install --json '{libraries.request}'",),
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class _Cluster:
    """`spec` is the request body of clusters/create."""

    spec: Document

    def read(self, ctx: Context) -> Found | None:
        client = databricks_of(ctx)
        found = client.find_cluster(self.spec["cluster_name"])
        if found is None:
            return None
        spec = _with_ids(self.spec, client)
        outputs = ResourceOutput(found["cluster_id"]).to_json()
        state = str(found.get("state"))
        if state == "PENDING":
            return Found("busy", outputs)
        differing = _differences(spec, found)
        if differing and _is_ours_and_old(spec, found):
            return Found("differs", outputs, differing)
        # A cluster that terminated by itself counts as ready; it is started when work needs it.
        # Differences in clusters that others created or edited are reported and left alone.
        said = "; ".join(differing)
        left = _("left as it is, though not as in the recipe: {differences}", differences=said)
        return Found("ready", outputs, note=left if differing else "")

    def apply(self, ctx: Context, say: ReportProgress) -> Document:
        client = databricks_of(ctx)
        spec = _with_ids(self.spec, client)
        found = client.find_cluster(spec["cluster_name"])
        cluster_id = found["cluster_id"] if found else client.create_cluster(spec)
        if found and _differences(spec, found) and _is_ours_and_old(spec, found):
            client.edit_cluster(cluster_id, spec)
        client.have_running(cluster_id, say, ctx.cancel)
        return ResourceOutput(cluster_id).to_json()


@dataclass(frozen=True)
class _Libraries:
    """`wanted` are PyPI requirements."""

    wanted: list[str]

    @property
    def request(self) -> str:
        """The request body of libraries/install, without the cluster's id."""
        libraries = [{"pypi": {"package": package}} for package in self.wanted]
        return json.dumps({"cluster_id": "<cluster>", "libraries": libraries})

    def read(self, ctx: Context) -> Found | None:
        states = databricks_of(ctx).library_status(ctx.outputs[CLUSTER].id)
        # A stopped cluster reports PENDING for libraries that it installs when it starts.
        missing = tuple(f"{p}: {MISSING}" for p in self.wanted if states.get(p) in (None, "FAILED"))
        if len(missing) == len(self.wanted):
            return None
        return Found("differs" if missing else "ready", {}, missing)

    def apply(self, ctx: Context, say: ReportProgress) -> Document:
        client, cluster_id = databricks_of(ctx), ctx.outputs[CLUSTER].id
        client.have_running(cluster_id, say, ctx.cancel)
        client.install_libraries(cluster_id, self.wanted, say, ctx.cancel)
        return {}


def databricks_of(ctx: Context) -> DatabricksPort:
    """The client of the Databricks workspace. Raises UnresolvedPlaceholderError until it exists."""
    made = ctx.outputs[DATABRICKS]
    return ctx.cloud.databricks(made.url, made.id)
