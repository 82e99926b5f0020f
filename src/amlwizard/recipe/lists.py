"""Lists as people write and paste them: in lines, with commas or spaces between, as JSON or YAML, or
as a column of a spreadsheet. One parser for forms, prompts, ``--set`` and files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import IPv4Network
from typing import Literal, get_args, get_origin

from amlwizard.recipe.sections import Recipe, ReservedSubnet, Section

Items = Literal["range", "subnet", "package"]
PARTS = tuple(ReservedSubnet.model_fields)
COMMAS = ",;\u3001\uff0c\uff1b"  # those of Japanese, too
_QUOTES = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e"
_BETWEEN = re.compile(rf"[\s{COMMAS}|{_QUOTES}\[\](){{}}<>]+")
_COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
_KEY = re.compile(rf"^[ \t]*[{_QUOTES}]?[A-Za-z_][\w.-]*[{_QUOTES}]?:(?=\s|\[|$)", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*\u2022](?=\s|$)", re.MULTILINE)
_AROUND = re.compile(r"[ \t]*([/\\]|(?<=[\d ])[-\u2013](?=[ \t]*\d))[ \t]*")
_MASKED = re.compile(r"(\d+(?:\.\d+){3})[ \t]+((?:255|254|252|248|240|224|192|128)(?:\.\d+){3})\b")
_PART = re.compile(rf"[{_QUOTES}]?\b({'|'.join(PARTS)})\b[{_QUOTES}]?\s*[:=]")
_PACKAGE = re.compile(
    rf"[\w.-]+[ \t]*(?:\[[^\]\n]*\])?(?:[ \t]*[=<>!~]=[ \t]*[^\s{COMMAS}\[\](){{}}{_QUOTES}]+)"
    rf"|[^\s{COMMAS}\[\](){{}}{_QUOTES}]+"
)


@cache
def items_at(path: str) -> Items | None:
    """What the list at a recipe path holds; None where there is no list."""
    section, _, name = path.partition(".")
    kind = Recipe.model_fields[section].annotation if section in Recipe.model_fields else None
    fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, Section) else {}
    annotation = fields[name].annotation if name in fields else None
    if get_origin(annotation) is not list:
        return None
    item = get_args(annotation)[0]
    if item is ReservedSubnet:
        return "subnet"
    return "range" if IPv4Network in (item, *get_args(item)) else "package"


def read_list(path: str, text: str) -> list[str | dict[str, str]]:
    """The items that a text lists for the field at a recipe path, right or not: texts, or mappings of
    the parts of a subnet. Comments (``# hub``), bullets and keys around them are no items."""
    text = _COMMENT.sub("", text)
    if items_at(path) == "subnet":
        return list(_subnets(_words(_BULLET.sub(" ", text))))
    if items_at(path) == "package":
        found = _PACKAGE.findall(_BULLET.sub(" ", _KEY.sub(" ", text.replace("|", " "))))
        return [re.sub(r"\s", "", item) for item in found]
    return [*_ranges(_KEY.sub(" ", text))]


def looks_right(path: str, item: str | dict[str, str]) -> bool:
    """Whether an item is meant to be one of the field's, though it may have a typing error: a range
    has a number in it."""
    if items_at(path) == "range":
        return isinstance(item, str) and re.search(r"\d+[./:]|::", item) is not None
    return isinstance(item, str) or PARTS[1] in item


def _ranges(text: str) -> Iterator[str]:
    masked = _MASKED.sub("\\1\u00a0\\2", _AROUND.sub(r"\1", _BULLET.sub(" ", text)))
    for word in _BETWEEN.split(masked.replace("\u00a0", "\0")):
        if word:
            yield word.replace("\0", " ")


def _words(text: str) -> list[str]:
    text = re.sub(r"[=:](?!:)", " ", _PART.sub(" ", _AROUND.sub(r"\1", text)))
    return [word for word in _BETWEEN.split(text) if word]


def _subnets(words: Sequence[str]) -> Iterator[dict[str, str]]:
    """A name and a range each, as far as both are there."""
    name, range_ = PARTS
    held: dict[str, str] = {}
    for word in words[2:] if tuple(words[:2]) == PARTS else words:  # the head of a table
        part = range_ if re.match(r"\d+\.", word) else name
        if part in held or len(held) == len(PARTS):
            yield held
            held = {}
        held[part] = word
        if part == range_ and name in held:
            yield held
            held = {}
    if held:
        yield held
