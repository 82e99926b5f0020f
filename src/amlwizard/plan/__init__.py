"""Steps and plans, as values.

A step knows how to read its current state and how to reach the desired one; the engine runs it and
knows nothing of Azure. ARM documents are plain JSON with placeholders: ``{sign-in.subscription}``
is resolved from the outputs of the step ``sign-in`` when the request is sent, so a document can be
shown, compared and exported before anyone has signed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from threading import Event as CancelEvent
from typing import Literal, overload

from amlwizard.cloud_port import CloudPort, DeviceCodePrompt, ReportProgress
from amlwizard.json_types import Document, JsonObject, JsonValue, MutableDocument
from amlwizard.language import _
from amlwizard.plain_text import PlainText
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

GONE = _("not there")  # the note of a resource that a teardown need not remove


@dataclass(frozen=True)
class Context:
    """What a step may use: the recipe, the cloud, and the outputs of finished steps. `name` is the
    name of the recipe in messages; `again`: the work is to be done again, though it was done."""

    recipe: Recipe
    cloud: CloudPort
    outputs: Outputs
    cancel: CancelEvent
    ask: DeviceCodePrompt
    name: str = "RECIPE"
    again: bool = False

    @overload
    def resolve(self, document: str) -> str: ...
    @overload
    def resolve(self, document: Document) -> MutableDocument: ...
    def resolve(self, document: str | Document) -> object:
        """`document` with its placeholders resolved. Raises UnresolvedPlaceholderError if one has
        no value yet."""
        return resolve(document, self.outputs.by_step)


@dataclass(frozen=True, slots=True)
class Kept:
    """A property of an existing resource that Azure cannot change: its dotted path, its value in
    Azure and in the recipe; the recipe field that requests the change, and the value of that field
    that would not."""

    path: str
    found: JsonValue
    wanted: JsonValue
    field: str = ""
    back: JsonValue = None

    @property
    def message(self) -> str:
        """The message for users, with a way out."""
        if not self.field:
            return _("Azure does not change {path}: use another resource", path=self.path)
        return _(
            "Azure does not change {path}: set {field} to {value}, or use another resource",
            path=self.path,
            field=self.field,
            value=self.back,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a step's `read`. `differences` are for users: ``properties.x: a -> b``.

    `unwanted` is the state of what a teardown removes. `note` says why something is kept, or what
    is removed with it. `kept` are the differences that Azure cannot apply.
    """

    state: State
    outputs: Document = field(default_factory=dict)
    differences: tuple[str, ...] = ()
    note: str = ""
    kept: tuple[Kept, ...] = ()


Read = Callable[[Context], Found | None]
Apply = Callable[[Context, ReportProgress], Document]


@dataclass(frozen=True, slots=True)
class Resource:
    """An ARM resource: its full id (with placeholders), its api-version, the body of its PUT.

    `outputs` maps the names of the step's outputs to dotted paths in the resource.
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
    """The ARM type of an id, such as ``Microsoft.Network/virtualNetworks``."""
    _, found, tail = resource_id.rpartition("/providers/")
    if not found:
        return GROUP
    namespace, *rest = tail.split("/")
    return "/".join([namespace, *rest[::2]])


@dataclass(frozen=True, slots=True)
class Inside:
    """What amlwizard has put into a resource, whose document both functions get. `found` names it;
    empty if there is nothing."""

    found: Callable[[Context, Document], str]
    remove: Callable[[Context, Document], None]


@dataclass(frozen=True, slots=True)
class Removal:
    """How a teardown deletes the resource of a step.

    `query` holds the parameters of its DELETE, `purge` those that also free its name, and
    `before_delete` runs first. `also_removes` says what is deleted with it, `soft_delete_note` what
    Azure keeps of it unless it is purged. `invisible_when_soft_deleted`: nothing lists it then, and
    only a refusal to create it again reveals it. `owned_by_name`: its name alone proves that
    amlwizard created it, so it needs no tag. `companion_group` is the id of a resource group that
    Azure creates for it, and must delete with it. `inside` is what amlwizard puts into it, also if
    it belongs to someone else, who keeps it.
    """

    query: Mapping[str, str] = field(default_factory=dict)
    purge: Mapping[str, str] = field(default_factory=dict)
    before_delete: Callable[[Context, ReportProgress], None] | None = None
    also_removes: str = ""
    soft_delete_note: str = ""
    invisible_when_soft_deleted: bool = False
    owned_by_name: bool = False
    companion_group: str = ""
    inside: Inside | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One vertex of the step graph.

    `read` returns None if nothing exists. `apply` creates, updates or runs, and returns the outputs
    that later steps need (plain JSON, never a secret). `removal` says how its resource is removed;
    None if there is nothing to remove, or if it is deleted with its parent. `runs` marks work
    rather than a resource: its action is `run`. `az` holds the equivalent commands of the Azure
    CLI, if there are any. `audiences` are the services, besides Azure Resource Manager, that it
    needs tokens for: ``databricks``, ``ml``.
    """

    id: str
    title: str
    phase: Phase
    after: tuple[str, ...]
    read: Read
    apply: Apply
    resource: Resource | None = None
    removal: Removal | None = None
    runs: bool = False
    az: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedStep(PlainText):
    """`kept` are the changes that it requires and Azure cannot make; `note` describes them."""

    id: str
    title: str
    phase: Phase
    after: tuple[str, ...]
    action: Action
    differences: tuple[str, ...] = ()
    az: tuple[str, ...] = ()
    note: str = ""
    kept: tuple[Kept, ...] = ()

    def to_json(self) -> JsonObject:
        return {key: value for key, value in asdict(self).items() if key != "kept"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do, in a valid order. `target` is None if no cloud was read."""

    target: str | None
    steps: tuple[PlannedStep, ...]

    @property
    def possible(self) -> bool:
        """Whether Azure can make every change."""
        return not any(step.kept for step in self.steps)

    def to_json(self) -> JsonObject:
        steps = [step.to_json() for step in self.steps]
        return {"version": 1, "target": self.target, "steps": steps}


def action_for(step: Step, found: Found | None) -> Action:
    """The action that `step` requires, given its current state."""
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
    """`step` as an entry of a plan, given its current state."""
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
    """The steps of `phase` and of the phases before it."""
    last = PHASES.index(phase)
    return [step for step in steps if PHASES.index(step.phase) <= last]


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps, each after its predecessors. Raises ValueError for a cycle, or a predecessor that
    does not exist."""
    by_id = {step.id: step for step in steps}
    return [by_id[name] for name in order({step.id: step.after for step in steps})]


def outline(steps: Sequence[Step]) -> Plan:
    """The plan if no cloud is read: every step is still to be done."""
    return Plan(None, tuple(planned(step, None) for step in in_order(steps)))
