"""The check command: every finding about a recipe that needs no cloud."""

from __future__ import annotations

from pathlib import Path

from amlwizard.cli.finding_output import print_findings
from amlwizard.cli.options import CheckOptions
from amlwizard.cli.recipe_argument import changes, findings_of, known
from amlwizard.recipe import read


def check(given: CheckOptions) -> int:
    """Return 2 if there are errors, otherwise 0."""
    ignored = known(given.ignore)
    reading = read(Path(given.recipe), changes(given.set))
    return print_findings(given, findings_of(reading, ignored))
