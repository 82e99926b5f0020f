"""Options of Azure CLI commands, computed from the ARM body that they stand for."""

from __future__ import annotations

from collections.abc import Mapping

from amlwizard.json_path import value_at
from amlwizard.json_types import Document


def options(body: Document, paths: Mapping[str, str]) -> str:
    """The options of a command: `paths` maps each to a dotted path into `body`. An option whose
    value is not in the body is left out, so the command says what the body says."""
    given = ((option, value_at(body, path)) for option, path in paths.items())
    return " ".join(f"{option} {_text(value)}" for option, value in given if value is not None)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
