"""The fields of each section, for forms, prompts and the schema, and the conversion of a user's
text into values. `recipe.examine` validates the values."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Annotated, Literal, TypeGuard, get_args, get_origin
from unicodedata import normalize

from pydantic import JsonValue
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from amlwizard.json_types import JsonObject, parsed
from amlwizard.language import _, sentences
from amlwizard.recipe import (
    PARAMETERS,
    Recipe,
    RecipeFile,
    Section,
    items_at,
    looks_right,
    read_list,
)
from amlwizard.recipe.lists import COMMAS
from amlwizard.recipe.values import Becomes
from amlwizard.recipe.wording import TRUTHS
from amlwizard.user_notebook import UserNotebook

Kind = Literal["text", "number", "switch", "choice", "list", "json", "file", "scalar"]
SAMPLE_PREFIX = "contoso"
SIGNS = str.maketrans({"\u3002": ".", "\u3001": ","})
"""What a Japanese input method types for a dot and a comma."""


NOT_SET = _("not set")
"""What stands for an answer that is not given, and has no default of ours."""
YES, NO = _("yes"), _("no")
"""A switch, as people see and may type it; `typed` takes English, too."""


@dataclass(frozen=True)
class FieldSpec:
    """One field as a form shows it. `path` is its dotted path in the recipe; `parts` are the keys
    of a list's items, if these are not plain values; `suffixes` those of the files that it names.
    `takes` is what its type accepts, in words; `becomes` what its value becomes in Azure. `example` is
    what a new recipe begins with."""

    path: str
    name: str
    title: str
    description: str
    kind: Kind
    choices: tuple[str, ...] = ()
    default: object = None
    optional: bool = False
    derived: str | None = None
    example: object = None
    parts: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    takes: str = ""
    becomes: Becomes | None = None

    @property
    def sample(self) -> object:
        """A value to learn from; None if there is none."""
        if self.becomes and self.becomes.example is not None:
            return self.becomes.example
        return self.derived.replace("{prefix}", SAMPLE_PREFIX) if self.derived else self.default


def sections() -> dict[str, type[Section]]:
    """The sections of a recipe in their order."""
    return {
        name: info.annotation
        for name, info in Recipe.model_fields.items()
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
    }


def section_title(section: str) -> str:
    """The title of a section; its name if it has none."""
    return Recipe.model_fields[section].title or section


@cache
def specs(section: str) -> tuple[FieldSpec, ...]:
    """The fields of a section, in the order in which they are asked."""
    fields = sections()[section].model_fields
    return tuple(_spec(section, name, info) for name, info in fields.items())


def of_parameters(notebook: UserNotebook, given: Collection[str]) -> Iterator[FieldSpec]:
    """A field for each parameter that a notebook reads or a recipe gives; none for ``data``, which is
    asked for by itself, unless the recipe gives it here."""
    for name in dict.fromkeys((*notebook.parameters, *given)):
        if name == "data" and name not in given:
            continue
        known, default = name in notebook.parameters, notebook.parameters.get(name)
        read = _("A parameter: {notebook} reads it, as far as can be seen.")
        unread = _("A parameter: {notebook} does not read it, as far as can be seen.")
        yield FieldSpec(
            path=f"{PARAMETERS}.{name}",
            name=name,
            title=name,
            description=(read if known else unread).format(notebook=notebook.name),
            kind="scalar",
            default=None if default is None else _scalar(default),
            optional=not known,
            becomes=Becomes(_("Databricks notebook"), _("the widget {name}", name=name)),
        )


def defaults() -> dict[str, dict[str, object]]:
    """The default of every field that has one, as plain JSON by section. Names derived from the
    prefix are left out."""
    return {
        section: {
            spec.name: to_jsonable_python(spec.default)
            for spec in specs(section)
            if spec.default is not None and spec.derived is None
        }
        for section in sections()
    }


def start() -> dict[str, dict[str, object]]:
    """The initial answers of a new recipe: the defaults, and the examples of fields without one."""
    answers = defaults()
    for section in sections():
        for spec in specs(section):
            if spec.example is not None:
                answers[section].setdefault(spec.name, spec.example)
    return answers


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
        example=info.examples[0] if info.examples else None,
        parts=_parts(options),
        suffixes=options.suffixes if _is_file(options) else (),
        takes=_takes(info),
        becomes=next((mark for mark in info.metadata if isinstance(mark, Becomes)), None),
    )


def _takes(info: FieldInfo) -> str:
    """What the type of a field accepts, in words; empty if that is all."""
    found: dict[str, object] = {}
    for mark in _marks(info.annotation, info.metadata):
        for bound in ("ge", "gt", "le", "min_length", "max_length", "text"):
            if (value := getattr(mark, bound, None)) is not None:
                found.setdefault(bound, value)
    most = f"{found['max_length']:,}" if "max_length" in found else ""
    if "ge" in found:
        return _("a number from {least:,} to {most:,}", least=found["ge"], most=found["le"])
    if "gt" in found:
        return _("a number above {bound:,}", bound=found["gt"])
    if "text" in found:
        each = str(found["text"])
        return _("up to {most}, each {each}", most=most, each=each) if most else each
    if "min_length" in found:
        least = found["min_length"]
        return _("text of {least} to {most} characters", least=least, most=most)
    return ""


def _marks(annotation: object, marks: Iterable[object]) -> Iterator[object]:
    """The constraints of a type: its own, then those of the types within."""
    for mark in marks:
        yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)
    for part in get_args(annotation):
        if get_origin(part) is Annotated:
            yield from _marks(get_args(part)[0], get_args(part)[1:])
        else:
            yield from _marks(part, ())


def _options(annotation: object) -> tuple[object, bool]:
    """The type of a field without its None and its constraints, and whether it allows None."""
    parts = [part for part in get_args(annotation) if part is not type(None)]
    optional = type(None) in get_args(annotation)
    if optional and len(parts) == 1:
        annotation = parts[0]
    if get_origin(annotation) not in (Literal, list, dict) and get_args(annotation):
        annotation = get_args(annotation)[0]
    return annotation, optional


def _parts(annotation: object) -> tuple[str, ...]:
    items = get_args(annotation)
    record = isinstance(items[0], type) and issubclass(items[0], Section) if items else False
    return tuple(items[0].model_fields) if record else ()


def _is_file(annotation: object) -> TypeGuard[type[RecipeFile]]:
    return isinstance(annotation, type) and issubclass(annotation, RecipeFile)


def _kind(annotation: object, choices: tuple[str, ...]) -> Kind:
    if choices:
        return "choice"
    if annotation is bool:
        return "switch"
    if annotation in (int, float):
        return "number"
    if get_origin(annotation) is list:
        return "list"
    if _is_file(annotation):
        return "file"
    return "json" if get_origin(annotation) is dict or annotation is JsonValue else "text"


def narrows(spec: FieldSpec) -> bool:
    """Whether full-width letters, digits and signs, as a Japanese input method types them, stand for
    those of ASCII: where a field takes names, addresses and numbers, not where it takes text of the
    user's own or the name of a file."""
    return spec.kind in ("text", "number", "list")


