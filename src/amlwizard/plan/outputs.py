"""What steps put out for the steps after them and for whoever shows a run: typed, kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Generic, Self, TypeVar

from amlwizard.json_types import Document


class UnresolvedPlaceholderError(LookupError):
    """An output that is not there yet was needed; the text is its step, or ``step.output``."""


@dataclass(frozen=True)
class Output:
    """Base of what a step puts out. A field's JSON key is its name, or its metadata ``key``; what is
    None is left out."""

    def to_json(self) -> Document:
        pairs = ((_key(f), getattr(self, f.name)) for f in fields(self))
        return {key: value for key, value in pairs if value is not None}

    @classmethod
    def from_json(cls, body: Document) -> Self:
        """Keys that it does not know are left out. KeyError names one that is missing."""
        known = {f.name: body[_key(f)] for f in fields(cls) if _key(f) in body or _required(f)}
        return cls(**known)


def _key(f: Field[Any]) -> str:
    return str(f.metadata.get("key", f.name))


def _required(f: Field[Any]) -> bool:
    return f.default is MISSING and f.default_factory is MISSING


O = TypeVar("O", bound=Output)  # noqa: E741


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
class SignedIn(Output):
    account: str
    tenant: str
    subscription: str
    subscription_name: str


@dataclass(frozen=True)
class ResourceOutput(Output):
    """`id` is its ARM id, or that of a Databricks cluster."""

    id: str


@dataclass(frozen=True)
class DatabricksOutput(ResourceOutput):
    """`url` is the host name of the workspace."""

    url: str


@dataclass(frozen=True)
class TrainingOutput(Output):
    """`rows` are those trained on and those tested with; `columns` the model's signature: types by
    name."""

    run_id: str
    experiment: str
    rows: Sequence[int]
    mse: float
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RegisteredModel(Output):
    model: str
    version: str
    model_id: str


@dataclass(frozen=True)
class TrafficOutput(Output):
    scoring_uri: str


@dataclass(frozen=True)
class ScoringOutput(Output):
    """`asked_from` is ``here`` or ``the VNET``; `dns_record` one that the endpoint's name lacks."""

    scoring_uri: str
    predictions: Sequence[float]
    seconds: float
    asked_from: str = field(metadata={"key": "from"})
    dns_record: str | None = None


@dataclass(frozen=True)
class VerifyOutput(Output):
    """How many promises there are and are kept; the ids of those that nothing was seen of."""

    promises: int
    kept: int
    without_evidence: Sequence[str]


@dataclass(frozen=True)
class RemovalOutput(Output):
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
