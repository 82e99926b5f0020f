"""A registered version of a recipe's model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from amlwizard.json_record import JsonRecord


@dataclass(frozen=True)
class ModelVersion(JsonRecord):
    """`run_id` is the MLflow run that trained it; `traffic` the share of requests, in percent, that
    each deployment of it gets, by name. A deployment without traffic has 0."""

    version: str
    run_id: str
    metrics: Mapping[str, float]
    traffic: Mapping[str, int]