def narrowed(spec: FieldSpec, text: str) -> str:
    """A text as it is meant: in ASCII, where only the width of its letters differs from that."""
    narrow = normalize("NFKC", text).translate(SIGNS)
    return narrow if narrows(spec) and narrow.isascii() else text


def typed(spec: FieldSpec, text: str) -> object:
    """The value of a user's text, None if it is empty.

    Text that cannot be converted is returned unchanged, for validation to explain.
    """
    text = narrowed(spec, text).strip()
    if not text and spec.kind != "switch":
        return None
    if spec.kind == "number":
        return _number(text)
    if spec.kind == "scalar":
        return _scalar(text)
    if spec.kind == "switch":
        return {**TRUTHS, YES: True, NO: False, "": False}.get(text.lower(), text)
    if spec.kind == "list":
        return read_list(spec.path, text)
    return _json(text) if spec.kind == "json" else text


@dataclass(frozen=True)
class Pasted:
    """What a field takes of a pasted text: the `text` to insert, empty if nothing, and what to say
    of it, if anything. `refused` means that something was not taken."""

    text: str
    said: str = ""
    refused: bool = False

    def between(self, before: str, behind: str) -> str:
        """The text to insert, with commas to what stands before and behind it where it is items of a
        list."""
        if not self.text or not self.said:
            return self.text
        comma = before.rstrip() and before.rstrip()[-1] not in ",["
        return (", " if comma else "") + self.text + (", " if behind.strip() else "")


