"""Known versions, as of `KNOWN`: the single place to update.

There are two kinds of facts. What a published version requires or works with never changes, so
rules may report errors based on it. What a cloud offers changes every few weeks, so for unknown
versions rules only warn; preflight asks the cloud itself before the first write.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from amlwizard.language import _

KNOWN = _("November 2026")

# -- what the cloud offered at that time

KUBERNETES = ("1.34", "1.35", "1.36", "1.37")


@dataclass(frozen=True)
class KnownRuntime:
    """A Databricks runtime. `until` is the end of its support, None if not announced."""

    python: tuple[int, int]
    until: date | None
    scala: tuple[str, ...] = ("2.12",)


RUNTIMES = {
    "10.4": KnownRuntime((3, 8), date(2025, 3, 18)),
    "11.3": KnownRuntime((3, 9), date(2025, 10, 19)),
    "12.2": KnownRuntime((3, 9), date(2026, 3, 1)),
    "13.3": KnownRuntime((3, 10), date(2026, 8, 22)),
    "14.3": KnownRuntime((3, 10), date(2027, 2, 1)),
    "15.4": KnownRuntime((3, 11), date(2027, 8, 19)),
    "16.4": KnownRuntime((3, 12), date(2028, 5, 9), ("2.12", "2.13")),
    "17.3": KnownRuntime((3, 12), date(2028, 10, 22), ("2.13",)),
    "18": KnownRuntime((3, 12), date(2029, 6, 10), ("2.13",)),
}

# -- what published packages require, from their metadata and code

Version = tuple[int, ...]

# azureml-mlflow -> the newest mlflow that its metadata allows
NEWEST_MLFLOW: dict[Version, Version] = {
    (1, 59, 0): (2, 15, 1),
    (1, 60, 0, 1): (2, 999),
    (1, 61, 0): (3, 5, 0),
    (1, 61, 0, 1): (3, 5, 0),
    (1, 62, 0): (3, 9, 0),
    (1, 62, 0, 1): (3, 5, 0),
    (1, 62, 0, 2): (3, 9, 0),
    (1, 62, 0, 3): (3, 13, 0),
    (1, 62, 0, 4): (3, 9, 0),
    (1, 62, 0, 5): (3, 13, 0),
    (1, 62, 0, 6): (3, 15, 0),
}
# package -> (first version, minimum Python from that version on), newest first
PYTHON: dict[str, tuple[tuple[Version, Version], ...]] = {
    "scikit_learn": (((1, 8), (3, 11)), ((1, 7), (3, 10)), ((1, 4), (3, 9)), ((1, 1), (3, 8))),
    "mlflow": (((3, 2), (3, 10)), ((2, 18), (3, 9)), ((2, 6), (3, 8))),
    "azureml_mlflow": (((1, 54), (3, 8)),),
}
