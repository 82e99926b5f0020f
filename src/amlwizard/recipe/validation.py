"""From plain values to the sections of a recipe, field by field: a value that is wrong gives a finding,
and hides none of those about the others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from itertools import islice
from math import isfinite
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, to_jsonable_python

from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.recipe.lists import items_at, read_list
from amlwizard.recipe.migration import NOW, migrated
from amlwizard.recipe.sections import (
    VERSION,
    Addresses,
    Expect,
    Names,
    Recipe,
    Scoring,
    Section,
    Security,
    Serving,
    SignIn,
    Training,
    derived,
)
from amlwizard.recipe.titles import title
from amlwizard.recipe.wording import SENTENCES, cut, meant, sentence, shown

SECTIONS: Mapping[str, type[Section]] = {
    name: info.annotation
    for name, info in Recipe.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, Section)
}
MOST = 100  # findings of a section that are told: each takes time, and nobody reads more
SCALARS = (bool, int, float, date)  # what YAML makes of text that has no quotes
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")

_NETWORK = "192.0.2.0/32"
# What takes the place of a value that cannot be used: of a field that has no default, or of an item
# of a list, so that the others keep their numbers.
STAND_INS: Mapping[str, object] = {"names.prefix": "team01"}
ITEMS: Mapping[str, object] = {
    "addresses.peered": _NETWORK,
    "addresses.on_premises": _NETWORK,
    "addresses.reserved": {"name": "unknown", "range": _NETWORK},
    "security.aks_authorized_ranges": _NETWORK,
}
BY_KEY = (  # mappings whose other keys stay
    "names.tags",
    "security.dns_zones",
    "training.parameters",
    "expect.metrics",
)

MISSING: Mapping[str, tuple[str, str]] = {
    "names.prefix": (
        _("The prefix is missing."),
        _("Choose 3 to 12 lower-case letters and digits; every name starts from it."),
    ),
}
"""What to say of a field that has to be given."""

Loc = tuple[int | str, ...]


@dataclass(frozen=True)
class Sections:
    """The sections of a recipe, as far as they are known; None where nothing of one is.

    `unknown` are the recipe paths of values that cannot be used: fields (``addresses.vnet``), items
    (``addresses.peered.0``) and their parts. The section holds a stand-in there: its default, where
    it has one. `folder` holds the files that the recipe names.
    """

    sign_in: SignIn | None = None
    names: Names | None = None
    addresses: Addresses | None = None
    security: Security | None = None
    training: Training | None = None
    serving: Serving | None = None
    scoring: Scoring | None = None
    expect: Expect | None = None
    unknown: frozenset[str] = frozenset()
    folder: Path = Path()

    def __getitem__(self, name: str) -> Section | None:
        """The section of that name."""
        section: Section | None = getattr(self, name)
        return section

    def knows(self, path: str) -> bool:
        """Whether the value at a recipe path is the user's, or the default of one left out."""
        return self[path.partition(".")[0]] is not None and path not in self.unknown

    def is_whole(self, name: str) -> bool:
        """Whether every value of a section is known."""
        return self[name] is not None and not any(p.startswith(f"{name}.") for p in self.unknown)


def sections_of(recipe: Recipe) -> Sections:
    return Sections(**{name: getattr(recipe, name) for name in SECTIONS})


@dataclass(frozen=True)
class Reading:
    """The result of reading a recipe: its sections as far as they are valid, and every finding
    about the rest.

    `recipe` is there when nothing is wrong with its shape; the rules come after. `raw` is what was
    given, right or not, in the form of the newest version; `folder` holds the files that it names.
    """

    sections: Sections = field(default_factory=Sections)
    findings: tuple[Finding, ...] = ()
    recipe: Recipe | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    raw: Mapping[str, object] = field(default_factory=dict)
    folder: Path = Path()


