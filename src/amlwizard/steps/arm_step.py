"""A step for one ARM resource: read it, compare it, create or update it, check the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from amlwizard.cloud_port import ReportProgress
from amlwizard.design.names import OWNER_TAG
from amlwizard.errors import StepError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plan import Context, Found, Phase, Removal, Resource, Step
from amlwizard.plan.outputs import UnresolvedPlaceholderError
from amlwizard.steps.documents import Update, differences, update
from amlwizard.steps.immutable import kept

ENDED = ("Succeeded", "Failed", "Canceled")  # in any other provisioning state it is busy


Outdated = Callable[[Document], tuple[str, ...]]
Suited = Callable[[MutableDocument, Document], MutableDocument]
Complete = Callable[[Context, MutableDocument], MutableDocument]


def arm_step(
    id: str,
    title: str,
    resource: Resource,
    *,
    after: tuple[str, ...],
    outputs: Mapping[str, str] | None = None,
    phase: Phase = "provision",
    az: tuple[str, ...] = (),
    complete: Complete = lambda ctx, body: body,
    removal: Removal | None = Removal(),
    outdated: Outdated = lambda found: (),
    suited: Suited = lambda new, found: new,
) -> Step:
    """`outputs` are dotted paths into the resource; `id` (its ARM id) is always included.

    `complete` adds values to the body at send time that must not appear in a plan. `removal` is
    None where another step removes the resource. A resource that existed before, created by
    someone else, may be used and changed but never gets our tag: teardown would delete it as ours.

    `outdated` returns dotted paths of named items in the existing document that we created and no
    longer need; an update removes them from a resource that carries our tag. `suited` adapts the
    desired body to the existing document, where it depends on it.

    `apply` raises StepError if the resource differs from the desired body after the PUT.
    """
    resource = replace(resource, outputs={"id": "id", **(outputs or {})})
    work = _ArmResource(title, resource, complete, outdated, suited)
    return Step(
        id=id,
        title=title,
        phase=phase,
        after=after,
        read=work.read,
        apply=work.apply,
        resource=resource,
        removal=removal,
        az=az,
    )


@dataclass(frozen=True)
class _ArmResource:
    """What `arm_step` does with its resource."""

    title: str
    resource: Resource
    complete: Complete
    outdated: Outdated
    suited: Suited

    def read(self, ctx: Context) -> Found | None:
        resource = self.resource
        found = ctx.cloud.arm.get(ctx.resolve(resource.id), resource.api_version)
        if found is None:
            return None
        outputs = self._outputs(found)
        state = value_at(found, "properties.provisioningState") or "Succeeded"
        if state not in ENDED:
            return Found("busy", outputs)
        wanted = _known(ctx, _unowned(resource.body))
        apart = self._update(found, wanted).differences
        stays = kept(resource.type, wanted, found)
        apart += tuple(
            said
            for k in stays
            if not _among(said := f"{k.path}: {k.found!r} -> {k.wanted!r}", apart)
        )
        note = "; ".join(k.message for k in stays)
        if state != "Succeeded":
            failed = (f"provisioningState: {state}", *apart)
            return Found("failed", outputs, failed, note, stays)
        return Found("differs" if apart else "ready", outputs, apart, note, stays)

    def apply(self, ctx: Context, say: ReportProgress) -> Document:
        address, version = ctx.resolve(self.resource.id), self.resource.api_version
        new = ctx.resolve(self.resource.body)
        wanted = _unowned(new)
        found = self._settled(ctx, say)
        change = self._update(found, wanted) if found else Update(new, ())
        if found and _ready(found) and not change.differences:
            return self._outputs(found)  # it reached the desired state after it was read
        body = self.complete(ctx, change.body)
        answer = ctx.cloud.arm.put(address, version, body, say, ctx.cancel)
        apart = differences(self._fitting(wanted, answer), answer)
        if apart:
            raise StepError(
                _("{title} is not as it was asked for.", title=self.title),
                why="; ".join(apart)[:1000],
                fix=_(
                    "Something else changes it, such as a policy or another tool: find out what, then "
                    "replay."
                ),
            )
        return self._outputs(answer)

    def _settled(self, ctx: Context, say: ReportProgress) -> Document | None:
        """The existing document, once no operation on it is under way; None if there is none."""
        arm, address = ctx.cloud.arm, ctx.resolve(self.resource.id)
        version = self.resource.api_version
        found = arm.get(address, version)
        state = value_at(found, "properties.provisioningState")
        if state == "Deleting":
            arm.await_gone(address, version, say, ctx.cancel)
            return None
        if found and state not in (None, *ENDED):
            return arm.wait(address, version, say, ctx.cancel)
        return found

    def _outputs(self, document: Document) -> Document:
        return {name: value_at(document, path) for name, path in self.resource.outputs.items()}

    def _is_ours(self, found: Document) -> bool:
        prefix = value_at(self.resource.body, f"tags.{OWNER_TAG}")
        return bool(prefix) and owned(found, prefix)

    def _fitting(self, wanted: MutableDocument, found: Document) -> MutableDocument:
        theirs = not self._is_ours(found)
        return self.suited(_without_taken_tags(wanted, found) if theirs else wanted, found)

    def _update(self, found: Document, wanted: MutableDocument) -> Update:
        ours = self._is_ours(found)
        drop = self.outdated(found) if ours else ()
        return update(found, self._fitting(wanted, found), ours=ours, drop=drop)


def owned(document: Document | None, prefix: str) -> bool:
    """Whether a resource carries the owner tag of the recipe with that prefix."""
    tags = (document or {}).get("tags") or {}
    return {key.lower(): value for key, value in tags.items()}.get(OWNER_TAG) == prefix


def _ready(document: Document) -> bool:
    return (value_at(document, "properties.provisioningState") or "Succeeded") == "Succeeded"


def _among(said: str, lines: tuple[str, ...]) -> bool:
    path = said.partition(": ")[0]
    return any(line.startswith((f"{path}:", f"{path}.")) for line in lines)


def _unowned(body: Document) -> MutableDocument:
    """The body without the owner tag: only resources that we create are ours."""
    tags = {name: value for name, value in body.get("tags", {}).items() if name != OWNER_TAG}
    rest = {key: value for key, value in body.items() if key != "tags"}
    return {**rest, "tags": tags} if tags else rest


def _without_taken_tags(wanted: MutableDocument, found: Document) -> MutableDocument:
    """A resource created by someone else keeps its tag values and gets only the missing tags."""
    taken = {name.lower() for name in found.get("tags") or {}}
    left = {k: v for k, v in wanted.get("tags", {}).items() if k.lower() not in taken}
    rest = {key: value for key, value in wanted.items() if key != "tags"}
    return {**rest, "tags": left} if left else rest


def _known(ctx: Context, document: Document) -> MutableDocument:
    """The document with its placeholders resolved. Values that cannot be resolved yet are left out
    of the comparison, and so is a list that holds one: the unknown item would look obsolete."""
    pairs = ((_known_value(ctx, k), _known_value(ctx, v)) for k, v in document.items())
    return {str(k): v for k, v in pairs if k is not None and v is not None}


def _known_value(ctx: Context, value: object) -> object:
    if isinstance(value, Mapping):
        return _known(ctx, value)
    if isinstance(value, (list, tuple)):
        items = [_known_value(ctx, item) for item in value]
        return None if any(item in (None, {}) for item in items) else items
    try:
        return ctx.resolve(value) if isinstance(value, str) else value
    except UnresolvedPlaceholderError:
        return None
