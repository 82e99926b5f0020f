"""What a recipe promises about security, and the judgement of whether a cloud keeps it. Pure
functions: facts in, lines out."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.posture import access, endpoints, network, platforms
from amlwizard.posture.facts import Answer, Facts, Side
from amlwizard.posture.judging import Promise
from amlwizard.posture.result import Evidence, Line, Posture
from amlwizard.recipe import Recipe

__all__ = ["Answer", "Evidence", "Facts", "Line", "Posture", "Side", "judge", "promised"]


def judge(recipe: Recipe, facts: Facts) -> tuple[Line, ...]:
    """Every promise of a recipe, judged against the facts."""
    lines = (promise.line() for promise in _promises(recipe, facts))
    return tuple(line for line in lines if line)


def promised(recipe: Recipe) -> tuple[Line, ...]:
    """Every promise of a recipe, not judged yet."""
    return tuple(promise.pending() for promise in _promises(recipe, Facts({})))


def _promises(recipe: Recipe, facts: Facts) -> Iterator[Promise]:
    for module in (access, endpoints, network, platforms):
        yield from module.promises(recipe, facts)
