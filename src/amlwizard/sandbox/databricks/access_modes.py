"""Access modes of clusters (`data_security_mode`). In standard mode users are kept apart from each other, and
so from the machine."""

from __future__ import annotations

from amlwizard.sandbox.databricks.errors import invalid
from amlwizard.sandbox.documents import JsonObject

AUTO = "DATA_SECURITY_MODE_AUTO"
STANDARD = ("DATA_SECURITY_MODE_STANDARD", "USER_ISOLATION")
OTHERS = (
    "DATA_SECURITY_MODE_DEDICATED", "LEGACY_PASSTHROUGH", "LEGACY_SINGLE_USER",
    "LEGACY_SINGLE_USER_STANDARD", "LEGACY_TABLE_ACL", "NONE", "SINGLE_USER",
)  # fmt: skip
OLDEST_AUTO = (14, 3)  # the runtime from which on `AUTO` is standard


def is_standard(spec: JsonObject) -> bool:
    """Whether a cluster with these settings is in standard access mode."""
    mode = spec.get("data_security_mode")
    return mode in STANDARD or (mode == AUTO and not _is_for_ml(spec) and not _is_old(spec))


def check(spec: JsonObject) -> None:
    """Refuse unknown modes, and a runtime for ML in standard mode."""
    mode = spec.get("data_security_mode", "NONE")
    if mode not in (AUTO, *STANDARD, *OTHERS):
        raise invalid(f"Unknown data_security_mode {mode}.")
    if is_standard(spec) and _is_for_ml(spec):
        raise invalid(
            f"Selected runtime version {spec['spark_version']} does not support {mode} security mode."
        )


def _is_for_ml(spec: JsonObject) -> bool:
    return "-ml-" in spec["spark_version"]


def _is_old(spec: JsonObject) -> bool:
    number = spec["spark_version"].partition(".x-")[0]
    return tuple(int(part) for part in number.split(".")) < OLDEST_AUTO
