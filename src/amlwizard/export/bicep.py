"""The template as Bicep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from amlwizard.export.template import (
    Function,
    Item,
    Parameter,
    Part,
    Template,
    TemplateReference,
    Text,
    TextValue,
    camel,
)
from amlwizard.language import _
from amlwizard.recipe import Recipe

INDENT = "  "
# The usual order of the properties of a resource; all others come after.
FIRST = ("location", "tags", "sku", "kind", "identity", "zones")


@dataclass(frozen=True)
class Symbol:
    """The name of a resource, written without quotes."""

    name: str


def template(recipe: Recipe) -> str:
    """The template of a recipe, as the text of a Bicep file."""
    return "\n".join(_lines(Template.of(recipe))) + "\n"


def _lines(made: Template) -> Iterator[str]:
    source = made.source
    yield from _comment([source.about, "", *source.before_a_template])
    yield "targetScope = 'resourceGroup'\n"
    yield _described(_("Azure region of all resources"))
    yield f"param location string = {_quoted(made.region)}\n"
    yield _described(_("Entra tenant of the users"))
    yield "param tenantId string = subscription().tenantId\n"
    for secret in made.secrets:
        yield f"{_described(secret.description)}\n@secure()"
        yield f"param {secret.name} string\n"
    subnets = {_scope(item): item for item in made.items.values() if item.scope_tail}
    for item in made.items.values():
        yield from _resource(item)
        for symbol, scoped in subnets.items():
            if scoped.scope == item.symbol:
                yield from _existing(symbol, scoped, item)
    for name, reference in made.outputs.items():
        yield f"output {name} string = {_part(reference)}"
    yield ""
    yield from _comment(source.to_do)


def _described(text: str) -> str:
    return f"@description({_quoted(text)})"


def _resource(item: Item) -> Iterator[str]:
    yield from _comment([item.title])
    yield f"resource {item.symbol} {_quoted(f'{item.type}@{item.api_version}')} = {{"
    if item.parent:
        yield f"{INDENT}parent: {item.parent}"
    if item.scope:
        yield f"{INDENT}scope: {_scope(item)}"
    yield f"{INDENT}name: {_quoted(item.names[-1])}"
    rank: dict[TextValue, int] = {key: number for number, key in enumerate(FIRST)}
    for key, value in sorted(item.body.items(), key=lambda pair: rank.get(pair[0], len(FIRST))):
        yield f"{INDENT}{_key(key)}: {_value(value, INDENT)}"
    if item.depends:
        yield f"{INDENT}dependsOn: {_value([Symbol(name) for name in item.depends], INDENT)}"
    yield "}\n"


def _existing(symbol: str, scoped: Item, parent: Item) -> Iterator[str]:
    """A child resource that is the scope of others, declared only so that they can refer to it."""
    kind, name = scoped.scope_tail
    version = parent.api_version
    yield f"resource {symbol} {_quoted(f'{parent.type}/{kind}@{version}')} existing = {{"
    yield f"{INDENT}parent: {parent.symbol}"
    yield f"{INDENT}name: {_quoted(name)}"
    yield "}\n"


def _scope(item: Item) -> str:
    return camel(f"{item.scope}-{item.scope_tail[1]}") if item.scope_tail else item.scope


# -- values


def _value(value: object, margin: str) -> str:
    inner = margin + INDENT
    match value:
        case Mapping():
            lines = [f"{inner}{_key(key)}: {_value(item, inner)}" for key, item in value.items()]
            return "\n".join(["{", *lines, f"{margin}}}"]) if lines else "{}"
        case list():
            lines = [f"{inner}{_value(item, inner)}" for item in value]
            return "\n".join(["[", *lines, f"{margin}]"]) if lines else "[]"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case Symbol():
            return value.name
        case Text():
            return f"'{''.join(_inside(part) for part in value.parts)}'"
        case str() | TemplateReference() | Parameter() | Function():
            return _part(value)
    return str(value)


def _key(key: TextValue) -> str:
    if isinstance(key, str) and re.fullmatch(r"[A-Za-z_]\w*", key):
        return key
    return _value(key, "") if isinstance(key, Text) else f"'{_inside(key)}'"


def _part(part: Part) -> str:
    match part:
        case str():
            return _quoted(part)
        case Parameter():
            return part.name
        case TemplateReference():
            return f"{part.item}.{part.path}"
        case Function():
            arguments = ", ".join(_quoted(argument) for argument in part.arguments)
            return f"{part.name}({arguments})" + (f".{part.path}" if part.path else "")


def _inside(part: Part) -> str:
    """A part as it is written inside quotes."""
    return _quoted(part)[1:-1] if isinstance(part, str) else f"${{{_part(part)}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
    return "'" + escaped.replace("\n", "\\n") + "'"


def _comment(lines: list[str]) -> Iterator[str]:
    for line in "\n".join(lines).splitlines():
        yield f"// {line}".rstrip()
