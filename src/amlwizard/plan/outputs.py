"""The outputs of steps, for later steps and for front ends: typed, stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document, JsonValue
from amlwizard.rules.model_input import ModelInput, model_input


class UnresolvedPlaceholderError(LookupError):
    """An output was needed that does not exist yet; the message is its step, or ``step.output``."""


O = TypeVar("O", bound=JsonRecord)  # noqa: E741


@dataclass(frozen=True)
class StepRef(Generic[O]):
    """A step by its id, with the type of its outputs."""

    id: str
    output: type[O]

    def read(self, outputs: Mapping[str, Document]) -> O:
        """Raises UnresolvedPlaceholderError if the step has no outputs yet, or not all of them."""
        try:
            return self.output.from_json(outputs[self.id])
        except KeyError as missing:
            raise UnresolvedPlaceholderError(f"{self.id}: {missing}") from None


class Outputs:
    """The outputs of finished steps: typed by a StepRef, as JSON in `by_step`."""

    def __init__(self, by_step: Mapping[str, Document]) -> None:
        self.by_step = by_step

    def __getitem__(self, ref: StepRef[O]) -> O:
        """Raises UnresolvedPlaceholderError if the step has no outputs yet, or not all of them."""
        return ref.read(self.by_step)


# -- the outputs that are read by name


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
    """`metrics` are the last values by name, `notebook` the name of the file that logged them. `model` is what was logged: its artifact ``path``, its
    ``flavors``, its ``signature`` (``inputs``, ``outputs``, ``params`` in MLflow's JSON) and its
    input ``example`` (``type``, and the ``value`` unless it is large)."""

    run_id: str
    experiment: str
    metrics: Mapping[str, float]
    model: Document
    notebook: str = ""

    @cached_property
    def takes(self) -> ModelInput:
        """What requests to the model must hold."""
        return model_input(self.model.get("signature"), self.model.get("example"))

    def summary(self, most: int = 4) -> str:
        """The first metrics in a line."""
        return ", ".join(f"{name} {value:.6g}" for name, value in [*self.metrics.items()][:most])


@dataclass(frozen=True)
class Fitness(JsonRecord):
    """`path` is the artifact path of the model to serve; `changed` says how its environment was completed,
    `unchecked` names conda packages that only the container has. `answer` is the beginning of the JSON
    with which it answered. `mark` and `request` are hashes of what it was checked by and asked."""

    path: str
    changed: Sequence[str]
    unchecked: Sequence[str]
    boot_seconds: float
    answer: str
    mark: str
    request: str


@dataclass(frozen=True)
class RegisteredModel(JsonRecord):
    model: str
    version: str
    model_id: str


@dataclass(frozen=True)
class ScoringFiles(JsonRecord):
    """The URL of the folder with the scoring script, and the text of the environment's conda file; empty
    if the environment is an image alone."""

    code_uri: str
    conda: str


@dataclass(frozen=True)
class RolloutOutput(JsonRecord):
    """`model_id` is the model of the recipe's deployment; `candidate` is the deployment beside it
    that has the registered version and a share of the requests, if there is one."""

    model_id: str
    candidate: str = ""


@dataclass(frozen=True)
class TrafficOutput(JsonRecord):
    scoring_uri: str


@dataclass(frozen=True)
class ScoringOutput(JsonRecord):
    """`predictions` is what the model answered. `asked_from` is ``here`` or ``the VNET``; `dns_record` is one that the endpoint's name
    lacks."""

    scoring_uri: str
    predictions: JsonValue
    seconds: float
    asked_from: str = field(metadata={"key": "from"})
    dns_record: str | None = None


@dataclass(frozen=True)
class VerifyOutput(JsonRecord):
    """The number of promises, how many are kept, and the ids of those without evidence."""

    promises: int
    kept: int
    without_evidence: Sequence[str]


@dataclass(frozen=True)
class RemovalOutput(JsonRecord):
    """`removed`: the resource existed. `lingers`: what Azure keeps of it."""

    removed: bool
    lingers: str | None = None


SIGN_IN = StepRef("sign-in", SignedIn)
WORKSPACE = StepRef("workspace", ResourceOutput)
DATABRICKS = StepRef("databricks", DatabricksOutput)
CLUSTER = StepRef("databricks-cluster", ResourceOutput)
TRAIN = StepRef("train", TrainingOutput)
FITNESS = StepRef("fit-to-serve", Fitness)
REGISTER = StepRef("register", RegisteredModel)
SCORING_FILES = StepRef("scoring-files", ScoringFiles)
DEPLOYMENT = StepRef("deployment", ResourceOutput)
ENDPOINT = StepRef("endpoint", TrafficOutput)
ROLLOUT = StepRef("rollout", RolloutOutput)
TRAFFIC = StepRef("traffic", TrafficOutput)
SCORE = StepRef("score", ScoringOutput)
VERIFY = StepRef("verify", VerifyOutput)
