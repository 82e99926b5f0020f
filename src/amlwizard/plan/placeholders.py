"""Placeholders in documents and commands: ``{step.output}`` stands for an output of a step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import overload

from amlwizard.json_types import Document, JsonValue, MutableDocument
from amlwizard.plan.outputs import UnresolvedPlaceholderError

_PLACEHOLDER = re.compile(r"\{([a-z0-9.-]+)\.([a-z_]+)\}")


def placeholders(document: object) -> set[tuple[str, str]]:
    """Every placeholder in a document or command, as (step, output)."""
    if isinstance(document, str):
        return {(step, output) for step, output in _PLACEHOLDER.findall(document)}
    if isinstance(document, Mapping):
        return set().union(*(placeholders(part) for pair in document.items() for part in pair))
    if isinstance(document, (list, tuple)):
        return set().union(*(placeholders(item) for item in document))
    return set()


@overload
def resolve(document: str, outputs: Mapping[str, Document]) -> str: ...
@overload
def resolve(document: Document, outputs: Mapping[str, Document]) -> MutableDocument: ...
@overload
def resolve(document: JsonValue, outputs: Mapping[str, Document]) -> JsonValue: ...
def resolve(document: JsonValue, outputs: Mapping[str, Document]) -> object:
    """`document` with each placeholder replaced. Raises UnresolvedPlaceholderError for the first
    one that is not in `outputs`."""
    if isinstance(document, str):
        return _PLACEHOLDER.sub(lambda found: str(_value(found, outputs)), document)
    if isinstance(document, Mapping):
        return {resolve(key, outputs): resolve(value, outputs) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [resolve(item, outputs) for item in document]
    return document


@overload
def resolve_known(document: str, outputs: Mapping[str, Document]) -> str: ...
@overload
def resolve_known(document: Document, outputs: Mapping[str, Document]) -> MutableDocument: ...
@overload
def resolve_known(document: JsonValue, outputs: Mapping[str, Document]) -> JsonValue: ...
def resolve_known(document: JsonValue, outputs: Mapping[str, Document]) -> object:
    """`document` with every string resolved that can be; the others are unchanged."""
    if isinstance(document, Mapping):
        pairs = ((resolve_known(k, outputs), v) for k, v in document.items())
        return {key: resolve_known(value, outputs) for key, value in pairs}
    if isinstance(document, (list, tuple)):
        return [resolve_known(item, outputs) for item in document]
    try:
        return resolve(document, outputs)
    except UnresolvedPlaceholderError:
        return document


def _value(found: re.Match[str], outputs: Mapping[str, Document]) -> object:
    step, output = found.groups()
    if output not in outputs.get(step, {}):
        raise UnresolvedPlaceholderError(f"{step}.{output}")
    return outputs[step][output]


def for_shell(command: str) -> str:
    """A command with every placeholder replaced by the shell variable for its value:
    ``$AKS_ID``."""
    return _PLACEHOLDER.sub(lambda found: f"${shell_name(*found.groups())}", command)


def shell_name(step: str, output: str) -> str:
    """``aks-identity``, ``principal`` gives AKS_IDENTITY_PRINCIPAL. Outputs of the sign-in have no
    prefix."""
    name = output if step == "sign-in" else f"{step}_{output}"
    return re.sub(r"\W", "_", name).upper()
