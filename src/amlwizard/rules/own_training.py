"""Rules about a notebook of one's own: what can be seen in its file before anything runs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from math import isfinite

from amlwizard import user_notebook
from amlwizard.errors import Finding, Severity
from amlwizard.language import listed
from amlwizard.recipe import Expect, Training, is_sent
from amlwizard.rules.base import Rule, rule, use
from amlwizard.user_notebook import UserNotebook

NOTEBOOK, PARAMETERS, DATA = "training.notebook", "training.parameters", "training.data"
REQUIREMENTS, METRICS = "training.requirements", "expect.metrics"
LARGEST_DATA = 20_000_000  # bytes
DATABRICKS = "Azure Databricks, notebooks: source format, widgets"
SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|api_?key|access_?key|account_?key|connection_?string|\bsas\b",
    re.IGNORECASE,
)
PINNED = ("mlflow", "mlflow-skinny", "azureml-mlflow", "scikit-learn")


def _is_share(value: float) -> bool:
    return 0 < value < 1


EXAMPLE: dict[str, tuple[str, Callable[[float], bool]]] = {
    "alpha": ("a number from 0", lambda value: value >= 0),
    "test_size": ("a number between 0 and 1", _is_share),
    "random_state": ("a whole number from 0", lambda value: value >= 0 and value == int(value)),
}
"""What the parameters of the example may be."""


def notebook_of(training: Training) -> UserNotebook | None:
    """The notebook; None if its file cannot be read."""
    try:
        return user_notebook.read(training.notebook.path if training.notebook else None)
    except OSError:
        return None


@rule(
    "NB-1",
    "The notebook is a file of Python or of Jupyter, whose cells are Python.",
    "training",
    about=(NOTEBOOK,),
    source=DATABRICKS,
)
def is_readable(rule: Rule, training: Training) -> Iterator[Finding]:
    if training.notebook is None:
        return
    notebook = notebook_of(training)
    if notebook is None:
        where = training.notebook.folder.resolve()
        fix = f"Put it into {where}, or name it from there."
        yield rule.finding(NOTEBOOK, f"{training.notebook} cannot be read.", fix)
        return
    for problem in notebook.problems:
        severity: Severity = "error" if problem.fatal else "warning"
        yield rule.finding(NOTEBOOK, problem.what, problem.fix, severity=severity)


@rule(
    "NB-2",
    "A parameter reaches the notebook under its name, as a widget and in the dictionary parameters.",
    "training",
    source=DATABRICKS,
    about=(PARAMETERS, NOTEBOOK),
)
def parameters_are_known(rule: Rule, training: Training) -> Iterator[Finding]:
    notebook = notebook_of(training)
    if notebook is None or not notebook.cells:
        return
    named, given = notebook.parameters, training.parameters
    for name in given:
        if name not in named:
            near = difflib.get_close_matches(name, named, 1)
            cure = _renamed(training, name, near[0]) if near and near[0] not in given else {}
            fix = (
                f"Did you mean {near[0]}?"
                if near
                else f"It reads {listed([*named], 10) or 'none'}."
            )
            what = f"{notebook.name} does not read the parameter {name}, as far as can be seen."
            severity: Severity = "error" if near else "warning"
            yield rule.finding(
                f"{PARAMETERS}.{name}", what, f"{fix} {use(cure)}".strip(), cure, severity
            )
    missing = [
        name
        for name, default in named.items()
        if default is None and name not in given and not (name == "data" and training.data)
    ]
    for name in missing:
        what = f"{notebook.name} reads the parameter {name}, which has no default."
        field = DATA if name == "data" else f"{PARAMETERS}.{name}"
        yield rule.finding(field, what, f"Give it in {field}.", severity="warning")


def _renamed(training: Training, old: str, new: str) -> dict[str, object]:
    given = training.parameters.items()
    return {PARAMETERS: {new if name == old else name: value for name, value in given}}


@rule(
    "EX-2",
    "A replay fails if the training does not log a metric that is expected, which is seen after it.",
    "training",
    "expect",
    source="the recipe itself",
    about=(METRICS, NOTEBOOK),
    severity="warning",
)
def expected_metrics(rule: Rule, training: Training, expect: Expect) -> Iterator[Finding]:
    notebook = notebook_of(training)
    if notebook is None or not notebook.cells or any(p.fatal for p in notebook.problems):
        return
    missing = [name for name in expect.metrics if not notebook.may_log(name)]
    if missing:
        what = f"{notebook.name} does not log {listed(missing)}, as far as can be seen."
        logged = f"It logs {listed(sorted(notebook.metrics), 10)}." if notebook.metrics else ""
        kept = expect.model_dump(mode="json", exclude_none=True, include={"metrics"})["metrics"]
        cure = {METRICS: {name: kept[name] for name in kept if name not in missing} or None}
        fields = tuple(f"{METRICS}.{name}" for name in missing)
        yield rule.finding(fields, what, f"{logged} {use(cure)}".strip(), cure)


def _without(training: Training, name: str) -> dict[str, object]:
    return {PARAMETERS: {n: value for n, value in training.parameters.items() if n != name}}


@rule(
    "NB-3",
    "Parameters are shown and logged: a secret belongs in a Databricks secret scope.",
    "training",
    about=(PARAMETERS,),
    source="Azure Databricks, secret management",
)
def parameters_are_no_secrets(rule: Rule, training: Training) -> Iterator[Finding]:
    for name, value in training.parameters.items():
        if isinstance(value, str) and value and SECRET.search(name):
            what = f"The parameter {name} holds a secret by its name."
            cure = _without(training, name)
            fix = f"Read it in the notebook, by dbutils.secrets.get(scope, key). {use(cure)}"
            yield rule.finding(f"{PARAMETERS}.{name}", what, fix, cure)


@rule(
    "NB-4",
    "The example takes alpha, test_size and random_state.",
    "training",
    about=(PARAMETERS,),
    source="scikit-learn, Ridge and train_test_split",
)
def parameters_of_the_example(rule: Rule, training: Training) -> Iterator[Finding]:
    if training.notebook is not None:
        return
    for name, (wanted, right) in EXAMPLE.items():
        value = training.parameters.get(name, 0.5 if name == "test_size" else 0)
        number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not number or not right(float(value)):
            cure = _without(training, name)
            fix = f"Give {wanted}. {use(cure)}"
            yield rule.finding(f"{PARAMETERS}.{name}", f"{name} is {value!r}.", fix, cure)


@rule(
    "NB-5",
    "A requirement is given once, and not one of those with a field of its own.",
    "training",
    about=(REQUIREMENTS,),
    source="pip, requirements",
)
def requirements(rule: Rule, training: Training) -> Iterator[Finding]:
    names = [_name(line) for line in training.requirements]
    for name in dict.fromkeys(names):
        if name in PINNED:
            field = name.replace("-", "_") if name != "mlflow-skinny" else "mlflow"
            cure = {REQUIREMENTS: [line for line in training.requirements if _name(line) != name]}
            fix = f"Set training.{field} instead. {use(cure)}"
            yield rule.finding(REQUIREMENTS, f"{name} has a field of its own.", fix, cure)
        elif names.count(name) > 1:
            last = {_name(line): line for line in training.requirements}
            cure = {REQUIREMENTS: [*last.values()]}
            yield rule.finding(REQUIREMENTS, f"{name} is required twice.", use(cure), cure)


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement)[0]).lower()


@rule(
    "NB-6",
    "Data is a table, a path that the cluster can read, or a file that is sent along.",
    "training",
    about=(DATA,),
    source="Azure Databricks, connect to data sources",
)
def data(rule: Rule, training: Training) -> Iterator[Finding]:
    given = training.data
    if given is None:
        return
    if given.startswith("http://"):
        cure = {DATA: "https://" + given.removeprefix("http://")}
        yield rule.finding(DATA, f"{given} is not encrypted on its way.", cure=cure)
    elif given.startswith(("s3://", "gs://", "wasbs://")):
        fix = "Use abfss://container@account.dfs.core.windows.net/path, or a volume."
        yield rule.finding(DATA, f"{given[:60]} is no path of Azure Data Lake Storage.", fix)
    elif "?sv=" in given or "&sig=" in given:
        fix = "Leave the signature out: let the cluster read by its own identity."
        yield rule.finding(DATA, "The path of the data holds a signature, which is a secret.", fix)
    elif is_sent(given):
        yield from _file(rule, training)


def _file(rule: Rule, training: Training) -> Iterator[Finding]:
    assert training.data is not None
    try:
        size = training.data.path.stat().st_size
    except OSError as error:
        fix = (
            f"Put it into {training.data.folder.resolve()}; or name a table as catalog.schema.table, "
            "or a path: /Volumes/..., abfss://..., https://..."
        )
        what = f"{training.data} cannot be read: {error.strerror}."
        yield rule.finding(DATA, what, fix)
        return
    if size > LARGEST_DATA:
        what = (
            f"{training.data} has {size / 1e6:,.0f} MB; a file that is sent along has at most 20."
        )
        yield rule.finding(
            DATA, what, "Put it into a volume or a storage account, and name its path."
        )
