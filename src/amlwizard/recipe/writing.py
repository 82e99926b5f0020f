"""From a recipe to its file: the same recipe always gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from amlwizard.paths import write
from amlwizard.recipe.plain_values import CORE
from amlwizard.recipe.sections import VERSION, Recipe

SCHEMA = "# yaml-language-server: $schema=recipe.schema.json"
# In English in every language: the same recipe always gives the same bytes.
HEADINGS = {
    "sign_in": "Who signs in, and where the platform is built",
    "names": "What everything is called",
    "addresses": "Address ranges of the VNET, of Kubernetes, and of what is already in use",
    "security": "How the platform is closed off",
    "training": "The Databricks cluster and the model that it trains",
    "serving": "The AKS cluster and the online endpoint on it",
    "scoring": "The request that proves that the platform works",
    "expect": "What a replay must come out with; leaving a number out leaves it unchecked",
}


def text_of(recipe: Recipe) -> str:
    """The text of a recipe: the same recipe always gives the same bytes."""
    return text_of_raw(recipe.model_dump(mode="json", exclude_none=True))


def text_of_raw(raw: Mapping[str, object]) -> str:
    """The text of a recipe given as plain values, right or not, in its own order; keys that no recipe
    has come last."""
    body = {**raw}
    parts = [SCHEMA, f"version: {body.pop('version', VERSION)}"]
    for name in (*Recipe.model_fields, *(key for key in body if key not in Recipe.model_fields)):
        if body.get(name) in (None, {}):
            continue
        dumped = yaml.dump(
            {name: body[name]},
            sort_keys=False,
            allow_unicode=True,
            width=100,
            default_flow_style=None if name == "scoring" else False,
            Dumper=_Dumper,
        )
        # Only the last line's end: a name may end with a space that is no newline.
        heading = f"\n# {HEADINGS[name]}\n" if name in HEADINGS else "\n"
        parts.append(heading + dumped.removesuffix("\n"))
    return "\n".join(parts) + "\n"


class _Dumper(yaml.SafeDumper):
    """Indents lists under their key, and writes rows of numbers on one line."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _list(dumper: yaml.SafeDumper, items: list[object]) -> yaml.Node:
    flat = all(isinstance(item, (int, float, str)) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flat)


def _mapping(dumper: yaml.SafeDumper, items: dict[str, object]) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", items.items(), flow_style=False)


for _value_form in CORE:  # quotes texts that YAML 1.2 would not read as such, and those of 1.1
    _Dumper.add_implicit_resolver(*_value_form)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(dict, _mapping)


def save(recipe: Recipe, path: Path) -> None:
    """Write a recipe in one move: a reader finds the old file or the new one, never a half."""
    save_text(text_of(recipe), path)


def save_text(text: str, path: Path) -> None:
    """Write a recipe's text as `save` does. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, text, opener=None)
