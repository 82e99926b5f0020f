"""Updates of ARM documents: a single walk yields both the PUT body and the list of differences."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amlwizard.json_path import fold_case, value_at
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.steps.quantities import same_quantity

# Returned empty, or not at all, whatever was sent.
WRITE_ONLY = frozenset({"configurationProtectedSettings", "createMode"})
READ_ONLY = frozenset({"provisioningState", "etag", "systemData", "resourceGuid"})
ENVELOPE = frozenset({"id", "name", "type"})
IDENTITY = frozenset({"principalId", "tenantId", "clientId"})
# Keys that identify an item in a list, most specific first.
KEYS = ("name", "id", "service", "virtualNetworkSubnetResourceId")
MISSING, UNWANTED = _("missing"), _("no longer wanted")


@dataclass(frozen=True, slots=True)
class Update:
    """The body of a PUT, and how it differs from the existing document, in readable form:
    ``path: a -> b``, ``path: missing`` for additions, ``path: no longer wanted`` for removals."""

    body: MutableDocument
    differences: tuple[str, ...]


def update(
    found: Document,
    wanted: Document,
    *,
    ours: bool = False,
    drop: Sequence[str] = (),
) -> Update:
    """Merge `wanted` into the existing document `found`.

    A PUT replaces the whole resource, so everything that `wanted` does not mention is sent back
    unchanged; otherwise other people's subnets, rules, peerings and tags would be deleted. Lists
    are extended, never replaced. If the resource is `ours`, list items without a name that are not
    in `wanted` are removed. Named items are removed only if they are in `drop`: dotted paths of the
    list, then the name. Text is compared case-insensitively, as ARM does for ids and regions.

    The body omits what the address already states and the read-only parts of identities. Other
    read-only values may stay, because a PUT must accept what a GET returned.
    """
    walk = _Walk(ours, frozenset(path.lower() for path in drop))
    laid = walk.mapping(found, wanted, "")
    body = {key: value for key, value in laid.items() if key not in ENVELOPE}
    if isinstance(body.get("identity"), Mapping):
        body["identity"] = _without(body["identity"], IDENTITY)
    return Update(body, tuple(walk.said))


def differences(wanted: Document, found: Document) -> tuple[str, ...]:
    """Where `found` differs from `wanted`; anything that `wanted` does not mention is ignored."""
    return update(found, wanted).differences


class _Walk:
    def __init__(self, ours: bool, drop: frozenset[str]) -> None:
        self.ours, self.drop = ours, drop
        self.said: list[str] = []

    def over(self, found: object, wanted: object, path: str) -> object:
        if isinstance(wanted, Mapping) and isinstance(found, Mapping):
            return self.mapping(found, wanted, path)
        if isinstance(wanted, list) and (found is None or isinstance(found, list)):
            return self._list(found or [], wanted, path)
        if fold_case(wanted) == fold_case(found) or same_quantity(path, wanted, found):
            return copy.deepcopy(found)
        self.said.append(f"{path}: {found!r} -> {wanted!r}")
        return copy.deepcopy(wanted)

    def mapping(self, found: Document, wanted: Document, path: str) -> MutableDocument:
        laid = _settable_keys(found)
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

    def _list(self, found: list[object], wanted: list[object], path: str) -> list[object]:
        laid: list[object] = []
        left = list(wanted)
        for item in found:
            match = next((w for w in left if _same(w, item)), None)
            if match is not None:
                left.remove(match)
                laid.append(self.over(item, match, f"{path}.{_called(match)}"))
            elif self._goes(item, path):
                self.said.append(f"{path}.{_called(item)}: {UNWANTED}")
            else:
                laid.append(_settable(item))
        for item in left:
            self.said.append(f"{path}.{_called(item)}: {MISSING}")
            laid.append(copy.deepcopy(item))
        return laid

    def _goes(self, item: object, path: str) -> bool:
        if _key(item)[0] == "name":
            return f"{path}.{_called(item)}".lower() in self.drop
        return self.ours


def _same(wanted: object, found: object) -> bool:
    """Whether two list items denote the same object, regardless of its settings."""
    key, value = _key(wanted)
    if key:
        return isinstance(found, Mapping) and bool(fold_case(found.get(key)) == value)
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return not differences(wanted, found)
    return bool(fold_case(wanted) == fold_case(found))


def _key(item: object) -> tuple[str, object]:
    if not isinstance(item, Mapping):
        return "", None
    return next(((key, fold_case(item[key])) for key in KEYS if item.get(key)), ("", None))


def _called(item: object) -> str:
    key, __ = _key(item)
    text = str(item[key] if isinstance(item, Mapping) and key else item)
    return text.rpartition("/")[2] if text.startswith("/") else text


def _unanswered(key: str, found: Document) -> bool:
    """Whether Azure does not return this value. It returns the `identity` of an AKS extension only
    until the extension exists, and only `aksAssignedIdentity` from then on."""
    return key in WRITE_ONLY or (
        key == "identity" and bool(value_at(found, "properties.aksAssignedIdentity"))
    )


def _settable(document: object) -> object:
    """A copy without read-only values, at any depth."""
    if isinstance(document, Mapping):
        return _settable_keys(document)
    if isinstance(document, list):
        return [_settable(item) for item in document]
    return document


def _settable_keys(document: Document) -> MutableDocument:
    return {k: _settable(v) for k, v in document.items() if k not in READ_ONLY}


def _without(document: object, keys: frozenset[str]) -> object:
    if not isinstance(document, Mapping):
        return document
    return {k: _without(v, keys) for k, v in document.items() if k not in keys}
