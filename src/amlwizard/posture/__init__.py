"""What a platform promises about its security: the design of its security groups, and the judgement
of whether a cloud keeps what a recipe promises. Pure: facts in, lines out."""

from __future__ import annotations

from typing import Any

from amlwizard.posture import access, endpoints, network, platforms
from amlwizard.posture.facts import Answer, Facts, Side
from amlwizard.posture.result import Evidence, Line, Posture

__all__ = ["Answer", "Evidence", "Facts", "Line", "Posture", "Side", "judge"]


def judge(recipe: Any, facts: Facts) -> tuple[Line, ...]:
    """Every promise of a recipe, held against what was seen."""
    modules = (access, endpoints, network, platforms)
    lines = (p.line() for module in modules for p in module.promises(recipe, facts))
    return tuple(line for line in lines if line)
