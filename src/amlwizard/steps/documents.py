"""Updating ARM documents: one walk makes what is sent and what is said of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amlwizard.json_path import fold_case, value_at
from amlwizard.steps.quantities import same_quantity

# Answered empty, or not at all, whatever was sent.
WRITE_ONLY = frozenset({"configurationProtectedSettings", "createMode"})
READ_ONLY = frozenset({"provisioningState", "etag", "systemData", "resourceGuid"})
ENVELOPE = frozenset({"id", "name", "type"})
IDENTITY = frozenset({"principalId", "tenantId", "clientId"})
# What a thing in a list is known by, in the order of telling most.
KEYS = ("name", "id", "service", "virtualNetworkSubnetResourceId")


@dataclass(frozen=True, slots=True)
class Update:
    """The body of a PUT, and where it is not as what was found, for people: ``path: a -> b``,
    ``path: missing`` for what comes, ``path: no longer wanted`` for what goes."""

    body: dict[str, Any]
    differences: tuple[str, ...]


def update(
    found: Mapping[str, Any],
    wanted: Mapping[str, Any],
    *,
    ours: bool = False,
    drop: Sequence[str] = (),
) -> Update:
    """What is there, with what is wanted laid over it.

    A PUT replaces, so what `wanted` does not mention is sent as it was found: subnets, rules,
    peerings and tags of others would go otherwise. Lists are extended, never replaced. Only of what
    is `ours` the values (what has no name of its own) that are not wanted go, and the things in
    `drop`: dotted paths, the list, then the name. Text is compared without case, as ARM does with
    ids and regions.

    What the address says already is left out of the body, and what Azure says of identities; other
    things that are Azure's to say may stay, as a PUT must take what a GET gave.
    """
    walk = _Walk(ours, frozenset(path.lower() for path in drop))
    laid = walk.over(found, wanted, "")
    body = {key: value for key, value in laid.items() if key not in ENVELOPE}
    if isinstance(body.get("identity"), Mapping):
        body["identity"] = _without(body["identity"], IDENTITY)
    return Update(body, tuple(walk.said))


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Where `found` is not as `wanted` says; what `wanted` does not mention may be anything."""
    return update(found, wanted).differences


class _Walk:
    def __init__(self, ours: bool, drop: frozenset[str]) -> None:
        self.ours, self.drop = ours, drop
        self.said: list[str] = []

    def over(self, found: Any, wanted: Any, path: str) -> Any:
        if isinstance(wanted, Mapping) and isinstance(found, Mapping):
            return self._mapping(found, wanted, path)
        if isinstance(wanted, list) and (found is None or isinstance(found, list)):
            return self._list(found or [], wanted, path)
        if fold_case(wanted) == fold_case(found) or same_quantity(path, wanted, found):
            return copy.deepcopy(found)
        self.said.append(f"{path}: {found!r} -> {wanted!r}")
        return copy.deepcopy(wanted)

    def _mapping(self, found: Mapping[str, Any], wanted: Mapping[str, Any], path: str) -> Any:
        laid = _settable(found)
        held = {str(key).lower(): key for key in laid}
        for key, value in wanted.items():
            name = held.get(str(key).lower(), key)
            if _unanswered(key, found):
                laid[name] = copy.deepcopy(value)
                continue
            inner = f"{path}.{key}" if path else str(key)
            new = self.over(laid.get(name), value, inner)
            if new != [] or name in laid:
                laid[name] = new
        return laid

    def _list(self, found: list[Any], wanted: list[Any], path: str) -> list[Any]:
        laid, left = [], list(wanted)
        for item in found:
            match = next((w for w in left if _same(w, item)), None)
            if match is not None:
                left.remove(match)
                laid.append(self.over(item, match, f"{path}.{_called(match)}"))
            elif self._goes(item, path):
                self.said.append(f"{path}.{_called(item)}: no longer wanted")
            else:
                laid.append(_settable(item))
        for item in left:
            self.said.append(f"{path}.{_called(item)}: missing")
            laid.append(copy.deepcopy(item))
        return laid

    def _goes(self, item: Any, path: str) -> bool:
        if _key(item)[0] == "name":
            return f"{path}.{_called(item)}".lower() in self.drop
        return self.ours


def _same(wanted: Any, found: Any) -> bool:
    """Whether two items of a list are the same thing, however it is set."""
    key, value = _key(wanted)
    if key:
        return isinstance(found, Mapping) and bool(fold_case(found.get(key)) == value)
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return not differences(wanted, found)
    return bool(fold_case(wanted) == fold_case(found))


def _key(item: Any) -> tuple[str, Any]:
    keys = KEYS if isinstance(item, Mapping) else ()
    return next(((key, fold_case(item[key])) for key in keys if item.get(key)), ("", None))


def _called(item: Any) -> str:
    key, _ = _key(item)
    text = str(item[key] if key else item)
    return text.rpartition("/")[2] if text.startswith("/") else text


def _unanswered(key: str, found: Mapping[str, Any]) -> bool:
    """Whether Azure keeps a value to itself. The identity of an extension on AKS is answered until
    it is there, and as its `aksAssignedIdentity` alone from then on."""
    return key in WRITE_ONLY or (
        key == "identity" and bool(value_at(found, "properties.aksAssignedIdentity"))
    )


def _settable(document: Any) -> Any:
    """A copy without what only Azure sets, at any depth."""
    if isinstance(document, Mapping):
        return {k: _settable(v) for k, v in document.items() if k not in READ_ONLY}
    if isinstance(document, list):
        return [_settable(item) for item in document]
    return document


def _without(document: Any, keys: frozenset[str]) -> Any:
    if not isinstance(document, Mapping):
        return document
    return {k: _without(v, keys) for k, v in document.items() if k not in keys}
