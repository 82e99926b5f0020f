"""Rules about the libraries that a model is trained with: which versions are compatible, with each
other and with the Databricks runtime.

Versions newer than the known ones are not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.recipe import Training
from amlwizard.rules.base import Rule, rule
from amlwizard.rules.known_versions import NEWEST_MLFLOW, PYTHON, Version
from amlwizard.rules.runtimes import python_of

VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?")
LIBRARIES = {"mlflow": "mlflow", "azureml_mlflow": "azureml-mlflow", "scikit_learn": "scikit-learn"}
DEFAULTS = {field: str(Training.model_fields[field].default) for field in LIBRARIES}
PAIR = ("training.mlflow", "training.azureml_mlflow")


def version(text: str) -> Version | None:
    """The numbers of a version, at least three, then that of a post-release; None if `text` does
    not start with a version."""
    matched = re.match(r"(\d+(?:\.\d+)*)(?:\.post(\d+))?", text)
    if matched is None:
        return None
    numbers = [int(part) for part in matched[1].split(".")]
    numbers += [0] * (3 - len(numbers))
    return (*numbers, int(matched[2])) if matched[2] else tuple(numbers)


@rule(
    "MLF-1",
    _("A library must be pinned to one version."),
    "training",
    about=tuple(f"training.{field}" for field in DEFAULTS),
    source="PEP 440",
)
def pinned(rule: Rule, training: Training) -> Iterator[Finding]:
    for field in LIBRARIES:
        text = getattr(training, field)
        if not VERSION.fullmatch(text):
            inner = text.strip("=v ")
            cure = {f"training.{field}": inner if VERSION.fullmatch(inner) else DEFAULTS[field]}
            yield rule.finding(
                f"training.{field}",
                _("{text!r} is not a version of a library.", text=text),
                cure=cure,
            )


@rule(
    "MLF-2",
    _(
        "Each version of azureml-mlflow limits the versions of mlflow that it can be installed with."
    ),
    "training",
    about=PAIR,
    source=_("azureml-mlflow, package metadata"),
)
def mlflow_pair(rule: Rule, training: Training) -> Iterator[Finding]:
    if not _installs(training.mlflow, training.azureml_mlflow):
        yield rule.finding(
            PAIR,
            _(
                "mlflow {mlflow} and azureml-mlflow {azureml_mlflow} cannot be installed together.",
                mlflow=training.mlflow,
                azureml_mlflow=training.azureml_mlflow,
            ),
            cure=_cure(training),
        )


@rule(
    "MLF-3",
    _(
        "azureml-mlflow depends on how mlflow opens artifacts: versions before 1.61 need mlflow before "
        "3.1.2, and 1.61.0 needs mlflow 3.5."
    ),
    "training",
    about=PAIR,
    source=_("azureml-mlflow and mlflow, package code"),
)
def crashing_pair(rule: Rule, training: Training) -> Iterator[Finding]:
    if not _runs(training.mlflow, training.azureml_mlflow):
        yield rule.finding(
            PAIR,
            _(
                "azureml-mlflow {azureml_mlflow} does not work with mlflow {mlflow}: it fails at the "
                "first artifact.",
                azureml_mlflow=training.azureml_mlflow,
                mlflow=training.mlflow,
            ),
            cure=_cure(training),
        )


@rule(
    "DB-8",
    _("A library must support the Python version of the runtime."),
    "training",
    about=("training.spark_version", *(f"training.{field}" for field in DEFAULTS)),
    source=_("package metadata; Azure Databricks, release notes of runtimes"),
)
def python(rule: Rule, training: Training) -> Iterator[Finding]:
    has = python_of(training.spark_version)
    for field, name in LIBRARIES.items():
        needs = _needed(field, getattr(training, field))
        if has and needs and needs > has:
            default = str(Training.model_fields["spark_version"].default)
            yield rule.finding(
                (f"training.{field}", "training.spark_version"),
                _(
                    "{package} {version} needs Python {needed}, but the runtime {runtime} has Python {given}.",
                    package=name,
                    version=getattr(training, field),
                    needed=_dotted(needs),
                    runtime=training.spark_version,
                    given=_dotted(has),
                ),
                cure={"training.spark_version": default},
            )


def _needed(field: str, text: str) -> Version | None:
    given = version(text)
    return next((needs for since, needs in PYTHON[field] if given and given >= since), None)


def _installs(mlflow: str, azureml: str) -> bool:
    newest, wanted = NEWEST_MLFLOW.get(version(azureml) or ()), version(mlflow)
    return newest is None or wanted is None or wanted[:3] <= newest


def _runs(mlflow: str, azureml: str) -> bool:
    wanted, plugin = version(mlflow), version(azureml)
    if wanted is None or plugin is None:
        return True
    if plugin < (1, 60):
        return wanted < (3,)
    if plugin < (1, 61):
        return wanted < (3, 1, 2)
    return wanted >= (3, 5) if plugin == (1, 61, 0) else True


def _cure(training: Training) -> dict[str, str]:
    """The smallest change that works: the default version of one of the two, else of both."""
    mlflow, azureml = DEFAULTS["mlflow"], DEFAULTS["azureml_mlflow"]
    for one in ({PAIR[1]: azureml}, {PAIR[0]: mlflow}):
        pair = (one.get(PAIR[0], training.mlflow), one.get(PAIR[1], training.azureml_mlflow))
        if _installs(*pair) and _runs(*pair):
            return one
    return {PAIR[0]: mlflow, PAIR[1]: azureml}


def _dotted(numbers: Version) -> str:
    return ".".join(map(str, numbers))
