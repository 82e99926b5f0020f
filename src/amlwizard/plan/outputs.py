"""What steps put out for the steps after them and for whoever shows a run: typed, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document


class UnresolvedPlaceholderError(LookupError):
    """An output that is not there yet was needed; the text is its step, or ``step.output``."""


O = TypeVar("O", bound=JsonRecord)  # noqa: E741


@dataclass(frozen=True)
class StepRef(Generic[O]):
    """A step by its id, with the type of what it puts out."""

    id: str
    output: type[O]

    def read(self, outputs: Mapping[str, Document]) -> O:
        """Raises UnresolvedPlaceholderError where the step has put out nothing yet, or not all."""
        try:
            return self.output.from_json(outputs[self.id])
        except KeyError as missing:
            raise UnresolvedPlaceholderError(f"{self.id}: {missing}") from None


class Outputs:
    """The outputs of the steps that have finished: typed by a StepRef, as JSON in `by_step`."""

    def __init__(self, by_step: Mapping[str, Document]) -> None:
        self.by_step = by_step

    def __getitem__(self, ref: StepRef[O]) -> O:
        """Raises UnresolvedPlaceholderError where the step has put out nothing yet, or not all."""
        return ref.read(self.by_step)


# -- of the journey's steps, as far as anybody reads them by name


@dataclass(frozen=True)
class SignedIn(JsonRecord):
    account: str
    tenant: str
    subscription: str
    subscription_name: str


@dataclass(frozen=True)
class ResourceOutput(JsonRecord):
    """`id` is its ARM id, or that of a Databricks cluster."""

    id: str


@dataclass(frozen=True)
class DatabricksOutput(ResourceOutput):
    """`url` is the host name of the workspace."""

    url: str


@dataclass(frozen=True)
class TrainingOutput(JsonRecord):
    """`rows` are those trained on and those tested with; `columns` the model's signature: types by
    name."""

    run_id: str
    experiment: str
    rows: Sequence[int]
    mse: float
    columns: Mapping[str, str]


@dataclass(frozen=True)
class RegisteredModel(JsonRecord):
    model: str
    version: str
    model_id: str


@dataclass(frozen=True)
class TrafficOutput(JsonRecord):
    scoring_uri: str


@dataclass(frozen=True)
class ScoringOutput(JsonRecord):
    """`asked_from` is ``here`` or ``the VNET``; `dns_record` one that the endpoint's name lacks."""

    scoring_uri: str
    predictions: Sequence[float]
    seconds: float
    asked_from: str = field(metadata={"key": "from"})
    dns_record: str | None = None


@dataclass(frozen=True)
class VerifyOutput(JsonRecord):
    """How many promises there are and are kept; the ids of those that nothing was seen of."""

    promises: int
    kept: int
    without_evidence: Sequence[str]


@dataclass(frozen=True)
class RemovalOutput(JsonRecord):
    """`removed`: it was there. `lingers`: what Azure keeps of it."""

    removed: bool
    lingers: str | None = None


SIGN_IN = StepRef("sign-in", SignedIn)
WORKSPACE = StepRef("workspace", ResourceOutput)
DATABRICKS = StepRef("databricks", DatabricksOutput)
CLUSTER = StepRef("databricks-cluster", ResourceOutput)
TRAIN = StepRef("train", TrainingOutput)
REGISTER = StepRef("register", RegisteredModel)
TRAFFIC = StepRef("traffic", TrafficOutput)
SCORE = StepRef("score", ScoringOutput)
VERIFY = StepRef("verify", VerifyOutput)
