"""A step of the journey, and the plan, as values.

A step knows how to read what is there and how to bring it about; it is walked by the engine, which
knows nothing of Azure. ARM documents are plain JSON with placeholders: ``{sign-in.subscription}`` is
resolved from the outputs of the step ``sign-in`` when the request is sent, so a document can be
shown, compared and exported before anyone has signed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from threading import Event as Flag
from typing import Any, Literal

from amlwizard.cloud_port import CloudPort, DeviceCodePrompt, ReportProgress
from amlwizard.json_types import Document
from amlwizard.plan.graph import order
from amlwizard.plan.outputs import Outputs
from amlwizard.plan.placeholders import for_shell, resolve
from amlwizard.recipe import Recipe

Phase = Literal["sign-in", "provision", "train", "register", "deploy", "score", "verify", "remove"]
PHASES: tuple[Phase, ...] = (
    "sign-in",
    "provision",
    "train",
    "register",
    "deploy",
    "score",
    "verify",
)

Action = Literal["create", "update", "keep", "wait", "run", "delete"]
State = Literal["ready", "differs", "busy", "failed", "unwanted"]

GONE = "not there"  # the note of what a teardown need not remove


@dataclass(frozen=True)
class Context:
    """What a step may know: the recipe, the cloud, and what finished steps put out. `name` is what
    the recipe is called."""

    recipe: Recipe
    cloud: CloudPort
    outputs: Outputs
    cancel: Flag
    ask: DeviceCodePrompt
    name: str = "RECIPE"

    def resolve(self, document: Any) -> Any:
        """`document` with its placeholders resolved; UnresolvedPlaceholderError where one cannot be
        yet."""
        return resolve(document, self.outputs.by_step)


@dataclass(frozen=True, slots=True)
class Kept:
    """A property of a standing resource that Azure does not change: its dotted path, what it is and
    what is asked for; the field of the recipe that asks, and the value with which it would not."""

    path: str
    found: Any
    wanted: Any
    field: str = ""
    back: Any = None

    @property
    def told(self) -> str:
        """With the way out, for people."""
        way = f"set {self.field} to {self.back}, or use" if self.field else "use"
        return f"Azure does not change {self.path}: {way} another resource"


@dataclass(frozen=True, slots=True)
class Found:
    """What a step's `read` saw. `differences` are for people: ``properties.x: a -> b``.

    `unwanted` is what a teardown finds and removes. `note` says why something is kept, or what
    goes with it. `kept` are those differences that Azure does not take.
    """

    state: State
    outputs: Document = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    note: str = ""
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """An ARM resource: its full id (with placeholders), its api-version, the body of its PUT.

    `outputs` are the dotted paths, in the resource, of what its step puts out.
    """

    id: str
    api_version: str
    body: Document
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return type_of(self.id)


GROUP = "Microsoft.Resources/subscriptions/resourceGroups"


def type_of(resource_id: str) -> str:
    """The ARM type of an id: ``Microsoft.Network/virtualNetworks``."""
    _, found, tail = resource_id.rpartition("/providers/")
    if not found:
        return GROUP
    namespace, *rest = tail.split("/")
    return "/".join([namespace, *rest[::2]])


@dataclass(frozen=True, slots=True)
class Removal:
    """How the resource of a step is deleted on teardown.

    `query` is what its DELETE needs, `purge` is added so that its name is free afterwards, and
    `before_delete` runs first. `also_removes` says what is deleted with it, `soft_delete_note` what
    Azure keeps of it unless it is purged. `invisible_when_soft_deleted`: nothing lists it then, and
    only a refusal to create it again shows it. `owned_by_name`: its name alone proves that we made
    it, so it needs no tag. `companion_group` is the id of a resource group that Azure makes for it,
    and has to delete with it.
    """

    query: Mapping[str, str] = field(default_factory=dict)
    purge: Mapping[str, str] = field(default_factory=dict)
    before_delete: Callable[[Context, ReportProgress], None] | None = None
    also_removes: str = ""
    soft_delete_note: str = ""
    invisible_when_soft_deleted: bool = False
    owned_by_name: bool = False
    companion_group: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One vertex of the journey.

    `read` answers None for what is not there. `apply` creates, updates or runs, and answers the
    outputs that later steps need (plain JSON, never a secret). `removal` says how its resource is
    removed; without one there is nothing to remove, or it goes with what holds it.
    `runs` marks work that is done rather than a thing that exists: its action is `run`.
    `az` holds the equivalent commands of the Azure CLI, where there are any. `audiences` are the
    services, beside Azure Resource Manager, that it needs tokens for: ``databricks``, ``ml``.
    """

    id: str
    title: str
    phase: Phase
    after: tuple[str, ...]
    read: Callable[[Context], Found | None]
    apply: Callable[[Context, ReportProgress], Document]
    resource: Resource | None = None
    removal: Removal | None = None
    runs: bool = False
    az: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """`kept` is what it would have to change and Azure does not; `note` tells it."""

    id: str
    title: str
    phase: Phase
    after: tuple[str, ...]
    action: Action
    differences: tuple[str, ...] = ()
    az: tuple[str, ...] = ()
    note: str = ""
    kept: tuple[Kept, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "kept"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do, in an order that works. `target` is None where no cloud was read."""

    target: str | None
    steps: tuple[PlannedStep, ...]

    @property
    def possible(self) -> bool:
        """Whether Azure would take every change."""
        return not any(step.kept for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        steps = [step.to_json() for step in self.steps]
        return {"version": 1, "target": self.target, "steps": steps}


def action_for(step: Step, found: Found | None) -> Action:
    """What must be done about `step`, given what was found of it."""
    if found is None or (found.state == "failed" and step.runs):
        return "run" if step.runs else "create"
    actions: dict[State, Action] = {
        "ready": "keep",
        "differs": "run" if step.runs else "update",
        "busy": "wait",
        "failed": "update",
        "unwanted": "delete",
    }
    return actions[found.state]


def planned(step: Step, found: Found | None) -> PlannedStep:
    return PlannedStep(
        step.id,
        step.title,
        step.phase,
        step.after,
        action_for(step, found),
        found.differences if found else (),
        tuple(for_shell(command) for command in step.az),
        found.note if found else "",
        found.kept if found else (),
    )


def until(steps: Sequence[Step], phase: Phase) -> list[Step]:
    """The steps of `phase` and of what comes before it in the journey."""
    last = PHASES.index(phase)
    return [step for step in steps if PHASES.index(step.phase) <= last]


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps, each after all that it comes after; ValueError names a cycle or a step that comes
    after one that does not exist."""
    by_id = {step.id: step for step in steps}
    return [by_id[name] for name in order({step.id: step.after for step in steps})]


def outline(steps: Sequence[Step]) -> Plan:
    """The plan where no cloud was read: everything is still to be done."""
    return Plan(None, tuple(planned(step, None) for step in in_order(steps)))
