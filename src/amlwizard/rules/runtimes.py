"""Rules about Databricks runtimes.

A runtime newer than the known ones is not an error: Databricks is asked once the workspace exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.recipe import Training
from amlwizard.rules.base import Rule, rule
from amlwizard.rules.known_versions import KNOWN, RUNTIMES

# From version 18 on, a runtime is named by its major version only.
NAME = re.compile(r"(?P<number>\d+(\.\d+)?)\.x-(?P<kind>([a-z0-9]+-)*)scala(?P<scala>\d+\.\d+)")


def python_of(spark_version: str) -> tuple[int, int] | None:
    """The Python version of a runtime, None if not known."""
    named = NAME.fullmatch(spark_version)
    known = RUNTIMES.get(named["number"]) if named else None
    return known.python if known else None


@rule(
    "DB-7",
    _(
        "A Databricks runtime is named by its version, its kind and its Scala version, such as 16.4.x-scala2.12."
    ),
    "training",
    about=("training.spark_version",),
    source=_("Azure Databricks, runtime versions"),
)
def runtime(rule: Rule, training: Training) -> Iterator[Finding]:
    text, named = training.spark_version, NAME.fullmatch(training.spark_version)
    known = RUNTIMES.get(named["number"]) if named else None
    if named and known and named["scala"] not in known.scala:
        right = f"{named['number']}.x-{named['kind']}scala{known.scala[-1]}"
        cure = {"training.spark_version": right}
        what = _(
            "Databricks runtime {number} is not offered with Scala {scala}.",
            number=named["number"],
            scala=named["scala"],
        )
        yield rule.finding("training.spark_version", what, cure=cure)
    elif not named:
        cure = {"training.spark_version": _meant(text)}
        yield rule.finding(
            "training.spark_version",
            _("{text!r} is not a Databricks runtime.", text=text[:60]),
            cure=cure,
        )


@rule(
    "DB-9",
    _(
        "Databricks runtimes are supported for a limited time (as announced by {known}).",
        known=KNOWN,
    ),
    "training",
    about=("training.spark_version",),
    source=_("Azure Databricks, release notes of runtimes"),
    severity="warning",
)
def lifetime(rule: Rule, training: Training) -> Iterator[Finding]:
    named = NAME.fullmatch(training.spark_version)
    if not named:
        return
    known = RUNTIMES.get(named["number"])
    if known is None:
        yield rule.finding(
            "training.spark_version",
            _(
                "Databricks runtime {number} did not exist in {known}.",
                number=named["number"],
                known=KNOWN,
            ),
            _("Keep it if Databricks offers it; this is checked once there is a workspace."),
        )
    elif known.until and known.until <= date.today():
        yield rule.finding(
            "training.spark_version",
            _(
                "Databricks ended support for runtime {number} on {until}.",
                number=named["number"],
                until=known.until,
            ),
            cure={"training.spark_version": _default()},
        )


def _meant(text: str) -> str:
    """The known runtime closest to a text, else the default."""
    numbers = re.match(r"\d+(\.\d+)?", text)
    number = numbers[0] if numbers else ""
    known = RUNTIMES.get(number) or RUNTIMES.get(number.partition(".")[0])
    if known is None:
        return _default()
    exact = number if number in RUNTIMES else number.partition(".")[0]
    return f"{exact}.x-scala{known.scala[0]}"


def _default() -> str:
    return str(Training.model_fields["spark_version"].default)
