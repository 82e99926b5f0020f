"""The template as ARM JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from amlwizard.export.template import (
    Function,
    Item,
    Parameter,
    Part,
    Template,
    TemplateReference,
    Text,
    TextValue,
    Value,
    references,
)
from amlwizard.json_types import JsonValue, MutableDocument
from amlwizard.recipe import Recipe

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def template(recipe: Recipe) -> str:
    """The template of a recipe, as the text of a JSON file."""
    return json.dumps(_Writer(Template.of(recipe)).document(), indent=2, ensure_ascii=False) + "\n"


class _Writer:
    def __init__(self, made: Template) -> None:
        self.template = made

    def document(self) -> MutableDocument:
        source, made = self.template.source, self.template
        parameters: MutableDocument = {
            "location": {"type": "string", "defaultValue": made.region},
            "tenantId": {"type": "string", "defaultValue": "[subscription().tenantId]"},
        }
        for secret in made.secrets:
            described = {"description": secret.description}
            parameters[secret.name] = {"type": "securestring", "metadata": described}
        return {
            "$schema": SCHEMA,
            "contentVersion": "1.0.0.0",
            "metadata": {
                "description": source.about,
                "deploy": source.before_a_template,
                "left": source.to_do,
            },
            "parameters": parameters,
            "resources": [self._resource(item) for item in made.items.values()],
            "outputs": {
                name: {"type": "string", "value": f"[{self._part(reference)}]"}
                for name, reference in made.outputs.items()
            },
        }

    def _resource(self, item: Item) -> MutableDocument:
        resource: MutableDocument = {
            "comments": item.title,
            "type": item.type,
            "apiVersion": item.api_version,
            "name": _literal("/".join(item.names)),
        }
        if item.scope:
            resource["scope"] = f"[{self._scope(item)}]"
        resource.update(self._object(item.body))
        named = [reference.item for reference in references(item.body)]
        before = dict.fromkeys([item.parent, item.scope, *named, *item.depends])
        depends = [f"[{self._id(self.template.items[name])}]" for name in before if name]
        if depends:
            resource["dependsOn"] = depends
        return resource

    # -- expressions

    def _scope(self, item: Item) -> str:
        holder = self.template.items[item.scope]
        kind, names = holder.type, holder.names
        if item.scope_tail:
            kind, names = f"{kind}/{item.scope_tail[0]}", (*names, item.scope_tail[1])
        return _call("resourceId", kind, *names)

    def _id(self, item: Item) -> str:
        if item.scope:
            names = ", ".join(_quoted(text) for text in (item.type, *item.names))
            return f"extensionResourceId({self._scope(item)}, {names})"
        return _call("resourceId", item.type, *item.names)

    def _part(self, part: Part) -> str:
        match part:
            case str():
                return _quoted(part)
            case Parameter():
                return _call("parameters", part.name)
            case Function():
                return _call(part.name, *part.arguments) + (f".{part.path}" if part.path else "")
            case TemplateReference():
                item = self.template.items[part.item]
                if part.path == "id":
                    return self._id(item)
                version = _quoted(item.api_version)
                return f"reference({self._id(item)}, {version}, 'Full').{part.path}"

    def _object(self, value: Mapping[TextValue, Value]) -> MutableDocument:
        return {self._text(key): self._value(item) for key, item in value.items()}

    def _value(self, value: Value) -> JsonValue:
        match value:
            case Mapping():
                return self._object(value)
            case str() | Text() | TemplateReference() | Parameter() | Function():
                return self._text(value)
            case Sequence():
                return [self._value(item) for item in value]
        return value

    def _text(self, value: TextValue) -> str:
        if isinstance(value, str):
            return _literal(value)
        if isinstance(value, Text):
            return f"[concat({', '.join(self._part(part) for part in value.parts)})]"
        return f"[{self._part(value)}]"


def _call(function: str, *arguments: str) -> str:
    return f"{function}({', '.join(_quoted(argument) for argument in arguments)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(text: str) -> str:
    """Text, escaped if it begins with a bracket: that would make it an expression."""
    return f"[{text}" if text.startswith("[") else text