PASTED = {
    "range": _("{n} ranges pasted."),
    "subnet": _("{n} subnets pasted."),
    "package": _("{n} packages pasted."),
}
LEFT_OUT = {
    "range": _("Not taken, as they are not address ranges: {items}."),
    "subnet": _("Not taken, as they have no address range: {items}."),
    "package": _("Not taken: {items}."),
}
NAMED = 5
"""So many of what is not taken are named."""


def pasted(spec: FieldSpec, text: str) -> Pasted:
    """What a field of one line takes of a text: a list's items, however they are written; else the
    line, and nothing of several."""
    text, held = narrowed(spec, text), items_at(spec.path)
    if held and re.search(rf"[\s{COMMAS}]", text.strip()):
        items = read_list(spec.path, text)
        right = [item for item in items if looks_right(spec.path, item)]
        wrong = [_item_shown(item) for item in items if not looks_right(spec.path, item)]
        said = [PASTED[held].format(n=len(right))] if len(right) != 1 else []
        if wrong:
            more = ["…"] if len(wrong) > NAMED else []
            said.append(LEFT_OUT[held].format(items=_(", ").join([*wrong[:NAMED], *more])))
        return Pasted(shown(spec, right), sentences(*said), bool(wrong))
    return one_line(text)


def one_line(text: str) -> Pasted:
    """The only line of a text; nothing of several."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        told = _("Not taken: one line is expected here, and the text has {n}.", n=len(lines))
        return Pasted("", told, refused=True)
    return Pasted("".join(lines).strip("\t"))


def _json(text: str) -> object:
    """JSON; also a list without its brackets."""
    for given in (text, f"[{text}]"):
        try:
            return parsed(given)
        except ValueError:
            continue
    return text


def _item_shown(item: object) -> str:
    return "=".join(map(str, item.values())) if isinstance(item, dict) else str(item)


def shown(spec: FieldSpec, value: object) -> str:
    """A value as the text that `typed` reads back."""
    if value is None:
        return ""
    if spec.kind == "switch":
        return YES if value is True else NO if value is False else str(value)
    if spec.kind == "list" and isinstance(value, (list, tuple)):
        return ", ".join(_item_shown(item) for item in value)
    if spec.kind == "json" and not isinstance(value, str):
        return json.dumps(value)
    if spec.kind == "scalar" and (not isinstance(value, str) or _scalar(value) != value):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def laid_out(value: object, indent: int = 0) -> str:
    """JSON over several lines, with one line for each row of plain values."""
    inner: Iterable[object] = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    if not any(isinstance(item, (dict, list)) for item in inner):
        return json.dumps(value, ensure_ascii=False)
    space = "  " * (indent + 1)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {laid_out(v, indent + 1)}" for key, v in value.items()]
    else:
        items = [laid_out(item, indent + 1) for item in inner]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return f"{start}\n{space}" + f",\n{space}".join(items) + f"\n{'  ' * indent}{end}"


def _number(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _scalar(text: str) -> object:
    """A number, true or false where it is one; else text, which may be quoted to be that."""
    try:
        value = parsed(text)
    except ValueError:
        value = text if "_" in text else _number(text)
    known = isinstance(value, (str, bool, int)) or (isinstance(value, float) and isfinite(value))
    return value if known else text


def schema() -> JsonObject:
    """The JSON schema of a recipe, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Recipe.model_json_schema(),
    }
