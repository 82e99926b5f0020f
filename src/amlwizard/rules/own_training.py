"""Rules about a notebook of one's own: what can be seen in its file before anything runs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from math import isfinite

from amlwizard import user_notebook
from amlwizard.errors import Finding, Severity
from amlwizard.language import _, listed, sentences
from amlwizard.recipe import Expect, Training, is_sent, title
from amlwizard.rules.base import Rule, rule, use
from amlwizard.user_notebook import UserNotebook

NOTEBOOK, PARAMETERS, DATA = "training.notebook", "training.parameters", "training.data"
REQUIREMENTS, METRICS = "training.requirements", "expect.metrics"
LARGEST_DATA = 20_000_000  # bytes
DATABRICKS = _("Azure Databricks, notebooks: source format, widgets")
SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|api_?key|access_?key|account_?key|connection_?string|\bsas\b",
    re.IGNORECASE,
)
PINNED = ("mlflow", "mlflow-skinny", "azureml-mlflow", "scikit-learn")


def _is_share(value: float) -> bool:
    return 0 < value < 1


EXAMPLE: dict[str, tuple[str, Callable[[float], bool]]] = {
    "alpha": (_("Give a number from 0."), lambda value: value >= 0),
    "test_size": (_("Give a number between 0 and 1."), _is_share),
    "random_state": (
        _("Give a whole number from 0."),
        lambda value: value >= 0 and value == int(value),
    ),
}
"""What to give for the parameters of the example, and whether a value is that."""


def notebook_of(training: Training) -> UserNotebook | None:
    """The notebook; None if its file cannot be read."""
    try:
        return user_notebook.read(training.notebook.path if training.notebook else None)
    except OSError:
        return None


@rule(
    "NB-1",
    _("The notebook is a file of Python or of Jupyter, whose cells are Python."),
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
        what = _("{file} cannot be read.", file=training.notebook)
        fix = _("Put it into {folder}, or name it from there.", folder=where)
        yield rule.finding(NOTEBOOK, what, fix)
        return
    for problem in notebook.problems:
        severity: Severity = "error" if problem.fatal else "warning"
        yield rule.finding(NOTEBOOK, problem.what, problem.fix, severity=severity)


@rule(
    "NB-2",
    _(
        "A parameter reaches the notebook under its name, as a widget and in the dictionary parameters."
    ),
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
            fix = _("Did you mean {name}?", name=near[0]) if near else _read_by(notebook)
            what = _(
                "{notebook} does not read the parameter {name}, as far as can be seen.",
                notebook=notebook.name,
                name=name,
            )
            severity: Severity = "error" if near else "warning"
            yield rule.finding(
                f"{PARAMETERS}.{name}", what, sentences(fix, use(cure)), cure, severity, fix
            )
    missing = [
        name
        for name, default in named.items()
        if default is None and name not in given and not (name == "data" and training.data)
    ]
    for name in missing:
        what = _(
            "{notebook} reads the parameter {name}, which has no default.",
            notebook=notebook.name,
            name=name,
        )
        field = DATA if name == "data" else f"{PARAMETERS}.{name}"
        yield rule.finding(field, what, _("Set {field}.", field=title(field)), severity="warning")


def _read_by(notebook: UserNotebook) -> str:
    names = listed([*notebook.parameters], 10)
    return _("It reads {names}.", names=names) if names else _("It reads none.")


def _renamed(training: Training, old: str, new: str) -> dict[str, object]:
    given = training.parameters.items()
    return {PARAMETERS: {new if name == old else name: value for name, value in given}}


@rule(
    "EX-2",
    _(
        "A replay fails if the training does not log a metric that is expected, which is seen after it."
    ),
    "training",
    "expect",
    source=_("the recipe itself"),
    about=(METRICS, NOTEBOOK),
    severity="warning",
)
def expected_metrics(rule: Rule, training: Training, expect: Expect) -> Iterator[Finding]:
    notebook = notebook_of(training)
    if notebook is None or not notebook.cells or any(p.fatal for p in notebook.problems):
        return
    missing = [name for name in expect.metrics if not notebook.may_log(name)]
    if missing:
        what = _(
            "{notebook} does not log {metrics}, as far as can be seen.",
            notebook=notebook.name,
            metrics=listed(missing),
        )
        known = listed(sorted(notebook.metrics), 10)
        logged = _("It logs {metrics}.", metrics=known) if known else ""
        kept = expect.model_dump(mode="json", exclude_none=True, include={"metrics"})["metrics"]
        cure = {METRICS: {name: kept[name] for name in kept if name not in missing} or None}
        fields = tuple(f"{METRICS}.{name}" for name in missing)
        yield rule.finding(fields, what, sentences(logged, use(cure)), cure, otherwise=logged)


def _without(training: Training, name: str) -> dict[str, object]:
    return {PARAMETERS: {n: value for n, value in training.parameters.items() if n != name}}


@rule(
    "NB-3",
    _("Parameters are shown and logged: a secret belongs in a Databricks secret scope."),
    "training",
    about=(PARAMETERS,),
    source=_("Azure Databricks, secret management"),
)
def parameters_are_no_secrets(rule: Rule, training: Training) -> Iterator[Finding]:
    for name, value in training.parameters.items():
        if isinstance(value, str) and value and SECRET.search(name):
            what = _("The parameter {name} holds a secret by its name.", name=name)
            cure = _without(training, name)
            fix = _("Read it in the notebook, by dbutils.secrets.get(scope, key).")
            told = sentences(fix, use(cure))
            yield rule.finding(f"{PARAMETERS}.{name}", what, told, cure, otherwise=fix)


@rule(
    "NB-4",
    _("The example takes alpha, test_size and random_state."),
    "training",
    about=(PARAMETERS,),
    source=_("scikit-learn, Ridge and train_test_split"),
)
def parameters_of_the_example(rule: Rule, training: Training) -> Iterator[Finding]:
    if training.notebook is not None:
        return
    for name, (wanted, right) in EXAMPLE.items():
        value = training.parameters.get(name, 0.5 if name == "test_size" else 0)
        number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not number or not right(float(value)):
            cure = _without(training, name)
            what = _("{name} is {value!r}.", name=name, value=value)
            told = sentences(wanted, use(cure))
            yield rule.finding(f"{PARAMETERS}.{name}", what, told, cure, otherwise=wanted)


@rule(
    "NB-5",
    _("A requirement is given once, and not one of those with a field of its own."),
    "training",
    about=(REQUIREMENTS,),
    source=_("pip, requirements"),
)
def requirements(rule: Rule, training: Training) -> Iterator[Finding]:
    names = [_name(line) for line in training.requirements]
    for name in dict.fromkeys(names):
        if name in PINNED:
            field = "training." + ("mlflow" if name == "mlflow-skinny" else name.replace("-", "_"))
            cure = {REQUIREMENTS: [line for line in training.requirements if _name(line) != name]}
            what = _("{package} has a field of its own.", package=name)
            fix = _("Set {field} instead.", field=title(field))
            told = sentences(fix, use(cure))
            yield rule.finding(REQUIREMENTS, what, told, cure, otherwise=fix)
        elif names.count(name) > 1:
            last = {_name(line): line for line in training.requirements}
            cure = {REQUIREMENTS: [*last.values()]}
            what = _("{package} is required twice.", package=name)
            yield rule.finding(REQUIREMENTS, what, cure=cure)


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement)[0]).lower()


@rule(
    "NB-6",
    _("Data is a table, a path that the cluster can read, or a file that is sent along."),
    "training",
    about=(DATA,),
    source=_("Azure Databricks, connect to data sources"),
)
def data(rule: Rule, training: Training) -> Iterator[Finding]:
    given = training.data
    if given is None:
        return
    if given.startswith("http://"):
        cure = {DATA: "https://" + given.removeprefix("http://")}
        yield rule.finding(DATA, _("{url} is not encrypted on its way.", url=given), cure=cure)
    elif given.startswith(("s3://", "gs://", "wasbs://")):
        what = _("{path} is not a path of Azure Data Lake Storage.", path=given[:60])
        form = "abfss://container@account.dfs.core.windows.net/path"
        yield rule.finding(DATA, what, _("Use {form}, or a volume.", form=form))
    elif "?sv=" in given or "&sig=" in given:
        what = _("The path of the data holds a signature, which is a secret.")
        fix = _("Leave the signature out: let the cluster read by its own identity.")
        yield rule.finding(DATA, what, fix)
    elif is_sent(given):
        yield from _file(rule, training)


def _file(rule: Rule, training: Training) -> Iterator[Finding]:
    assert training.data is not None
    try:
        size = training.data.path.stat().st_size
    except OSError as error:
        fix = _(
            "Put it into {folder}; or name a table as catalog.schema.table, or a path: {paths}",
            folder=training.data.folder.resolve(),
            paths="/Volumes/..., abfss://..., https://...",
        )
        what = _("{file} cannot be read: {reason}.", file=training.data, reason=error.strerror)
        yield rule.finding(DATA, what, fix)
        return
    if size > LARGEST_DATA:
        what = _(
            "{file} has {size:,.0f} MB; a file that is sent along has at most {most}.",
            file=training.data,
            size=size / 1e6,
            most=LARGEST_DATA // 10**6,
        )
        yield rule.finding(
            DATA, what, _("Put it into a volume or a storage account, and name its path.")
        )