def given(raw: Mapping[str, object], path: str) -> object:
    """The value of a recipe given as plain values, by its path (``names.prefix``, or
    ``training.parameters.alpha``); None if there is none."""
    found: object = raw
    for key in _keys(path):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def put(raw: dict[str, object], path: str, value: object) -> None:
    """Set a value of a recipe given as plain values, by its path. None removes it, so that its
    default applies (or an unknown key goes); so it does a whole section."""
    *above, last = _keys(path)
    values = raw
    for key in above:
        inner = values.get(key)
        # A copy: what it was may be shared with the suggestions of other recipes.
        values[key] = inner = {**inner} if isinstance(inner, dict) else {}
        values = inner
    if value is None:
        values.pop(last, None)
    else:
        values[last] = value


def _keys(path: str) -> list[str]:
    """The keys on a path; those of mappings whose keys are their own may contain dots."""
    section, *rest = path.split(".", 1)
    within = next((p for p in BY_KEY if path.startswith(f"{p}.")), None)
    return [*within.split("."), path.removeprefix(f"{within}.")] if within else [section, *rest]


def examine(
    raw: Mapping[str, object],
    lines: Mapping[str, int] | None = None,
    found: Sequence[Finding] = (),
    texts: Mapping[str, str] | None = None,
    folder: Path = Path(),
) -> Reading:
    """The reading of sections given as plain values. The only door of validation: for files, forms
    and prompts alike. `lines` are those of the file, `found` what was wrong before this, `texts` how
    values are written, `folder` holds the files that it names."""
    lines, findings = lines or {}, [*found]
    changes: list[Finding] = []
    if raw.get("version", 1) == 1:
        raw, lines, changes = migrated(raw, lines)
    sections: dict[str, Section | None] = {}
    unknown: set[str] = set()
    for name, kind in SECTIONS.items():
        given = raw.get(name)
        given = {} if given is None else given
        garbled = list(_garbled(given))
        problems: list[ErrorDetails] = []
        try:
            sections[name] = kind.model_validate(given, context={"folder": folder})
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=True)
        if problems or garbled:
            first = [_not_text(name, loc, value, lines) for loc, value in garbled[:MOST]]
            told = islice(_findings(problems, kind, name, given, lines, texts or {}), MOST)
            findings += [*first, *_of_whole_lists(_beside(first, told))]
            wrong = [*(loc for loc, _ in garbled), *(problem["loc"] for problem in problems)]
            if len(wrong) > MOST:
                findings.append(_too_many(name))
                wrong = [*dict.fromkeys(loc[:1] for loc in wrong)]  # whole fields, and fewer
            sections[name] = _with_stand_ins(name, given, wrong, unknown, folder)
    known = set(Recipe.model_fields)
    keys = [key for key in raw if key not in known]
    findings += [_unknown(key, Recipe.model_fields, "", lines, raw) for key in keys[:MOST]]
    findings += [_too_many("")] if len(keys) > MOST else []
    if raw["version"] != VERSION or isinstance(raw["version"], bool):
        findings.append(
            Finding(
                "version",
                "error",
                ("version",),
                _("Recipe version {version!r} is not supported.", version=raw["version"]),
                fix=_(
                    "This version of amlwizard reads version 1 and 2; a newer one may read others."
                ),
                line=lines.get("version"),
            )
        )
    recipe = None if findings else Recipe.model_validate({"version": VERSION, **sections})
    usable = Sections(**sections, unknown=frozenset(unknown), folder=folder)  # type: ignore[arg-type]  # by name
    return Reading(usable, (*findings, *changes), recipe, lines, raw, folder)


# -- what stands in for a value that cannot be used


