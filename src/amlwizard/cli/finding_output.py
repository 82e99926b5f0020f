"""How a command prints findings, and the exit code that they mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from amlwizard.cli.options import FindingsOptions
from amlwizard.console import output, show_findings
from amlwizard.errors import Finding
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
        print(f"{plain(given.recipe)}: {counted(errors, 'error')}, {counted(warnings, 'warning')}")
    return 2 if errors else 0


def counted(count: int, what: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{count} {what}{'s' if count != 1 else ''}"
