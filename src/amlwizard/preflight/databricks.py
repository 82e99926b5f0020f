"""Checks of the cluster against what the Databricks workspace offers, once the workspace exists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import Training

RULES = {"spark_version": "runtime-not-offered", "node_type": "node-type-not-offered"}


def runtime(s: Situation) -> Iterator[Finding]:
    """A runtime that Databricks does not list."""
    yield from _listed(s, "spark_version", _("runtime"), s.runtimes, "spark-versions")


def node_type(s: Situation) -> Iterator[Finding]:
    """A node type that Databricks does not list at all, or not for this subscription and region."""
    if s.machine_of_training:
        yield from _listed(s, "node_type", _("node type"), s.node_types, "list-node-types")


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
