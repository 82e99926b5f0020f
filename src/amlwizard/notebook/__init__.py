"""The cells that run on Databricks, verbatim: Python files in Databricks' source format.

Values that differ between runs come first, as one cell that sets `parameters`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

SEPARATOR = "# COMMAND ----------"
HEADER = "# Databricks notebook source"


def source(name: str) -> str:
    """The text of a notebook: ``train``, ``register``, ``score``, ``probe``, ``upload``, ``workspace`` or ``sign_in/...``."""
    return (files(__name__) / f"{name}.py").read_text(encoding="utf-8")


def closing(status: str) -> str:
    """The cell that ends the MLflow run which an unfinished notebook has left open, with a status
    of MLflow: ``FAILED`` or ``KILLED``."""
    return source("close_run").removeprefix(HEADER).strip().replace("STATUS", repr(status))


def cells(name: str, parameters: Mapping[str, Any], *, after: Sequence[str] = ()) -> list[str]:
    """One cell with the parameters, then the cells of the notebooks in `after` and of `name`."""
    texts = [source(n).removeprefix(HEADER) for n in (*after, name)]
    body = SEPARATOR.join(texts)
    given = f"# Parameters\nimport json\n\nparameters = json.loads({json.dumps(parameters)!r})"
    return [given, *(cell.strip() for cell in body.split(SEPARATOR) if cell.strip())]
