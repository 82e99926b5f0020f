"""Access modes of Databricks clusters (`data_security_mode`), each of which has two names."""

from __future__ import annotations

import re

from amlwizard.json_types import Document

DEDICATED, STANDARD = "SINGLE_USER", "USER_ISOLATION"
AUTO = "DATA_SECURITY_MODE_AUTO"
KEY = "data_security_mode"
NEWER_NAMES = {
    "DATA_SECURITY_MODE_DEDICATED": DEDICATED,
    "DATA_SECURITY_MODE_STANDARD": STANDARD,
}
FIRST_STANDARD = (14, 3)  # the runtime from which on `AUTO` is standard


def access_mode(cluster: Document) -> str:
    """The access mode of a cluster, by its older name; of `AUTO`, what Databricks makes of it."""
    mode = str(cluster.get(KEY) or "")
    if mode == AUTO:
        return DEDICATED if _wants_the_machine(cluster) else STANDARD
    return NEWER_NAMES.get(mode, mode)


def _wants_the_machine(cluster: Document) -> bool:
    """A runtime for machine learning, one that is too old for standard mode, or GPUs."""
    runtime, node = str(cluster.get("spark_version")), str(cluster.get("node_type_id"))
    number = [int(part) for part in re.findall(r"\d+", runtime.partition(".x-")[0])]
    is_for_ml = "-ml-" in runtime or bool(cluster.get("use_ml_runtime"))
    return is_for_ml or node.startswith("Standard_N") or tuple(number) < FIRST_STANDARD
