"""The plain front end: prints runs, plans and findings to a terminal or a log."""

from amlwizard.console.costs import show_costs
from amlwizard.console.lines import Lines
from amlwizard.console.live_table import LiveTable
from amlwizard.console.output import json_lines, output, print_json
from amlwizard.console.plans import show_plan, show_teardown
from amlwizard.console.postures import show_posture
from amlwizard.console.reports import (
    failures,
    report,
    report_teardown,
    show_error,
    show_findings,
    show_next_steps,
)
from amlwizard.console.sign_ins import login_prompt

__all__ = [
    "Lines",
    "LiveTable",
    "failures",
    "json_lines",
    "login_prompt",
    "output",
    "print_json",
    "report",
    "report_teardown",
    "show_costs",
    "show_error",
    "show_findings",
    "show_next_steps",
    "show_plan",
    "show_posture",
    "show_teardown",
]
