"""Malformed request bodies are refused as Azure refuses them, and never crash the sandbox."""

from __future__ import annotations

import copy
import json
import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

import pytest
from support import PATIENCE
from support.breadth import narrowed
from support.platforms import Platform

pytestmark = pytest.mark.xdist_group("refusals")

MISSING = object()
INSTEAD: tuple[Any, ...] = (MISSING, "text", {}, 7, [], [{}], None)
"""What stands in the place of a value of a body."""


def mutants(body: Any, each: int) -> Iterator[tuple[str, Any]]:
    """Copies of a document in which one value is missing or another, and which one that is: so many
    for each value, by turns."""
    turns = cycle(INSTEAD)
    for path in list(_paths(body)):
        for value in islice(turns, each):
            changed = copy.deepcopy(body)
            parent: Any = changed
            for key in path[:-1]:
                parent = parent[key]
            if value is MISSING:
                del parent[path[-1]]
            else:
                parent[path[-1]] = value
            yield f"{path}: {value!r}", changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from _paths(inner, (*path, key))


def connection(platform: Platform) -> HTTPSConnection:
    """Python's own client, which takes a fifth of the time that others take for these thousands."""
    description = platform.sandbox.description
    trusted = ssl.create_default_context(cafile=description["ca"])
    address = urlsplit(description["arm"]).netloc
    return HTTPSConnection(address, context=trusted, timeout=PATIENCE)


@pytest.mark.parametrize("each", narrowed((1, len(INSTEAD)), 1))
def test_no_body_crashes_the_sandbox(platform: Platform, each: int) -> None:
    token = platform.cloud.access_token("arm").reveal()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    crashed = []
    with closing(connection(platform)) as arm:
        for step in (name for name, one in platform.steps.items() if one.resource):
            try:
                resource_id, version, body = platform.document(step)
            except LookupError:
                continue  # it needs what only a later phase knows
            for what, changed in mutants(body, each):
                path = f"{resource_id}?api-version={version}"
                arm.request("PUT", path, json.dumps(changed), headers)
                answer = arm.getresponse()
                told = answer.read()
                if answer.status >= 500:
                    crashed.append(f"{step}, {what}: {told[:200]!r}")
    assert not crashed
    assert not [entry for entry in platform.sandbox.unknown if "crash" in entry]
