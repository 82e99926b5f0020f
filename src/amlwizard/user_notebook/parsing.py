"""A user's training notebook: its cells, its parameters, and what can be seen in its code before
anything runs.

Two forms are read: Python in Databricks' source format (cells apart by ``# COMMAND ----------``), of
which a plain Python file is one cell, and Jupyter's ``.ipynb``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Literal, TypeGuard

from amlwizard.json_types import JsonValue, parsed
from amlwizard.language import _

LARGEST = 2_000_000  # bytes
HEADERS = ("# Databricks notebook source", "# DBTITLE")
SEPARATOR = re.compile(r"^# COMMAND -+[ \t]*$", re.MULTILINE)
MAGIC, TITLE = "# MAGIC", re.compile(r"# DBTITLE \d+,(.*)")
LINE_MAGIC = re.compile(r"^[ \t]*[%!]", re.MULTILINE)
WITHOUT_EFFECT = re.compile(r"^%(matplotlib|load_ext|autoreload|config)\b.*$", re.MULTILINE)
WIDGETS = ("text", "dropdown", "combobox", "multiselect")
LOGS_METRICS = ("log_metric", "log_metrics")
LOGS_BY_ITSELF = ("autolog", "evaluate", "log_batch", "MlflowCallback", "MLFlowLogger")
LOGS_A_MODEL = ("log_model", "autolog", "log_artifacts", "log_artifact")
TRACKING = "MLFLOW_TRACKING_URI"

Kind = Literal["form", "syntax", "magic", "install", "no-model", "tracking", "imports-amlwizard"]


@dataclass(frozen=True)
class NotebookProblem:
    """Something that is wrong with a notebook: `what` names the cell, `line` is that of the file (of
    an .ipynb, that of the cell)."""

    kind: Kind
    what: str
    fix: str = ""
    line: int | None = None
    fatal: bool = True


@dataclass(frozen=True)
class NotebookCell:
    """A cell of Python, numbered from 1; `line` is where its source begins in the file."""

    number: int
    title: str
    source: str
    line: int = 1

    @cached_property
    def tree(self) -> ast.Module:
        """Raises SyntaxError, with a line of the cell."""
        return ast.parse(self.source)


@dataclass(frozen=True)
class UserNotebook:
    """`parameters` are those that the notebook reads, with their defaults as text; None where it has
    no default."""

    name: str
    cells: tuple[NotebookCell, ...] = ()
    parameters: Mapping[str, str | None] = field(default_factory=dict)
    problems: tuple[NotebookProblem, ...] = ()

    def nodes(self) -> Iterator[tuple[NotebookCell, ast.AST]]:
        """The syntax trees of the cells that have one, node by node."""
        return ((cell, node) for cell in self.cells for node in _walk(cell))

    def calls(self, *names: str) -> Iterator[tuple[NotebookCell, ast.Call]]:
        """The calls of functions or methods with one of these names."""
        return ((cell, call) for name, cell, call in self._calls if name in names)

    @cached_property
    def _calls(self) -> tuple[tuple[str, NotebookCell, ast.Call], ...]:
        """Every call, with the name of what is called: rules ask again for every change of a recipe."""
        return tuple(
            (_called(node).rpartition(".")[2], cell, node)
            for cell, node in self.nodes()
            if isinstance(node, ast.Call)
        )

    @cached_property
    def metrics(self) -> frozenset[str]:
        """The names of metrics that are written in the calls that log them."""
        named = (_metric_names(call) for __, call in self.calls(*LOGS_METRICS))
        return frozenset(str(one.value) for names in named for one in names if _is_written(one))

    def may_log(self, metric: str) -> bool:
        """Whether a metric could be logged under this name: it stands somewhere in the code, or the
        code puts names together, or leaves them to a library."""
        named = [one for __, call in self.calls(*LOGS_METRICS) for one in _metric_names(call)]
        if any(not isinstance(one, ast.Constant | ast.Name) for one in named):
            return True
        word = re.compile(rf"(?<!\w){re.escape(metric)}(?!\w)")
        mentioned = any(word.search(cell.source) for cell in self.cells)
        return mentioned or next(self.calls(*LOGS_BY_ITSELF), None) is not None


def parse(name: str, content: bytes) -> UserNotebook:
    """Read a notebook. Whatever is wrong with it is among its problems."""
    try:
        cells, problems = _cells(name, content)
    except ValueError as error:
        return UserNotebook(name, (), {}, (NotebookProblem("form", str(error), line=None),))
    found = [*problems]
    for cell in cells:
        found += _syntax(name, cell)
    whole = UserNotebook(name, tuple(cells), _parameters(cells))
    if not found:
        found += [*_elsewhere(whole), *_imports(whole), *_models(whole)]
    return UserNotebook(name, whole.cells, whole.parameters, tuple(found))


# -- from a file to its cells


def _cells(name: str, content: bytes) -> tuple[list[NotebookCell], list[NotebookProblem]]:
    """Raises ValueError with a sentence for users if a file is no notebook."""
    if len(content) > LARGEST:
        raise ValueError(
            _(
                "{name} has more than {most:,} bytes: clear the output of its cells.",
                name=name,
                most=LARGEST,
            )
        )
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ValueError(_("{name} is not UTF-8 text.", name=name)) from None
    if PurePath(name).suffix.lower() == ".ipynb":
        parts = _of_jupyter(name, text)
    elif PurePath(name).suffix.lower() == ".py":
        parts = _of_source(text)
    else:
        raise ValueError(_("{name} is neither a .py nor an .ipynb file.", name=name))
    cells: list[NotebookCell] = []
    problems: list[NotebookProblem] = []
    heading = ""
    for given, source, line in parts:
        title = given or heading
        heading = ""
        source = WITHOUT_EFFECT.sub("", source)
        if source.lstrip().startswith("%"):
            heading, wrong = _of_magic(name, source, line)
            problems += wrong
        elif source.strip():
            cells.append(NotebookCell(len(cells) + 1, title or _title(source), source, line))
    if not cells and not problems:
        raise ValueError(_("{name} has no cells of Python.", name=name))
    return cells, problems


def _of_source(text: str) -> Iterator[tuple[str, str, int]]:
    """The title, source and first line of each cell in Databricks' source format; magics without
    their comment."""
    start = 0
    for end in [*(m.span() for m in SEPARATOR.finditer(text)), (len(text), len(text))]:
        lines = text[start : end[0]].split("\n")
        line, title = text.count("\n", 0, start) + 1, ""
        while lines and (not lines[0].strip() or lines[0].startswith(HEADERS)):
            named = TITLE.match(lines.pop(0))
            title = named[1].strip() if named else title
            line += 1
        if any(part.startswith(MAGIC) for part in lines):
            lines = [part.removeprefix(MAGIC).removeprefix(" ") for part in lines]
        yield title, "\n".join(lines).rstrip(), line
        start = end[1]


def _of_jupyter(name: str, text: str) -> Iterator[tuple[str, str, int]]:
    try:
        body = parsed(text)
        cells: Sequence[Mapping[str, JsonValue]] = body["cells"]
        language = (body.get("metadata") or {}).get("language_info", {}).get("name", "python")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            _("{name} is not a Jupyter notebook: it is damaged, or has another format.", name=name)
        ) from None
    if language != "python":
        raise ValueError(
            _("{name} is written in {language}, not in Python.", name=name, language=language)
        )
    for cell in cells:
        source = cell.get("source", "") if isinstance(cell, Mapping) else ""
        written = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if isinstance(cell, Mapping) and cell.get("cell_type") == "code":
            yield "", written, 1
        else:
            yield "", f"%md\n{written}", 1


def _title(source: str) -> str:
    """The comment that a cell begins with, or its first line."""
    first = next(line for line in source.splitlines() if line.strip())
    return first.strip().lstrip("#").strip()[:80]


def _of_magic(name: str, source: str, line: int) -> tuple[str, list[NotebookProblem]]:
    """The heading of a cell of Markdown, or what is wrong with a cell of another magic."""
    magic, __, rest = source.lstrip().partition("\n")
    word = magic.split()[0]
    if word == "%md":
        text = f"{magic.removeprefix('%md')}\n{rest}"
        return next((t.lstrip("# ") for t in text.splitlines() if t.strip()), "")[:80], []
    return "", [_magic(name, magic.strip(), line)]


def _magic(name: str, magic: str, line: int) -> NotebookProblem:
    installs = re.match(r"[%!]\s*(?:pip3?|conda)\s+install\s+(.*)", magic)
    if installs:
        return NotebookProblem(
            "install",
            _(
                "{name}, line {line}, installs packages: {code}.",
                name=name,
                line=line,
                code=magic[:80],
            ),
            _("Name them, pinned, as requirements: they are installed before it runs."),
            line,
        )
    return NotebookProblem(
        "magic",
        _(
            "{name}, line {line}, is not valid Python: {code}.",
            name=name,
            line=line,
            code=magic[:80],
        ),
        _("Only cells of Python run on the cluster; for SQL there is spark.sql(...)."),
        line,
    )


# -- what can be seen in the code


def _walk(cell: NotebookCell) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(cell.tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


def _called(node: ast.Call) -> str:
    try:
        return ast.unparse(node.func)
    except (ValueError, RecursionError):
        return ""


def _syntax(name: str, cell: NotebookCell) -> Iterator[NotebookProblem]:
    try:
        cell.tree  # noqa: B018 - it is parsed when it is asked for
    except SyntaxError as error:
        at = cell.line + (error.lineno or 1) - 1
        text = (error.text or "").strip()
        if LINE_MAGIC.match(text):
            yield _magic(name, text, at)
            return
        what = _(
            "{name}, cell {cell}, line {line}: {error}: {code}.",
            name=name,
            cell=cell.number,
            line=at,
            error=error.msg,
            code=text[:80],
        )
        yield NotebookProblem("syntax", what, _("Correct that line; nothing was begun."), at)
    except (ValueError, RecursionError, MemoryError) as error:
        what = _(
            "{name}, cell {cell}, is not valid Python: {error}.",
            name=name,
            cell=cell.number,
            error=error,
        )
        yield NotebookProblem("syntax", what, _("Correct that cell; nothing was begun."), cell.line)


def _parameters(cells: Sequence[NotebookCell]) -> dict[str, str | None]:
    """Widgets that the notebook makes, with their defaults; then those and the `parameters` that it
    only reads."""
    found: dict[str, str | None] = {}
    read: dict[str, None] = {}
    for cell in cells:
        for node in _walk(cell):
            if isinstance(node, ast.Call):
                called, given = _called(node), [_constant(argument) for argument in node.args]
                if called in [f"dbutils.widgets.{kind}" for kind in WIDGETS] and given:
                    default = given[1] if len(given) > 1 else _keyword(node, "defaultValue")
                    if isinstance(given[0], str):
                        found[given[0]] = None if default is None else str(default)
                elif called in ("dbutils.widgets.get", "parameters.get", "getArgument") and given:
                    read[str(given[0])] = None
            elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                key = _constant(node.slice)
                if node.value.id == "parameters" and isinstance(key, str):
                    read[key] = None
    return {**found, **{name: None for name in read if name not in found}}


def _constant(node: ast.AST) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _keyword(call: ast.Call, name: str) -> object:
    return next((_constant(k.value) for k in call.keywords if k.arg == name), None)


def _metric_names(call: ast.Call) -> list[ast.expr]:
    """What gives the names of the metrics in a call that logs some: a name's expression, or that of a
    whole dictionary."""
    keywords = [k.value for k in call.keywords if k.arg in ("key", "metrics", None)]
    first = [*call.args[:1], *keywords][:1]
    return [
        name or one.values[place]  # of another dictionary that is unpacked
        for one in first if isinstance(one, ast.Dict) for place, name in enumerate(one.keys)
    ] or first  # fmt: skip


def _is_written(name: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(name, ast.Constant) and isinstance(name.value, str)


def _at(cell: NotebookCell, node: ast.AST) -> int:
    return cell.line + int(getattr(node, "lineno", 1)) - 1


def _elsewhere(notebook: UserNotebook) -> Iterator[NotebookProblem]:
    """Tracking into another place than the workspace."""
    fix = _("Leave it out: MLflow is signed in to the workspace already, and a run is open.")
    for cell, call in notebook.calls("set_tracking_uri"):
        what = _(
            "{name}, cell {cell}, line {line}, sets another tracking server.",
            name=notebook.name,
            cell=cell.number,
            line=_at(cell, call),
        )
        yield NotebookProblem("tracking", what, fix, _at(cell, call))
    for cell in notebook.cells:
        for node in _walk(cell):
            if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)):
                continue
            if _constant(node.slice) == TRACKING:
                what = _(
                    "{name}, cell {cell}, line {line}, sets {variable}.",
                    name=notebook.name,
                    cell=cell.number,
                    line=_at(cell, node),
                    variable=TRACKING,
                )
                yield NotebookProblem("tracking", what, fix, _at(cell, node))


def _imports(notebook: UserNotebook) -> Iterator[NotebookProblem]:
    for cell in notebook.cells:
        for node in _walk(cell):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] == "amlwizard" for name in names):
                at = _at(cell, node)
                what = _(
                    "{name}, cell {cell}, line {line}, imports amlwizard.",
                    name=notebook.name,
                    cell=cell.number,
                    line=at,
                )
                yield NotebookProblem("imports-amlwizard", what, _("It is not on the cluster."), at)


def _models(notebook: UserNotebook) -> Iterator[NotebookProblem]:
    if next(notebook.calls(*LOGS_A_MODEL), None) is None:
        yield NotebookProblem(
            "no-model",
            _("{name} logs no model, as far as can be seen.", name=notebook.name),
            _("Call mlflow.<flavor>.log_model(model, 'model'), or mlflow.autolog()."),
            fatal=False,
        )
