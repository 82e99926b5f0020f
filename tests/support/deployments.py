"""Deploys a template as Azure does, for both languages that a recipe is exported in: expressions
are evaluated, and resources are created in an order that only their dependencies determine.

A separate engine, so that an export is not tested with the code that wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pycep import BicepParser

TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>\w+)|(?P<mark>[(),.]))")


@dataclass
class Made:
    """A resource of a template: its id, the ids that it depends on, its body once those exist."""

    id: str
    version: str
    after: set[str]
    body: Callable[[], dict[str, Any]]


@dataclass
class Deployment:
    """One deployment into a resource group. `put` creates a resource and returns its document."""

    subscription: str
    tenant: str
    group: str
    put: Callable[[str, str, dict[str, Any]], dict[str, Any]]
    parameters: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def make(self, resources: list[Made]) -> None:
        """Create the resources. Of those that are ready, the last by id goes first, so that a
        missing dependency shows. AssertionError for a circular or unknown dependency."""
        left = {made.id.lower(): made for made in resources}
        assert len(left) == len(resources), "an id stands twice in the template"
        for made in resources:
            assert {one.lower() for one in made.after} <= left.keys(), f"{made.id}: a loose end"
        while left:
            ready = [m for m in left.values() if not {a.lower() for a in m.after} & left.keys()]
            assert ready, f"a circle among {sorted(left)}"
            made = max(ready, key=lambda m: m.id)
            del left[made.id.lower()]
            self.documents[made.id.lower()] = self.put(made.id, made.version, made.body())

    def value_of(self, resource_id: str, path: list[str]) -> Any:
        """A value in the document of a resource that has been created."""
        value: Any = self.documents[resource_id.lower()]
        for part in path:
            value = value[part]
        return value


def _typed(kind: str, names: list[str]) -> str:
    namespace, *types = kind.split("/")
    pairs = "/".join(f"{t}/{n}" for t, n in zip(types, names, strict=True))
    return f"/providers/{namespace}/{pairs}"


# -- ARM JSON


class ArmTemplate:
    def __init__(self, text: str, deployment: Deployment) -> None:
        self.template, self.on = json.loads(text), deployment
        assert self.template["$schema"].endswith("/2019-04-01/deploymentTemplate.json#")
        assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", self.template["contentVersion"])
        known = {"$schema", "contentVersion", "metadata", "parameters", "resources", "outputs"}
        assert set(self.template) <= known
        for name, parameter in self.template["parameters"].items():
            if "defaultValue" in parameter:
                default = self.value(parameter["defaultValue"])
                deployment.parameters.setdefault(name, default)

    def resources(self) -> list[Made]:
        return [self._made(resource) for resource in self.template["resources"]]

    def _made(self, resource: dict[str, Any]) -> Made:
        beside = ("comments", "type", "apiVersion", "name", "scope", "dependsOn")
        body = {key: item for key, item in resource.items() if key not in beside}
        names = self.value(resource["name"]).split("/")
        scope = self.value(resource["scope"]) if "scope" in resource else self.on.prefix
        return Made(
            scope + _typed(resource["type"], names),
            resource["apiVersion"],
            {self.value(one) for one in resource.get("dependsOn", [])},
            lambda: self.value(body),
        )

    def value(self, value: Any) -> Any:
        """A JSON value with its expressions evaluated."""
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, str) and value.startswith("[["):
            return value[1:]
        if isinstance(value, str) and value.startswith("["):
            assert value.endswith("]")
            tokens = self._tokens(value[1:-1])
            result = self._expression(tokens)
            assert not tokens, f"more than one expression: {value}"
            return result
        return value

    def _tokens(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, f"not an expression: {text[at:]}"
            at = found.end()
            tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        return tokens

    def _expression(self, tokens: list[tuple[str, str]]) -> Any:
        kind, text = tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        assert kind == "name" and tokens.pop(0) == ("mark", "(")
        arguments = []
        while tokens[0] != ("mark", ")"):
            arguments.append(self._expression(tokens))
            if tokens[0] == ("mark", ","):
                tokens.pop(0)
        tokens.pop(0)
        value = getattr(self, f"_{text}")(*arguments)
        while tokens and tokens[0] == ("mark", "."):
            tokens.pop(0)
            value = value[tokens.pop(0)[1]]
        return value

    def _parameters(self, name: str) -> Any:
        return self.on.parameters[name]

    def _subscription(self) -> dict[str, str]:
        on = self.on
        return {
            "id": f"/subscriptions/{on.subscription}",
            "subscriptionId": on.subscription,
            "tenantId": on.tenant,
        }

    def _concat(self, *parts: str) -> str:
        return "".join(parts)

    def _resourceId(self, kind: str, *names: str) -> str:
        return self.on.prefix + _typed(kind, list(names))

    def _subscriptionResourceId(self, kind: str, *names: str) -> str:
        return f"/subscriptions/{self.on.subscription}" + _typed(kind, list(names))

    def _extensionResourceId(self, scope: str, kind: str, *names: str) -> str:
        return scope + _typed(kind, list(names))

    def _reference(self, resource_id: str, version: str, full: str) -> dict[str, Any]:
        assert full == "Full" and version
        return self.on.documents[resource_id.lower()]


# -- Bicep


class BicepTemplate:
    """Parsed by pycep, whose result does not distinguish names from strings: a string that is a
    parameter's name, or is where only a resource can be, is taken for a name."""

    def __init__(self, text: str, deployment: Deployment) -> None:
        parsed = BicepParser().parse(text=text)
        assert parsed["globals"]["scope"]["value"] == "resourceGroup"
        self.on, self.known = deployment, parsed["resources"]
        for name, parameter in parsed["parameters"].items():
            if parameter["default"] is not None:
                value = self.value(parameter["default"])
                deployment.parameters.setdefault(name, value)

    def resources(self) -> list[Made]:
        return [self._made(name) for name, one in self.known.items() if not one["existing"]]

    def id(self, symbol: str) -> str:
        """The ARM id of a resource, by its symbol."""
        one = self.known[symbol]
        config = one["config"]
        if "parent" in config:
            return f"{self.id(config['parent'])}/{one['type'].split('/')[-1]}/{config['name']}"
        scope = self.id(config["scope"]) if "scope" in config else self.on.prefix
        return scope + _typed(one["type"], [config["name"]])

    def _made(self, symbol: str) -> Made:
        one = self.known[symbol]
        config = one["config"]
        beside = ("parent", "scope", "name", "dependsOn")
        body = {key: item for key, item in config.items() if key not in beside}
        names = {config.get("parent"), config.get("scope"), *config.get("dependsOn", [])} - {None}
        after = set(self._used(body)) | {self._deployed(name) for name in names}
        ids = {self.id(name) for name in after}
        return Made(self.id(symbol), one["api_version"], ids, lambda: self.value(body))

    def _deployed(self, symbol: str) -> str:
        """The resource to wait for: the parent, if this is an existing child resource."""
        one = self.known[symbol]
        return self._deployed(one["config"]["parent"]) if one["existing"] else symbol

    def _used(self, value: Any) -> list[str]:
        if isinstance(value, Mapping):
            accessor = self._accessor(value)
            if accessor:
                return [accessor[0]] if accessor[0] in self.known else []
            return [s for pair in value.items() for part in pair for s in self._used(part)]
        if isinstance(value, list):
            return [symbol for item in value for symbol in self._used(item)]
        if isinstance(value, str):
            inside = re.findall(r"\$\{(\w+)\.", value)
            return [symbol for symbol in inside if symbol in self.known]
        return []

    def _accessor(self, value: Mapping[str, Any]) -> tuple[Any, list[str]] | None:
        """``a.b.c`` as (a, [b, c])."""
        if set(value) != {"operator"} or value["operator"]["type"] != "property_accessor":
            return None
        operands = value["operator"]["operands"]
        rest = operands["operand_2"]
        nested = self._accessor(rest) if isinstance(rest, Mapping) else None
        path = [nested[0], *nested[1]] if nested else [rest]
        return operands["operand_1"], path

    def value(self, value: Any) -> Any:
        """A parsed value with its expressions evaluated."""
        if isinstance(value, Mapping):
            accessor = self._accessor(value)
            if accessor:
                return self._access(*accessor)
            if set(value) == {"function"}:
                given = value["function"]["parameters"]
                assert value["function"]["type"] == "subscription_resource_id"
                names = [given["resource_name_1"]]
                return f"/subscriptions/{self.on.subscription}" + _typed(
                    given["resource_type"], names
                )
            return {self._key(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, str):
            return self.on.parameters[value] if value in self.on.parameters else self._text(value)
        return value

    def _key(self, key: str) -> str:
        return self._text(key[1:-1]) if key.startswith("'") else key

    def _text(self, text: str) -> str:
        def fill(found: re.Match[str]) -> str:
            name, _, path = found[1].partition(".")
            if not path:
                return str(self.on.parameters[name])
            whole = "subscription()" if name == "subscription()" else name
            return str(self._access(whole, path.split(".")))

        return re.sub(r"\$\{([\w().]+)\}", fill, text)

    def _access(self, whole: Any, path: list[str]) -> Any:
        if whole == "subscription()" or isinstance(whole, Mapping):
            assert whole == "subscription()" or whole["function"]["type"] == "subscription"
            return {
                "id": f"/subscriptions/{self.on.subscription}",
                "subscriptionId": self.on.subscription,
                "tenantId": self.on.tenant,
            }[path[0]]
        return self.id(whole) if path == ["id"] else self.on.value_of(self.id(whole), path)
