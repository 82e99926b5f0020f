"""What a recipe promises about security, and the judgement of whether a cloud keeps it. Pure
functions: facts in, lines out."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.posture import access, endpoints, network, platforms
from amlwizard.posture.facts import PostureFacts, ProbeAnswer, Side
from amlwizard.posture.judging import Promise
from amlwizard.posture.result import SOURCE_WORDS, Evidence, Posture, PromiseLine
from amlwizard.recipe import Recipe

__all__ = [
    "SOURCE_WORDS",
    "Evidence",
    "Posture",
    "PostureFacts",
    "ProbeAnswer",
    "PromiseLine",
    "Side",
    "judge",
    "promised",
]


def judge(recipe: Recipe, facts: PostureFacts) -> tuple[PromiseLine, ...]:
    """Every promise of a recipe, judged against the facts."""
    lines = (promise.line() for promise in _promises(recipe, facts))
    return tuple(line for line in lines if line)


def promised(recipe: Recipe) -> tuple[PromiseLine, ...]:
    """Every promise of a recipe, not judged yet."""
    return tuple(promise.pending() for promise in _promises(recipe, PostureFacts({})))


def _promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    for module in (access, endpoints, network, platforms):
        yield from module.promises(recipe, facts)
