"""Reading a section's fields: what forms, prompts and the schema show, and the one door of
validation for a section that was typed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from amlwizard.recipe import Recipe, Section

Kind = Literal["text", "number", "switch", "choice", "list", "json"]


@dataclass(frozen=True)
class FieldSpec:
    """One field as a form shows it. `path` is its dotted place in the recipe."""

    path: str
    name: str
    title: str
    description: str
    kind: Kind
    choices: tuple[str, ...] = ()
    default: Any = None
    optional: bool = False
    derived: str | None = None


def sections() -> dict[str, type[Section]]:
    """The sections of a recipe in their order."""
    return {
        name: info.annotation
        for name, info in Recipe.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
    }


def specs(section: str) -> Iterator[FieldSpec]:
    """The fields of a section, in the order in which they are asked."""
    for name, info in sections()[section].model_fields.items():
        yield _spec(section, name, info)


def _spec(section: str, name: str, info: FieldInfo) -> FieldSpec:
    options, optional = _options(info.annotation)
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    derived = extra.get("derived")
    choices = tuple(str(o) for o in get_args(options)) if get_origin(options) is Literal else ()
    return FieldSpec(
        path=f"{section}.{name}",
        name=name,
        title=info.title or name,
        description=info.description or "",
        kind=_kind(options, choices),
        choices=choices,
        default=None if info.is_required() else info.get_default(call_default_factory=True),
        optional=optional,
        derived=str(derived) if derived else None,
    )


def _options(annotation: Any) -> tuple[Any, bool]:
    """The type of a field without its None and its constraints."""
    parts = [part for part in get_args(annotation) if part is not type(None)]
    optional = type(None) in get_args(annotation)
    if optional and len(parts) == 1:
        annotation = parts[0]
    if get_origin(annotation) not in (Literal, list, dict) and get_args(annotation):
        annotation = get_args(annotation)[0]
    return annotation, optional


def _kind(annotation: Any, choices: tuple[str, ...]) -> Kind:
    if choices:
        return "choice"
    if annotation is bool:
        return "switch"
    if annotation in (int, float):
        return "number"
    if get_origin(annotation) is list:
        return "list"
    return "json" if get_origin(annotation) is dict else "text"


def check(kind: type[Section], raw: Mapping[str, Any]) -> tuple[Section | None, dict[str, str]]:
    """The section, or what is wrong by field name. The only door of validation for typed values."""
    try:
        return kind.model_validate(dict(raw)), {}
    except ValidationError as error:
        wrong: dict[str, str] = {}
        for problem in error.errors(include_url=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            wrong.setdefault(name, problem["msg"])
        return None, wrong


def schema() -> dict[str, Any]:
    """The JSON schema of a recipe, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Recipe.model_json_schema(),
    }