def _with_stand_ins(
    section: str, given: object, wrong: Sequence[Loc], unknown: set[str], folder: Path
) -> Section | None:
    """The section without its wrong values, whose paths go to `unknown`; None where it has to have
    one of them."""
    if not isinstance(given, Mapping):
        return None
    kind = SECTIONS[section]
    raw = {key: value for key, value in given.items() if not CONTROL.search(str(key))}
    for loc in wrong:
        if loc and loc[0] not in kind.model_fields:
            raw.pop(loc[0], None)
        elif loc:
            _replace(raw, section, loc, unknown)
    _fill_up(raw, section, unknown)
    try:
        return kind.model_validate(raw, context={"folder": folder})
    except ValidationError as error:  # where an item was wrong, so may be how many there are
        for problem in error.errors():
            raw.pop(problem["loc"][0], None)
            unknown.add(f"{section}.{problem['loc'][0]}")
    try:
        return kind.model_validate(raw, context={"folder": folder})
    except ValidationError:
        return None


def _fill_up(raw: dict[object, object], section: str, unknown: set[str]) -> None:
    """Give required fields a stand-in where there is one, with all that follows from it."""
    for name, info in SECTIONS[section].model_fields.items():
        path = f"{section}.{name}"
        if info.is_required() and name not in raw and path in STAND_INS:
            raw[name] = STAND_INS[path]
            unknown.update((path, *(f"names.{n}" for n in derived() if not raw.get(n))))


def _replace(raw: dict[object, object], section: str, loc: Loc, unknown: set[str]) -> None:
    """Put a stand-in where `loc` leads, or leave the value out."""
    name, *inner = loc
    path, value = f"{section}.{name}", raw.get(name)
    number = inner[0] if inner else None
    if path in ITEMS and isinstance(value, list) and isinstance(number, int):
        raw[name] = items = [*value]
        items[number] = _item(ITEMS[path], items[number], f"{path}.{number}", inner[1:], unknown)
    elif path in BY_KEY and isinstance(value, Mapping) and inner:
        raw[name] = {key: inside for key, inside in value.items() if key != inner[0]}
    else:
        raw.pop(name, None)
        unknown.add(path)


def _item(
    stand_in: object, item: object, path: str, part: Sequence[int | str], unknown: set[str]
) -> object:
    """An item with a stand-in for one of its parts, or the stand-in for all of it."""
    if not (part and isinstance(item, Mapping) and isinstance(stand_in, Mapping)):
        unknown.add(path)
        return stand_in
    name = part[0]
    if name not in stand_in:
        return {key: inside for key, inside in item.items() if key != name}
    unknown.add(f"{path}.{name}")
    return {**item, name: stand_in[name]}


# -- findings


def _garbled(given: object) -> Iterator[tuple[Loc, object]]:
    """Where a value is no text (an escape in a file, or typed) or no number (``.nan``), and that
    value. A key is at the place of what holds it."""
    left: list[tuple[Loc, object]] = [((), given)]
    while left:
        loc, value = left.pop()
        if isinstance(value, Mapping):
            left += [(loc, key) for key in value]
            left += [((*loc, key), inner) for key, inner in value.items()]
        elif isinstance(value, (list, tuple)):
            left += [((*loc, number), inner) for number, inner in enumerate(value)]
        elif (isinstance(value, float) and not isfinite(value)) or (
            isinstance(value, str) and CONTROL.search(value)
        ):
            yield loc, value


def _not_text(section: str, loc: Loc, value: object, lines: Mapping[str, int]) -> Finding:
    path = ".".join([section, *map(str, loc)])
    line = lines.get(path) or lines.get(section)
    bad = CONTROL.search(value) if isinstance(value, str) else None
    if bad is None:
        what = SENTENCES["finite_number"].format(label=title(path), given=value)
        fix = _("Give another number.")
        return Finding("not-finite", "error", (path,), what, fix=fix, line=line)
    what = _(
        "{value} contains the control character {character!r}.",
        value=shown(value),
        character=bad[0],
    )
    return Finding("control-character", "error", (path,), what, fix=_("Remove it."), line=line)


def _too_many(section: str) -> Finding:
    of = title(section) if section else _("The recipe")
    what = _(
        "{section} has more than {most} errors; only the first {most} are listed.",
        section=of,
        most=MOST,
    )
    fix = _("Correct these to see the others.")
    return Finding("too-many", "error", (section,) if section else (), what, fix=fix)


