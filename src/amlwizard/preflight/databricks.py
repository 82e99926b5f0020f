"""Checks of the cluster against what the Databricks workspace offers and has, once it exists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from amlwizard import user_notebook
from amlwizard.design import access_modes
from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import Training
from amlwizard.user_notebook import NotebookCell

SPARK_ML = 17  # the runtime from which on standard access mode has it
RULES = {"spark_version": "runtime-not-offered", "node_type": "node-type-not-offered"}


def runtime(s: Situation) -> Iterator[Finding]:
    """A runtime that Databricks does not list."""
    yield from _listed(s, "spark_version", _("runtime"), s.runtimes, "spark-versions")


def node_type(s: Situation) -> Iterator[Finding]:
    """A node type that Databricks does not list at all, or not for this subscription and region."""
    if s.machine_of_training:
        yield from _listed(s, "node_type", _("node type"), s.node_types, "list-node-types")


def access_mode(s: Situation) -> Iterator[Finding]:
    """A cluster in standard access mode, which was not made by us: an error if the notebook uses
    what that mode refuses, as far as can be seen."""
    if s.access_mode != access_modes.STANDARD:
        return
    cluster, training = s.recipe.names.cluster, s.recipe.training
    cure = {"names.cluster": f"{cluster}-dedicated"}
    fields: tuple[str, ...] = ("names.cluster",)
    what = _(
        "The cluster {cluster} is in standard access mode, not in dedicated access mode.",
        cluster=cluster,
    )
    used = _refused(training)
    if used:
        fields = (*fields, "training.notebook")
        cell, line, code = used
        what = _(
            "The cluster {cluster} is in standard access mode, which refuses {code} in cell {cell}, "
            "line {line}, of {notebook}.",
            cluster=cluster,
            code=code,
            cell=cell.number,
            line=line,
            notebook=training.notebook,
        )
    yield Finding(
        "access-mode",
        "error" if used else "warning",
        fields,
        what,
        why=_(
            "That mode has no Spark context, no RDDs and no /dbfs; Spark ML needs runtime 17 there, "
            "and a model of Spark is saved below /Volumes."
        ),
        fix=_(
            "Name another cluster, which is then created in dedicated access mode, or have this "
            "one's mode changed to dedicated."
        ),
        cure=cure,
        command=s.replaying(cure),
    )


def _refused(training: Training) -> tuple[NotebookCell, int, str] | None:
    """The first place in the notebook that standard access mode refuses."""
    try:
        notebook = user_notebook.read(training.notebook.path if training.notebook else None)
    except OSError:
        return None
    has_spark_ml = int(training.spark_version.partition(".")[0]) >= SPARK_ML
    return next(user_notebook.refused_in_standard_mode(notebook, has_spark_ml), None)


def _listed(
    s: Situation, field: str, kind: str, offered: Sequence[str], listing: str
) -> Iterator[Finding]:
    path, wanted = f"training.{field}", str(getattr(s.recipe.training, field))
    if not offered or s.cluster_runs or wanted in offered:
        return
    default = str(Training.model_fields[field].default)
    near = default if default in offered else _nearest(wanted, offered)
    command = f"databricks clusters {listing}"
    yield Finding(
        RULES[field],
        "error",
        (path,),
        _("Databricks does not offer the {kind} {wanted}.", kind=kind, wanted=wanted),
        why=_("It is not among the {count} that the workspace offers.", count=len(offered)),
        fix=_("Use {near}. To list what is offered: {command}", near=near, command=command),
        cure={path: near},
        command=s.replaying({path: near}),
    )


def _nearest(wanted: str, offered: Sequence[str]) -> str:
    """The newest runtime of the same kind, or else the offered value with the most similar text."""
    kind = wanted.partition(".x-")[2]
    same = [text for text in offered if kind and text.partition(".x-")[2] == kind]
    if same:
        return max(
            same, key=lambda text: [int(n) for n in re.findall(r"\d+", text.split(".x-")[0])]
        )
    return difflib.get_close_matches(wanted, offered, 1, 0)[0]
