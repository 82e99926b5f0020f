"""Databricks runtimes as of November 2026: their Python and Scala versions, and their limits for
command output.

From 18 on a runtime is named by its major version alone. It is an assumption that older ones that
are out of support are still offered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from amlwizard.sandbox.documents import JsonObject

LIMIT = "spark.databricks.driver.maxReplOutputLength"
SHORT, LONG, LONGEST = 50_000, 10_000_000, 20_000_000


@dataclass(frozen=True)
class Runtime:
    python: tuple[int, int]
    scala: tuple[str, ...] = ("2.12",)
    lts: bool = True


RUNTIMES = {
    "10.4": Runtime((3, 8)),
    "11.3": Runtime((3, 9)),
    "12.2": Runtime((3, 9)),
    "13.3": Runtime((3, 10)),
    "14.3": Runtime((3, 10)),
    "15.4": Runtime((3, 11)),
    "16.4": Runtime((3, 12), ("2.12", "2.13")),
    "17.3": Runtime((3, 12), ("2.13",)),
    "18": Runtime((3, 12), ("2.13",)),
    "19": Runtime((3, 12), ("2.13",), lts=False),
}
RESOURCE_TYPES = {"": "", "cpu-ml-": " ML", "gpu-ml-": " ML GPU", "aarch64-": " aarch64"}


def versions() -> list[JsonObject]:
    """The response of clusters/spark-versions."""
    return [
        {
            "key": f"{number}.x-{kind}scala{scala}",
            "name": f"{number}{' LTS' if runtime.lts else ''}{said} (Scala {scala})",
        }
        for number, runtime in RUNTIMES.items()
        for kind, said in RESOURCE_TYPES.items()
        for scala in runtime.scala
    ]


def is_offered(spark_version: str) -> bool:
    return any(spark_version == version["key"] for version in versions())


def python_of(spark_version: str) -> tuple[int, int]:
    return RUNTIMES[spark_version.partition(".x-")[0]].python


def shown(text: str, spec: JsonObject) -> str:
    """The output of a command as the API returns it: runtimes before 17 drop the middle of long
    output, at line ends, unless the cluster is configured to keep more (12.2 and later)."""
    limit = _limit(spec)
    if len(text) <= limit:
        return text
    half = limit // 2
    first = text[: min(_line_end(text, half), limit)]
    last = text[max(_line_end(text, len(text) - half), len(first)) :]
    skipped = len(text) - len(first) - len(last)
    return f"{first}\n*** WARNING: skipped {skipped} bytes of output ***\n\n{last}"


def _limit(spec: JsonObject) -> int:
    number = spec["spark_version"].partition(".x-")[0]
    version = tuple(int(part) for part in number.split("."))
    if version >= (17,):
        return LONG
    given = str((spec.get("spark_conf") or {}).get(LIMIT, ""))
    if version >= (12, 2) and re.fullmatch(r"\d+", given):
        return min(int(given), LONGEST)
    return SHORT


def _line_end(text: str, start: int) -> int:
    """The end of the line that contains `start`, its newline included."""
    found = text.find("\n", start)
    return len(text) if found < 0 else found + 1
