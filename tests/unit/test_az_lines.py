"""The Azure CLI commands of the steps say what the ARM documents say."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

import pytest
from support import recipe_of
from support.variants import AS_SHIPPED, WITH_SETTINGS

from amlwizard.plan import Step
from amlwizard.plan.placeholders import resolve_known
from amlwizard.steps import steps_for
from amlwizard.steps.az_options import options

# Options that name a file, and the CLI's own form of `networkRuleBypassOptions`.
OTHERWISE = ("-f", "--conda-file", "--allow-trusted-services")


@pytest.mark.parametrize(("name", "settings"), [*AS_SHIPPED, *WITH_SETTINGS])
def test_every_value_in_a_command_is_in_the_document(name: str, settings: dict[str, str]) -> None:
    steps = [step for step in steps_for(recipe_of(name, **settings)) if step.resource]
    ids = {step.id: {"id": step.resource.id} for step in steps if step.resource}
    for step in steps:
        said = set(_said(step, ids))
        for option, value in _values(step):
            forms = ([value], value.split(","), value.split("=", 1))
            known = any(said.issuperset(word.lower() for word in words) for words in forms)
            assert known, f"{step.id}: {option} {value} is not in the document"


def test_an_option_follows_the_document() -> None:
    paths = {"--size": "properties.size", "--public": "properties.public", "--zone": "zones"}
    body = {"properties": {"size": "small", "public": False}}
    assert options(body, paths) == "--size small --public false"
    assert options({**body, "zones": ["1", "2"]}, paths) == "--size small --public false --zone 1,2"


def _said(step: Step, ids: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Every text of a step's resource, in lower case: its id, the names in ids, and the values."""
    assert step.resource
    known = resolve_known(step.resource.body, ids)
    for text in (step.resource.id, *_leaves(step.resource.body), *_leaves(known)):
        yield text.lower()
        parts = text.lower().split("/")
        yield from parts
        # A scope is the beginning of an id.
        yield from ("/".join(parts[:length]) for length in range(2, len(parts)))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _leaves(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield str(value)


def _values(step: Step) -> Iterator[tuple[str, str]]:
    for command in step.az:
        option = ""
        for word in shlex.split(command):
            option = word if word.startswith("-") else option
            if option and word != option and option not in OTHERWISE:
                yield option, word
