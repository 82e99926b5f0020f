"""The cells that run on Databricks, verbatim: Python files in Databricks' source format.

Values that differ between runs come first, as one cell that sets `parameters`.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from amlwizard.language import _
from amlwizard.recipe import RecipeFile, is_sent
from amlwizard.user_notebook import UserNotebook

PART = 250_000  # bytes of a file in one cell
SEPARATOR = "# COMMAND ----------"
HEADER = "# Databricks notebook source"


def source(name: str) -> str:
    """The text of a notebook: ``open_run``, ``finish_run``, ``register``, ``score``, ``probe``,
    ``upload``, ``workspace`` or ``sign_in/...``."""
    return (files(__name__) / f"{name}.py").read_text(encoding="utf-8")


def closing(status: str) -> str:
    """The cell that ends the MLflow run which an unfinished notebook has left open, with a status
    of MLflow: ``FAILED`` or ``KILLED``."""
    return source("close_run").removeprefix(HEADER).strip().replace("STATUS", repr(status))


def cells(name: str, parameters: Mapping[str, Any], *, after: Sequence[str] = ()) -> list[str]:
    """One cell with the parameters, then the cells of the notebooks in `after` and of `name`."""
    named = (cell for notebook in (*after, name) for cell in cells_of(notebook))
    return [parameters_cell(parameters), *named]


def parameters_cell(parameters: Mapping[str, Any]) -> str:
    """The cell that sets `parameters`."""
    return f"# Parameters\nimport json\n\nparameters = json.loads({json.dumps(parameters)!r})"


def cells_of(name: str) -> list[str]:
    """The cells of a notebook, without parameters."""
    parts = source(name).removeprefix(HEADER).split(SEPARATOR)
    return [part.strip() for part in parts if part.strip()]


def user_cells(notebook: UserNotebook) -> list[str]:
    """The cells of a user's notebook, to run after those of ``open_run``."""
    return [
        f"# {cell.title}\nrun_cell({cell.number}, {cell.line}, {cell.source!r})"
        for cell in notebook.cells
    ]


def data_cells(data: RecipeFile) -> Iterator[str]:
    """The cells that hand on the data of a notebook: a file in parts, or the place where it is."""
    if not is_sent(data):
        yield f"# Look for the data\nlook_for({str(data)!r})"
        return
    content = data.path.read_bytes()
    parts = range(0, len(content) or 1, PART)
    for number, start in enumerate(parts, 1):
        part = base64.b64encode(zlib.compress(content[start : start + PART])).decode()
        name = data.path.name
        title = _(
            "Receive {name}, part {number} of {all}", name=name, number=number, all=len(parts)
        )
        yield f"# {title}\nreceive({name!r}, {part!r})"