def _beside(garbled: Sequence[Finding], others: Iterator[Finding]) -> Iterator[Finding]:
    """What is wrong beside what is garbled: one finding per cause."""
    told = [f"{path}." for finding in garbled for path in finding.fields]
    for other in others:
        (path,) = other.fields
        garbled_key = bool(told) and "\ufffd" in path
        if not garbled_key and not any(place.startswith(f"{path}.") for place in told):
            yield other


def _findings(
    problems: Sequence[ErrorDetails],
    kind: type[BaseModel],
    section: str,
    given: object,
    lines: Mapping[str, int],
    texts: Mapping[str, str],
) -> Iterator[Finding]:
    seen: set[str] = set()
    for problem in problems:
        loc = [str(part) for part in problem["loc"]]
        where = _place(kind, loc)
        path = ".".join([section, *where])
        line = lines.get(".".join([section, *loc])) or lines.get(path) or lines.get(section)
        if problem["type"] == "extra_forbidden":
            yield _unknown_key(kind, section, loc, path, given, lines)
        elif (path not in seen or path in BY_KEY) and loc[-1:] != ["int"]:  # float follows
            seen.add(path)
            missing = problem["type"] == "missing"
            found = _missing(section, loc, path) if missing else None
            found = found or _of_yaml(problem, path, texts)
            yield replace(found or _wrong(problem, section, loc, where, given), line=line)


def _missing(section: str, loc: list[str], path: str) -> Finding:
    if len(loc) > 1:
        part = loc[-1]
        number = int(loc[1]) + 1
        what = _(
            "Entry {number} of {label} has no {key}.", number=number, label=title(path), key=part
        )
        return Finding("missing", "error", (path,), what, fix=_("Add its {key}.", key=part))
    what = _("{label} is missing.", label=title(path))
    fix = _("Add {key} under {section}.", key=loc[0] if loc else section, section=section)
    if path in MISSING:
        what, fix = MISSING[path]
    return Finding("missing", "error", (path,), what, fix=fix)


def _of_yaml(problem: ErrorDetails, path: str, texts: Mapping[str, str]) -> Finding | None:
    """The finding about a text that YAML takes for something else, as it has no quotes."""
    if problem["type"] != "string_type" or not isinstance(problem["input"], SCALARS):
        return None
    text = texts.get(path) or str(problem["input"])
    what = SENTENCES["string_type"].format(label=title(path), given=cut(text))
    fix = _('Write "{text}", with quotes.', text=cut(text))
    return Finding("value", "error", (path,), what, fix=fix, cure={path: text})


def _wrong(
    problem: ErrorDetails, section: str, loc: list[str], where: list[str], given: object
) -> Finding:
    """The finding about a value of the wrong type or size."""
    path, facts = ".".join([section, *where]), problem.get("ctx", {})
    rule = problem["type"] if "_" not in problem["type"] else "value"
    named = path in BY_KEY and len(loc) > 1 and loc[-1] != "[key]"
    label = loc[1] if named else title(path)
    value = facts.get("cure")
    if problem["type"] == "list_type" and isinstance(problem["input"], str) and items_at(path):
        value = read_list(path, problem["input"])
    elif value is None:
        value = meant(problem)
    cure = {} if path in BY_KEY else _cure(section, loc, where, given, value)
    fix, otherwise = str(facts.get("fix") or ""), None
    if cure and value and not fix:
        fix, otherwise = _("Use {value}.", value=_flow(value)), ""
    what = (
        f"{label}: {sentence(problem, label)}"
        if named and rule != "value"
        else sentence(problem, label)
    )
    return Finding(rule, "error", (path,), what, fix=fix, cure=cure, otherwise=otherwise)


