"""Malformed request bodies are refused as Azure refuses them, and never crash the sandbox."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support import PATIENCE
from support.platforms import Platform

pytestmark = pytest.mark.xdist_group("refusals")

MISSING = object()
REPLACEMENTS: tuple[Any, ...] = (7, "text", [], {}, [{}], None)


def mutants(body: Any) -> Iterator[tuple[str, Any]]:
    """Copies of a document in which one value is missing or another, and which one that is."""
    for path in list(_paths(body)):
        for value in (MISSING, *REPLACEMENTS):
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


def test_no_body_crashes_the_sandbox(platform: Platform) -> None:
    headers = {"Authorization": f"Bearer {platform.cloud.access_token('arm').reveal()}"}
    trusted = ssl.create_default_context(cafile=platform.sandbox.description["ca"])
    crashed = []
    with httpx.Client(
        base_url=platform.sandbox.description["arm"], headers=headers, verify=trusted,
        trust_env=False, timeout=PATIENCE,
    ) as client:  # fmt: skip
        for step in (name for name, one in platform.steps.items() if one.resource):
            try:
                resource_id, version, body = platform.document(step)
            except LookupError:
                continue  # it needs what only a later phase knows
            for what, changed in mutants(body):
                answer = client.put(resource_id, params={"api-version": version}, json=changed)
                if answer.status_code >= 500:
                    crashed.append(f"{step}, {what}: {answer.text[:200]}")
    assert not crashed
    assert not [entry for entry in platform.sandbox.unknown if "crash" in entry]
