"""Comparing ARM documents: what is wanted with what was found."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from amlwizard.posture.judging import look, plain

# Answered empty, or not at all, whatever was sent.
WRITE_ONLY = frozenset({"configurationProtectedSettings", "createMode"})
READ_ONLY = frozenset({"provisioningState", "etag", "systemData", "resourceGuid"})
ENVELOPE = frozenset({"id", "name", "type"})
IDENTITY = frozenset({"principalId", "tenantId", "clientId"})


def differences(wanted: Any, found: Any, path: str = "") -> tuple[str, ...]:
    """Where `found` is not as `wanted` says; what `wanted` does not mention may be anything.

    Text is compared without case, as ARM does with ids and regions; things with names by name.
    """
    return tuple(_differences(wanted, found, path))


def _differences(wanted: Any, found: Any, path: str) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            yield _said(path, wanted, found)
            return
        lower = {str(key).lower(): value for key, value in found.items()}
        for key, value in wanted.items():
            if key not in WRITE_ONLY:
                inner = f"{path}.{key}" if path else str(key)
                yield from _differences(value, lower.get(str(key).lower()), inner)
    elif isinstance(wanted, list):
        yield from _list_differences(wanted, found, path)
    elif plain(wanted) != plain(found):
        yield _said(path, wanted, found)


def _list_differences(wanted: list[Any], found: Any, path: str) -> Iterator[str]:
    items = found if isinstance(found, list) else []
    if not wanted and items and not _named(items):
        yield _said(path, wanted, found)
    for number, item in enumerate(wanted):
        name = _name(item)
        if name is not None:
            match = next((i for i in items if plain(_name(i)) == plain(name)), None)
            if match is None:
                yield f"{path}.{name}: missing"
            else:
                yield from _differences(item, match, f"{path}.{name}")
        elif not any(not differences(item, other) for other in items):
            yield _said(f"{path}.{number}", item, None)


def update(
    found: Mapping[str, Any], wanted: Mapping[str, Any], drop: Sequence[str] = ()
) -> dict[str, Any]:
    """The body of an update: what is there, with what is wanted laid over it. `drop` are dotted
    paths of things with names that go: the list, then the name.

    A PUT replaces: without this, subnets, rules, peerings and tags that others made would go. What
    the address says already is left out, and what Azure says of identities; other things that are
    Azure's to say may stay, as a PUT must take what a GET gave.
    """
    body = {k: v for k, v in merged(found, wanted).items() if k not in ENVELOPE}
    for path in drop:
        place, _, name = path.rpartition(".")
        items = look(body, place)
        items[:] = [item for item in items if _name(item) != name]
    if isinstance(body.get("identity"), Mapping):
        body["identity"] = _without(body["identity"], IDENTITY)
    return body


def _without(document: Any, keys: frozenset[str]) -> Any:
    if not isinstance(document, Mapping):
        return document
    return {k: _without(v, keys) for k, v in document.items() if k not in keys}


def merged(found: Any, wanted: Any) -> Any:
    """`wanted` laid over `found`; lists of things with names are merged by name."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        result = {k: copy.deepcopy(v) for k, v in found.items() if k not in READ_ONLY}
        by_lower = {str(key).lower(): key for key in result}
        for key, value in wanted.items():
            held = by_lower.get(str(key).lower(), key)
            result[held] = merged(result.get(held), value)
        return result
    if isinstance(wanted, list) and isinstance(found, list) and _named(wanted or found):
        names = {plain(_name(item)) for item in wanted}
        others = [item for item in found if plain(_name(item)) not in names]
        both = {plain(_name(item)): item for item in found}
        mine = [merged(both.get(plain(_name(item))), item) for item in wanted]
        return [merged(item, item) for item in others] + mine
    return copy.deepcopy(wanted)


def _named(items: list[Any]) -> bool:
    return bool(items) and all(_name(item) is not None for item in items)


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, Mapping) else None


def _said(path: str, wanted: Any, found: Any) -> str:
    return f"{path}: {found!r} -> {wanted!r}"
