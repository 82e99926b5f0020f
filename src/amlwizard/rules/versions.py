"""Rules about VM sizes, Kubernetes versions and quantities, and the shape of the scoring
request."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import _, _n, sentences
from amlwizard.recipe import Expect, Scoring, Serving, Training
from amlwizard.rules import scoring_request
from amlwizard.rules.base import Rule, rule, use
from amlwizard.rules.known_versions import KNOWN, KUBERNETES
from amlwizard.rules.request_problems import problems

SIZE = re.compile(r"Standard_[A-Z]{1,3}\d+[a-z0-9_-]*", re.IGNORECASE)
LIST_SIZES = "az vm list-skus --location REGION --output table"
NAMED_SIZE = re.compile(
    r"Standard_[A-Z]{1,3}(?P<number>\d+)(-\d+)?(?P<features>[a-z]*)(_|$)", re.IGNORECASE
)
OLDEST, NEWEST = ((1, int(text.partition(".")[2])) for text in (KUBERNETES[0], KUBERNETES[-1]))


def version(text: str) -> tuple[int, ...] | None:
    """The leading numbers of a version; None if `text` does not start with a number."""
    matched = re.match(r"(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in matched[1].split(".")) if matched else None


@rule(
    "VM-1",
    _("A VM size is named Standard_ with its family, vCPUs and version, such as Standard_D4ds_v5."),
    "training",
    "serving",
    about=("training.node_type", "serving.node_size", "serving.build_node_size"),
    source=_("Azure virtual machine sizes"),
)
def sizes(rule: Rule, training: Training, serving: Serving) -> Iterator[Finding]:
    for section, given, field in (
        ("training", training, "node_type"),
        ("serving", serving, "node_size"),
        ("serving", serving, "build_node_size"),
    ):
        text = getattr(given, field)
        if not SIZE.fullmatch(text):
            near = f"Standard_{text.strip().replace(' ', '_')}"
            path = f"{section}.{field}"
            # Without a valid size, it is not known how large a machine is meant.
            cure = {path: near} if SIZE.fullmatch(near) else {}
            yield rule.finding(
                path,
                _("{text!r} is not a VM size.", text=text[:60]),
                cure=cure,
                otherwise=_("To list them: {command}", command=LIST_SIZES),
            )


@rule(
    "VM-2",
    _(
        "AKS nodes need at least two vCPUs, and images of Azure Machine Learning need x64 processors: VM "
        "sizes without p after the number."
    ),
    "serving",
    about=("serving.node_size", "serving.build_node_size"),
    source=_("AKS, system node pools; Azure virtual machine sizes, naming conventions"),
)
def machines(rule: Rule, serving: Serving) -> Iterator[Finding]:
    for field in ("node_size", "build_node_size"):
        text = getattr(serving, field)
        named = NAMED_SIZE.match(text)
        if not named:
            continue
        arm = "p" in named["features"].lower()
        small = field == "node_size" and int(named["number"]) < 2
        if arm or small:
            path = f"serving.{field}"
            # The same machine with x64 processors, never a smaller one.
            start, end = named.span("features")
            x64 = text[:start] + text[start:end].replace("p", "").replace("P", "") + text[end:]
            cure = {path: x64 if arm and not small else _default(Serving, field)}
            what = (
                _("The VM size {size} has Arm processors.", size=text)
                if arm
                else _("The VM size {size} has only one vCPU.", size=text)
            )
            yield rule.finding(path, what, cure=cure)


def _default(section: type[Training] | type[Serving], field: str) -> object:
    return section.model_fields[field].default


@rule(
    "AML-K8S-1",
    _("A Kubernetes version is a minor version, such as 1.36, or a patch version, such as 1.36.2."),
    "serving",
    about=("serving.kubernetes_version",),
    source=_("AKS, supported versions"),
)
def kubernetes_version(rule: Rule, serving: Serving) -> Iterator[Finding]:
    wanted = serving.kubernetes_version
    if wanted and _kubernetes(wanted) is None:
        cure = {"serving.kubernetes_version": _nearest(wanted)}
        known = _(
            "Known are {versions}; without one, the region's default applies.",
            versions=", ".join(KUBERNETES),
        )
        yield rule.finding(
            "serving.kubernetes_version",
            _("{text!r} is not a Kubernetes version.", text=wanted),
            sentences(use(cure), known),
            cure,
            otherwise=known,
        )


@rule(
    "AML-K8S-8",
    _("The versions that AKS offers depend on the region and change often; preflight asks Azure."),
    "serving",
    about=("serving.kubernetes_version",),
    source=_("AKS, supported versions"),
    severity="warning",
)
def kubernetes_offered(rule: Rule, serving: Serving) -> Iterator[Finding]:
    """A warning only: the list goes out of date, and preflight asks the region before any write."""
    found = _kubernetes(serving.kubernetes_version)
    if found is None or OLDEST <= found[:2] <= NEWEST:
        return
    older = found[:2] < OLDEST
    what = (
        _("Kubernetes {version} is older than {bound}, the oldest that AKS offered in {known}.")
        if older
        else _(
            "Kubernetes {version} is newer than {bound}, the newest that AKS offered in {known}."
        )
    ).format(version=serving.kubernetes_version, bound=KUBERNETES[0 if older else -1], known=KNOWN)
    fix = _("Run preflight, or list what is offered: {command}.", command="az aks get-versions")
    cure = {"serving.kubernetes_version": KUBERNETES[0]} if older else {}
    yield rule.finding(
        "serving.kubernetes_version", what, sentences(fix, use(cure)), cure, otherwise=fix
    )


def _kubernetes(text: str | None) -> tuple[int, ...] | None:
    """The numbers of a minor version or patch; None for anything else."""
    return version(text) if text and re.fullmatch(r"\d+\.\d+(\.\d+)?", text) else None


def _nearest(wanted: str) -> str | None:
    """The version that the user probably meant, or the oldest known one if it is older; None if the
    text holds no version."""
    inner = version(wanted.strip("=v "))
    if inner is None or len(inner) < 2:
        return None
    return KUBERNETES[0] if inner[:2] < OLDEST else ".".join(map(str, inner[:3]))


@rule(
    "K8S-1",
    _("A Kubernetes quantity is a number, with a unit where it needs one."),
    "serving",
    about=("serving.cpu", "serving.memory"),
    source="Kubernetes",
)
def quantities(rule: Rule, serving: Serving) -> Iterator[Finding]:
    for field, pattern, *examples in (
        ("cpu", r"\d+(\.\d+)?|\d+m", "0.5", "500m"),
        ("memory", r"\d+(\.\d+)?(Ki|Mi|Gi)", "1Gi", "512Mi"),
    ):
        text = getattr(serving, field)
        if not re.fullmatch(pattern, text):
            cure = {f"serving.{field}": _quantity(field, text, pattern)}
            written = _("It is written like {one} or {other}.", one=examples[0], other=examples[1])
            yield rule.finding(
                f"serving.{field}",
                _("{text!r} is not a valid Kubernetes quantity.", text=text),
                sentences(use(cure), written),
                cure,
                otherwise=written,
            )


def _quantity(field: str, text: str, pattern: str) -> str:
    """The quantity that the user probably meant, else the default."""
    plain = text.replace(",", ".").replace(" ", "")
    number = re.match(r"\d+(\.\d+)?", plain)
    unit = re.sub(r"[^KMG]", "", plain.upper())[:1]
    meant = [plain, f"{number[0]}{unit}i" if number and unit else ""]
    default = str(Serving.model_fields[field].default)
    return next((text for text in meant if re.fullmatch(pattern, text)), default)


@rule(
    "SC-1",
    _(
        "A model with named columns takes columns, index and data; rows alone get the names of its columns."
    ),
    "scoring",
    "training",
    source=_("Azure Machine Learning, deploy MLflow models"),
    about=("scoring.request",),
)
def request_shape(rule: Rule, scoring: Scoring, training: Training) -> Iterator[Finding]:
    if scoring.request is None:
        return
    for problem in problems(scoring.request, scoring_request.before_training(training)):
        yield rule.finding("scoring.request", problem.what, problem.fix, severity=problem.severity)


@rule(
    "EX-1",
    _("The number of expected predictions must equal the number of rows of the request."),
    "scoring",
    "expect",
    "training",
    source=_("the recipe itself"),
    about=("expect.predictions",),
)
def expected_predictions(
    rule: Rule, scoring: Scoring, expect: Expect, training: Training
) -> Iterator[Finding]:
    # Only of the example it is known that it answers one number for each row.
    if training.notebook or not isinstance(expect.predictions, list):
        return
    rows = scoring_request.rows_of(scoring.request, scoring_request.DIABETES)
    if not rows:
        return
    if len(rows) != len(expect.predictions):
        what = _n(
            "{n} prediction is expected, but the request has {rows}.",
            "{n} predictions are expected, but the request has {rows}.",
            len(expect.predictions),
            rows=_n("{n} row", "{n} rows", len(rows)),
        )
        cure = {"expect.predictions": None}
        yield rule.finding(
            ("expect.predictions", "scoring.request"),
            what,
            _("Give one prediction for each row. Or, to check none: {cure}", cure=use(cure)),
            cure,
            otherwise=_("Give one prediction for each row."),
        )
