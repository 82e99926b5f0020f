"""Access modes of Databricks clusters (`data_security_mode`), each of which has two names."""

from __future__ import annotations

from amlwizard.json_types import Document

DEDICATED, STANDARD = "SINGLE_USER", "USER_ISOLATION"
KEY = "data_security_mode"
NEWER_NAMES = {
    "DATA_SECURITY_MODE_DEDICATED": DEDICATED,
    "DATA_SECURITY_MODE_STANDARD": STANDARD,
}


def access_mode(cluster: Document) -> str:
    """The access mode of a cluster, by its older name."""
    mode = str(cluster.get(KEY) or "")
    return NEWER_NAMES.get(mode, mode)
