"""How a command prints findings, and the exit code that they mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from amlwizard.cli.options import FindingsOptions
from amlwizard.console import output, show_findings
from amlwizard.errors import Finding
from amlwizard.language import _n
from amlwizard.plain_text import plain


def print_findings(given: FindingsOptions, findings: Sequence[Finding]) -> int:
    """Return 2 if there are errors, otherwise 0."""
    errors = sum(f.severity == "error" for f in findings)
    warnings = len(findings) - errors
    if given.json:
        body = {
            "recipe": given.recipe,
            "errors": errors,
            "warnings": warnings,
            "findings": [f.to_json() for f in findings],
        }
        print(json.dumps(body, indent=2))
    else:
        show_findings(findings, output(sys.stdout))
        failed = _n("{n} error", "{n} errors", errors)
        warned = _n("{n} warning", "{n} warnings", warnings)
        print(f"{plain(given.recipe)}: {failed}, {warned}")
    return 2 if errors else 0
