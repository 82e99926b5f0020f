"""What a platform promises about its security: the design of its security groups, and the judgement
of whether a cloud keeps what a recipe promises. Pure: facts in, lines out."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.posture import access, endpoints, network, platforms
from amlwizard.posture.facts import Answer, Facts, Side
from amlwizard.posture.judging import Promise
from amlwizard.posture.result import Evidence, Line, Posture
from amlwizard.recipe import Recipe

__all__ = ["Answer", "Evidence", "Facts", "Line", "Posture", "Side", "judge", "promised"]


def judge(recipe: Recipe, facts: Facts) -> tuple[Line, ...]:
    """Every promise of a recipe, held against what was seen."""
    lines = (promise.line() for promise in _promises(recipe, facts))
    return tuple(line for line in lines if line)


def promised(recipe: Recipe) -> tuple[Line, ...]:
    """Every promise of a recipe, before anybody has looked."""
    return tuple(promise.pending() for promise in _promises(recipe, Facts({})))


def _promises(recipe: Recipe, facts: Facts) -> Iterator[Promise]:
    for module in (access, endpoints, network, platforms):
        yield from module.promises(recipe, facts)
