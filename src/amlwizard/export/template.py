"""A recipe as the resources of an ARM deployment: names, dependencies, values with references.

The writers of Bicep and of ARM JSON render the same `Template`. It is deployed into the
resource group, which therefore is not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from amlwizard.errors import InvalidInputError
from amlwizard.export.source import GROUP, Source
from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.language import _
from amlwizard.plan import Step
from amlwizard.recipe import Recipe

ROLE_DEFINITION = re.compile(r"/providers/Microsoft\.Authorization/roleDefinitions/([\w-]+)$")
HOLE = re.compile(r"(\{[a-z0-9.-]+\.[a-z_]+\})")


@dataclass(frozen=True)
class TemplateReference:
    """A value of another resource of the template: `path` is `id`, or a dotted path into it."""

    item: str
    path: str


@dataclass(frozen=True)
class Parameter:
    """The value of a parameter of the template."""

    name: str


@dataclass(frozen=True)
class Function:
    """A value that is only known during the deployment: a call of one of ARM's functions."""

    name: str
    arguments: tuple[str, ...] = ()
    path: str = ""


Part = str | TemplateReference | Parameter | Function


@dataclass(frozen=True)
class Text:
    """A string with parts that are only known during the deployment."""

    parts: tuple[Part, ...]


TextValue: TypeAlias = Part | Text
Value: TypeAlias = (
    "bool | int | float | TextValue | Sequence[Value] | Mapping[TextValue, Value] | None"
)
"""A JSON value of the template, with parts that are only known during the deployment."""


@dataclass(frozen=True)
class Item:
    """One resource. `names` has one name for each part of the type; `parent` and `scope` are other
    items; `scope_tail` is what comes after the scope's id (a subnet). `depends` are the items that
    it must follow without referring to them."""

    symbol: str
    title: str
    type: str
    api_version: str
    names: tuple[str, ...]
    body: Mapping[TextValue, Value]
    parent: str = ""
    scope: str = ""
    scope_tail: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecretParameter:
    """A secure parameter, for a value that must not be in a file."""

    name: str
    description: str


@dataclass(frozen=True)
class Template:
    source: Source
    outputs: Mapping[str, TemplateReference] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe) -> Template:
        """Raises InvalidInputError if the recipe reserves subnets: a template would delete them."""
        if recipe.addresses.reserved:
            raise InvalidInputError(
                _("Deploying a template would delete the reserved subnets."),
                why=_(
                    "A template lists all subnets of a VNET, and Azure deletes those that are not listed."
                ),
                fix=_("Use replay, or export --to az: both keep what exists."),
            )
        return cls(
            Source(recipe),
            {
                "workspaceId": TemplateReference("workspace", "id"),
                "databricksUrl": TemplateReference("databricks", "properties.workspaceUrl"),
                "scoringUri": TemplateReference("endpoint", "properties.scoringUri"),
            },
        )

    @property
    def region(self) -> str:
        return str(self.source.recipe.sign_in.region)

    @property
    def secrets(self) -> list[SecretParameter]:
        return [
            SecretParameter(camel(name), _("Base64 text of a PEM file, such as {path}", path=path))
            for name, path in self.source.tls.items()
        ]

    @cached_property
    def items(self) -> dict[str, Item]:
        """The items by symbol, each after those it needs."""
        found = [self._item(step) for step in self._steps.values()]
        return {item.symbol: item for item in found}

    @cached_property
    def _steps(self) -> dict[str, Step]:
        return {camel(s.id): s for s in self.source.resources if s.id != GROUP}

    @cached_property
    def _symbols(self) -> list[tuple[str, str]]:
        """(id, symbol), the longest id first."""
        pairs = [(s.resource.id, symbol) for symbol, s in self._steps.items() if s.resource]
        return sorted(pairs, key=lambda pair: -len(pair[0]))

    def _item(self, step: Step) -> Item:
        resource = step.resource
        assert resource
        above, _, tail = resource.id.rpartition("/providers/")
        namespace, *rest = tail.split("/")
        scope, scope_tail = self._within(above) if "/providers/" in above else ("", ())
        parent = ""
        if not scope and len(rest) > 2:
            parent = dict(self._symbols)[resource.id.rsplit("/", 2)[0]]
        body = self._object(self.source.body(step))
        named = {parent, "" if scope_tail else scope, *(r.item for r in references(body))}
        after = (camel(name) for name in step.after)
        return Item(
            symbol=camel(step.id),
            title=step.title,
            type="/".join([namespace, *rest[::2]]),
            api_version=resource.api_version,
            names=tuple(rest[1::2]),
            body=body,
            parent=parent,
            scope=scope,
            scope_tail=scope_tail,
            depends=tuple(name for name in after if name in self._steps and name not in named),
        )

    def _within(self, resource_id: str) -> tuple[str, tuple[str, ...]]:
        for known, symbol in self._symbols:
            if resource_id == known or resource_id.startswith(f"{known}/"):
                tail = resource_id.removeprefix(known).strip("/")
                return symbol, tuple(tail.split("/")) if tail else ()
        raise ValueError(f"{resource_id} is not in the template")

    # -- values

    def _object(self, document: JsonObject) -> Mapping[TextValue, Value]:
        return {self._text(key): self._value(value) for key, value in document.items()}

    def _value(self, document: JsonValue) -> Value:
        if isinstance(document, Mapping):
            return self._object(document)
        if isinstance(document, str):
            return self._text(document)
        if isinstance(document, Sequence):
            return [self._value(item) for item in document]
        return document

    def _text(self, text: str) -> TextValue:
        """The text itself if it has no placeholder; one reference if it is nothing else."""
        subscription = "/subscriptions/{sign-in.subscription}"
        if text.startswith(subscription):
            return _joined(self._id(text, text.removeprefix(subscription)))
        place = text.partition(".")[0]
        if place == self.region:
            return _joined((Parameter("location"), text.removeprefix(place)))
        return _joined(tuple(self._hole(part) for part in HOLE.split(text) if part))

    def _id(self, resource_id: str, tail: str) -> tuple[Part, ...]:
        role = ROLE_DEFINITION.fullmatch(tail)
        if role:
            kind = "Microsoft.Authorization/roleDefinitions"
            return (Function("subscriptionResourceId", (kind, role[1])),)
        for known, symbol in self._symbols:
            if resource_id == known or resource_id.startswith(f"{known}/"):
                return TemplateReference(symbol, "id"), resource_id.removeprefix(known)
        return Function("subscription", path="id"), tail

    def _hole(self, part: str) -> Part:
        if not HOLE.fullmatch(part):
            return part
        step, _, output = part[1:-1].rpartition(".")
        if step == "sign-in" and output == "tenant":
            return Parameter("tenantId")
        if step == "sign-in":
            return Function("subscription", path="subscriptionId")
        if step == "tls":
            return Parameter(camel(output))
        return TemplateReference(camel(step), self.source.resource(step).outputs[output])


def references(value: Value) -> Iterator[TemplateReference]:
    """Every reference in a value."""
    if isinstance(value, TemplateReference):
        yield value
    elif isinstance(value, Text):
        yield from (part for part in value.parts if isinstance(part, TemplateReference))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from references(key)
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def _joined(parts: tuple[Part, ...]) -> TextValue:
    kept = tuple(part for part in parts if part != "")
    if len(kept) == 1:
        return kept[0]
    return Text(kept) if kept else ""


def camel(name: str) -> str:
    """``dns-zone.x.y`` as dnsZoneXY, the form of the names of resources and parameters."""
    first, *rest = re.split(r"[^A-Za-z0-9]+", name)
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