def _flow(value: object) -> str:
    """A value on one line, as YAML takes it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _unknown_key(
    kind: type[BaseModel],
    section: str,
    loc: list[str],
    path: str,
    given: object,
    lines: Mapping[str, int],
) -> Finding:
    if len(loc) == 1:
        inside = given if isinstance(given, Mapping) else {}
        return _unknown(loc[0], kind.model_fields, section, lines, inside)
    what = _("{key} is not a key of {label}.", key=loc[-1], label=title(path))
    fix = _("Remove {key}.", key=loc[-1])
    line = lines.get(".".join([section, *loc])) or lines.get(path)
    return Finding("unknown-key", "error", (path,), what, fix=fix, line=line)


def _cure(
    section: str, loc: list[str], where: list[str], given: object, value: object
) -> dict[str, object]:
    """The value that an error knows to be right, as a cure: of an item, its whole list. What is no
    section at all is left out."""
    if value is None:
        return {} if where else {section: None}
    name, *item = where
    if item and isinstance(given, Mapping):
        items, number = [*given[name]], int(item[0])
        part = loc[2] if len(loc) > 2 else ""  # of an item that has parts
        items[number] = {**items[number], part: value} if part else value
        value = items
    return {f"{section}.{name}": value}


def _of_whole_lists(findings: Iterator[Finding]) -> list[Finding]:
    """The findings, where cures of items of one list each cure all of them: a list is replaced as a
    whole, so that one would undo the other."""
    told = [*findings]
    whole: dict[str, list[object]] = {}
    for finding in told:
        place, _, number = finding.fields[0].rpartition(".")
        given = finding.cure.get(place)
        if number.isdigit() and isinstance(given, list):
            whole.setdefault(place, [*given])[int(number)] = given[int(number)]
    cures = ({p: whole.get(p, value) for p, value in finding.cure.items()} for finding in told)
    return [replace(finding, cure=cure) for finding, cure in zip(told, cures, strict=True)]


def _place(kind: type[BaseModel], loc: list[str]) -> list[str]:
    """The part of pydantic's location that is a path in the file, without its type tags."""
    if loc and loc[0] not in kind.model_fields:
        return loc[:1]
    return loc[:1] + [part for part in loc[1:2] if part.isdigit()]


def _unknown(
    key: str,
    known: Mapping[str, FieldInfo],
    section: str,
    lines: Mapping[str, int],
    given: Mapping[str, object],
) -> Finding:
    """The finding about a key that no recipe has: renamed where another is meant, else removed."""
    name = CONTROL.sub("\ufffd", key)
    path = f"{section}.{name}" if section else name
    cure: dict[str, object] = {path: None}
    near = get_close_matches(key, known, 1)
    if path in NOW:
        fix = _("Since version 2 it is {now}.", now=NOW[path])
    elif near and _has_room(known[near[0]], given.get(near[0]), given.get(key)):
        cure |= _under(f"{section}.{near[0]}" if section else near[0], given.get(key))
        fix = _("Did you mean {meant}?", meant=near[0])
    elif near:
        fix = _("Did you mean {meant}, which is given too? Remove {key}.", meant=near[0], key=name)
    else:
        fix = _("Remove it. The keys here are: {keys}.", keys=_(", ").join(sorted(known)))
    line = lines.get(f"{section}.{key}" if section else key)
    what = _("{key} is not a key of a recipe.", key=path)
    return Finding("unknown-key", "error", (path,), what, fix=fix, line=line, cure=cure)


def _has_room(field: FieldInfo, value: object, other: object) -> bool:
    """Whether nothing is lost if another value takes the place of the one of a field; of a section,
    if its values do."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, Section) and isinstance(other, Mapping):
        inside = value if isinstance(value, Mapping) else {}
        fields = ((kind.model_fields.get(key), key) for key in other)
        return all(f is None or _has_room(f, inside.get(key), other[key]) for f, key in fields)
    if value is None or field.is_required():
        return value is None
    return bool(to_jsonable_python(field.get_default(call_default_factory=True)) == value)


def _under(path: str, value: object) -> dict[str, object]:
    """The answers that put a value at a path: of a section, one for each of its fields."""
    if path in SECTIONS and isinstance(value, Mapping):
        return {f"{path}.{key}": inner for key, inner in value.items()}
    return {path: value}
