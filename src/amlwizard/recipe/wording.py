"""What pydantic finds wrong with a value, said to a person: what was given, and what it must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic_core import ErrorDetails

LONGEST = 60
PLAIN = {True: "true", False: "false", None: "null"}

MUST_BE: Mapping[str, Callable[[object, Mapping[str, object]], str]] = {
    "bool_type": lambda given, ctx: "true or false",
    "int_type": lambda given, ctx: f"a whole number{_bare(given)}",
    "int_from_float": lambda given, ctx: "a whole number",
    "float_type": lambda given, ctx: f"a number{_bare(given)}",
    "float_parsing": lambda given, ctx: f"a number{_bare(given)}",
    "string_type": lambda given, ctx: f"text{_quoted(given)}",
    "list_type": lambda given, ctx: "a list, such as [a, b]",
    "dict_type": lambda given, ctx: "a mapping of keys to values",
    "model_type": lambda given, ctx: "a section: a mapping of keys to values",
    "literal_error": lambda given, ctx: str(ctx["expected"]).replace("'", ""),
    "greater_than": lambda given, ctx: f"more than {ctx['gt']:,.10g}",
    "greater_than_equal": lambda given, ctx: f"{ctx['ge']:,.10g} or more",
    "less_than": lambda given, ctx: f"less than {ctx['lt']:,.10g}",
    "less_than_equal": lambda given, ctx: f"{ctx['le']:,.10g} or less",
    "too_long": lambda given, ctx: f"a list of {ctx['max_length']:,} or fewer",
    "too_short": lambda given, ctx: f"a list of {ctx['min_length']:,} or more",
}
"""What a value must be, by pydantic's type of error; of its input and its context."""


def said(problem: ErrorDetails) -> str:
    """A sentence about one of ``ValidationError.errors()``."""
    given, kind = shown(problem["input"]), problem["type"]
    if kind in MUST_BE:
        return f"{given} must be {MUST_BE[kind](problem['input'], problem.get('ctx', {}))}."
    text = problem["msg"]
    return f"{text if given in text else f'{given}: {text}'}.".replace("..", ".")


def shown(value: object) -> str:
    """A value as it stands in a recipe, no longer than a line."""
    text = PLAIN[value] if value is None or isinstance(value, bool) else repr(value)
    return cut(text)


def cut(text: str) -> str:
    """A text no longer than a line."""
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _bare(given: object) -> str:
    """A hint for a number in quotes."""
    try:
        return ", without quotes" if isinstance(given, str) and float(given) == float(given) else ""
    except ValueError:
        return ""


def _quoted(given: object) -> str:
    """A hint for text that YAML takes for something else."""
    return f': write "{given}"' if type(given) in (int, float) else ""
