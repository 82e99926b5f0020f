"""Words pydantic's errors for users: its own messages are for programmers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from pydantic_core import ErrorDetails

from amlwizard.language import _, one_of

LONGEST = 60
PLAIN = {True: "true", False: "false", None: "null"}
TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "bool_type": _("{label} must be true or false, not {given}."),
        "int_type": _("{label} must be a whole number, not {given}."),
        "int_from_float": _("{label} must be a whole number, not {given}."),
        "int_parsing_size": _("{label} is too large a number."),
        "float_type": _("{label} must be a number, not {given}."),
        "float_parsing": _("{label} must be a number, not {given}."),
        "finite_number": _("{label} must be a finite number, not {given}."),
        "string_type": _("{label} must be text, not {given}."),
        "string_too_short": _("{label} must not be empty."),
        "string_too_long": _(
            "{label} may have {max_length} characters at most; this has {length}."
        ),
        "string_pattern_mismatch": _("{label} cannot have an entry called {given}."),
        "list_type": _("{label} must be a list, not {given}."),
        "dict_type": _("{label} must be a mapping of names to values, not {given}."),
        "model_type": _("{label} must be a section with keys and values, not {given}."),
        "literal_error": _("{label} must be {expected}, not {given}."),
        "greater_than": _("{label} must be more than {gt:,.10g}, not {given}."),
        "greater_than_equal": _("{label} must be at least {ge:,.10g}, not {given}."),
        "less_than": _("{label} must be less than {lt:,.10g}, not {given}."),
        "less_than_equal": _("{label} may be {le:,.10g} at most, not {given}."),
        "too_long": _("{label} may have {max_length:,} entries at most; it has {actual_length:,}."),
        "too_short": _("{label} needs at least {min_length:,} entries; it has {actual_length:,}."),
    }
)
"""A sentence for each of pydantic's types of error that a recipe can have."""
EMPTY = _("{label} must not be empty.")
OTHERWISE = _("{label} cannot be {given}.")


def sentence(problem: ErrorDetails, label: str) -> str:
    """A sentence about one of ``ValidationError.errors()``, of the field called `label`."""
    given, kind = problem["input"], problem["type"]
    if "_" not in kind:  # one of our own, which says it itself
        return problem["msg"]
    sentence = SENTENCES.get(kind, OTHERWISE)
    if given is None:
        sentence = EMPTY
    facts = {key: value for key, value in problem.get("ctx", {}).items() if key != "error"}
    length = len(given) if isinstance(given, str) else 0
    if kind == "literal_error":
        facts["expected"] = one_of(_choices(problem))
    return sentence.format(label=label, given=shown(given), length=f"{length:,}", **facts)


def meant(problem: ErrorDetails) -> object:
    """The value that was most likely meant by one of another type; None if there is none."""
    given, kind = problem["input"], problem["type"]
    if not isinstance(given, str):
        return None
    if kind == "bool_type":
        return TRUTHS.get(given.strip().lower())
    if kind in ("int_type", "float_type", "float_parsing"):
        return _number(given, whole=kind == "int_type")
    if kind == "literal_error":
        near = get_close_matches(given.strip().lower().replace(" ", "-"), _choices(problem), 1)
        return near[0] if near else None
    return None


def _choices(problem: ErrorDetails) -> list[str]:
    """The values of a Literal, which pydantic names as ``'a', 'b' or 'c'``."""
    return re.findall("'([^']*)'", problem["ctx"]["expected"])


def shown(value: object) -> str:
    """A value as it stands in a recipe, no longer than a line."""
    text = PLAIN[value] if value is None or isinstance(value, bool) else repr(value)
    return cut(text)


def cut(text: str) -> str:
    """A text no longer than a line."""
    if len(text) <= LONGEST:
        return text
    end = text[-1] if text[-1] in "'\"" else ""
    return text[: LONGEST - 3] + "..." + end


def _number(text: str, whole: bool) -> int | float | None:
    for kind in (int,) if whole else (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if number == number and abs(number) != float("inf") else None
    return None
