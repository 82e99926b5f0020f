"""Rules about versions and shapes of requests: what works together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from amlwizard.errors import Finding
from amlwizard.rules.base import Rule, rule

MLFLOW_DOCS = "azureml-mlflow package metadata"
KUBERNETES = ("1.34", "1.35", "1.36", "1.37")
COLUMNS = 10


def version(text: str) -> tuple[int, ...] | None:
    """The leading numbers of a version; None for what is none."""
    matched = re.match(r"(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in matched[1].split(".")) if matched else None


@rule("MLF-1", "A library is pinned to one version.", "training", source="PEP 440")
def pinned(self: Rule, training: Any) -> Iterator[Finding]:
    for field in ("mlflow", "azureml_mlflow", "scikit_learn"):
        text = getattr(training, field)
        if not re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?", text):
            yield self.finding(
                f"training.{field}", f"{text!r} is no version.", "Write one such as 3.15.0."
            )


@rule(
    "MLF-2",
    "azureml-mlflow 1.62 works with mlflow up to 3.15.0.",
    "training",
    source=MLFLOW_DOCS,
)
def mlflow_pair(self: Rule, training: Any) -> Iterator[Finding]:
    mlflow, azureml = version(training.mlflow), version(training.azureml_mlflow)
    if mlflow and azureml and azureml >= (1, 62) and mlflow > (3, 15, 0):
        yield self.finding(
            ("training.mlflow", "training.azureml_mlflow"),
            f"mlflow {training.mlflow} and azureml-mlflow {training.azureml_mlflow} cannot be "
            "installed together.",
            "Use mlflow 3.15.0, or 2.22.2.",
        )


@rule(
    "MLF-3",
    "azureml-mlflow before 1.60 knows no MLflow 3.",
    "training",
    source=MLFLOW_DOCS,
)
def old_plugin(self: Rule, training: Any) -> Iterator[Finding]:
    mlflow, azureml = version(training.mlflow), version(training.azureml_mlflow)
    if mlflow and azureml and mlflow >= (3,) and azureml < (1, 60):
        yield self.finding(
            ("training.mlflow", "training.azureml_mlflow"),
            f"azureml-mlflow {training.azureml_mlflow} does not work with mlflow {training.mlflow}.",
            "Use azureml-mlflow 1.62.0.post6.",
        )


@rule("AML-K8S-1", "AKS offers 1.34 to 1.37.", "serving", source="AKS, supported versions")
def kubernetes_version(self: Rule, serving: Any) -> Iterator[Finding]:
    wanted = serving.kubernetes_version
    if wanted and not re.fullmatch(rf"({'|'.join(map(re.escape, KUBERNETES))})(\.\d+)?", wanted):
        yield self.finding(
            "serving.kubernetes_version",
            f"Kubernetes {wanted!r} is not offered.",
            f"Use one of {', '.join(KUBERNETES)}, or leave it out.",
        )


@rule("K8S-1", "A Kubernetes quantity is a number with a unit.", "serving", source="Kubernetes")
def quantities(self: Rule, serving: Any) -> Iterator[Finding]:
    for field, pattern, example in (
        ("cpu", r"\d+(\.\d+)?|\d+m", "0.5 or 500m"),
        ("memory", r"\d+(\.\d+)?(Ki|Mi|Gi)", "1Gi or 512Mi"),
    ):
        text = getattr(serving, field)
        if not re.fullmatch(pattern, text):
            yield self.finding(
                f"serving.{field}", f"{text!r} is no quantity.", f"Write it as {example}."
            )


@rule("RG-1", "A region is written as one lower-case word.", "sign_in", source="Azure regions")
def region(self: Rule, sign_in: Any) -> Iterator[Finding]:
    if not re.fullmatch(r"[a-z]{2,}[a-z0-9]*", sign_in.region):
        cure = re.sub(r"[^a-z0-9]", "", sign_in.region.lower())
        yield self.finding(
            "sign_in.region", f"{sign_in.region!r} is no region.", f"Write {cure or 'westeurope'}."
        )


@rule(
    "TN-1",
    "A tenant is a UUID, a domain, or organizations.",
    "sign_in",
    source="Entra ID",
)
def tenant(self: Rule, sign_in: Any) -> Iterator[Finding]:
    if not re.fullmatch(
        r"organizations|[0-9a-fA-F-]{36}|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", sign_in.tenant
    ):
        yield self.finding(
            "sign_in.tenant",
            f"{sign_in.tenant[:60]!r} is no tenant.",
            "Write its id, its domain, or organizations.",
        )


@rule(
    "SC-1",
    "An MLflow deployment takes input_data: rows, or columns, index and data.",
    "scoring",
    source="Azure Machine Learning, deploy MLflow models",
)
def request_shape(self: Rule, scoring: Any) -> Iterator[Finding]:
    given = scoring.request.get("input_data", scoring.request.get("data"))
    field = "scoring.request"
    if given is None:
        yield self.finding(
            field,
            "The request has neither input_data nor data.",
            "Write {input_data: [[...]]} with ten numbers a row.",
        )
        return
    rows = given.get("data") if isinstance(given, dict) else given
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        yield self.finding(field, "The request holds no rows.", "Write [[...], [...]].")
        return
    for number, row in enumerate(rows):
        numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in row)
        if len(row) != COLUMNS or not numbers:
            yield self.finding(
                field,
                f"Row {number + 1} is not {COLUMNS} numbers.",
                "A row is age, sex, bmi, bp and s1 to s6 of the diabetes data.",
            )
            return


@rule(
    "EX-1",
    "As many predictions are expected as the request has rows.",
    "scoring",
    "expect",
    source="the recipe itself",
)
def expected_predictions(self: Rule, scoring: Any, expect: Any) -> Iterator[Finding]:
    given = scoring.request.get("input_data", scoring.request.get("data"))
    rows = given.get("data") if isinstance(given, dict) else given
    if expect.predictions is None or not isinstance(rows, list):
        return
    if len(rows) != len(expect.predictions):
        yield self.finding(
            ("expect.predictions", "scoring.request"),
            f"{len(expect.predictions)} predictions are expected of {len(rows)} rows.",
            "Give one for each row.",
        )
