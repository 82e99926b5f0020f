"""A step for one ARM resource: read it, compare it, create or update it, check the response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from amlwizard.cloud_port import ReportProgress
from amlwizard.design.names import OWNER_TAG
from amlwizard.errors import StepError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, MutableDocument
from amlwizard.plan import Context, Found, Phase, Removal, Resource, Step
from amlwizard.plan.outputs import UnresolvedPlaceholderError
from amlwizard.steps.documents import Update, differences, update
from amlwizard.steps.immutable import kept

ENDED = ("Succeeded", "Failed", "Canceled")  # in any other provisioning state it is busy


def arm_step(
    id: str,
    title: str,
    resource: Resource,
    *,
    after: tuple[str, ...],
    outputs: Mapping[str, str] | None = None,
    phase: Phase = "provision",
    az: tuple[str, ...] = (),
    complete: Callable[[Context, MutableDocument], MutableDocument] | None = None,
    removal: Removal | None = Removal(),
    outdated: Callable[[Document], tuple[str, ...]] = lambda found: (),
    suited: Callable[[MutableDocument, Document], MutableDocument] = lambda new, found: new,
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
    paths = {"id": "id", **(outputs or {})}

    def put_out(document: Document) -> Document:
        return {name: value_at(document, path) for name, path in paths.items()}

    def is_ours(found: Document) -> bool:
        prefix = value_at(resource.body, f"tags.{OWNER_TAG}")
        return bool(prefix) and owned(found, prefix)

    def fitting(wanted: MutableDocument, found: Document) -> MutableDocument:
        return suited(wanted if is_ours(found) else _without_taken_tags(wanted, found), found)

    def laid_over(found: Document, wanted: MutableDocument) -> Update:
        ours = is_ours(found)
        drop = outdated(found) if ours else ()
        return update(found, fitting(wanted, found), ours=ours, drop=drop)

    def read(ctx: Context) -> Found | None:
        found = ctx.cloud.arm.get(ctx.resolve(resource.id), resource.api_version)
        if found is None:
            return None
        state = value_at(found, "properties.provisioningState") or "Succeeded"
        if state not in ENDED:
            return Found("busy", put_out(found))
        wanted = _known(ctx, _unowned(resource.body))
        apart = laid_over(found, wanted).differences
        stays = kept(resource.type, wanted, found)
        apart += tuple(
            said
            for k in stays
            if not _among(said := f"{k.path}: {k.found!r} -> {k.wanted!r}", apart)
        )
        note = "; ".join(k.told for k in stays)
        if state != "Succeeded":
            failed = (f"provisioningState: {state}", *apart)
            return Found("failed", put_out(found), failed, note, stays)
        return Found("differs" if apart else "ready", put_out(found), apart, note, stays)

    def apply(ctx: Context, say: ReportProgress) -> Document:
        arm, address = ctx.cloud.arm, ctx.resolve(resource.id)
        new = ctx.resolve(resource.body)
        wanted = _unowned(new)
        found = arm.get(address, resource.api_version)
        state = value_at(found, "properties.provisioningState")
        if state == "Deleting":
            arm.await_gone(address, resource.api_version, say, ctx.cancel)
            found = None
        elif found and state not in (None, *ENDED):
            found = arm.wait(address, resource.api_version, say, ctx.cancel)
        change = laid_over(found, wanted) if found else Update(new, ())
        if found and _ready(found) and not change.differences:
            return put_out(found)  # it reached the desired state after it was read
        body = change.body
        if complete:
            body = complete(ctx, body)
        answer = arm.put(address, resource.api_version, body, say, ctx.cancel)
        apart = differences(fitting(wanted, answer), answer)
        if apart:
            raise StepError(
                f"{title} is not as it was asked for.",
                why="; ".join(apart)[:1000],
                fix="Something changes it behind us (a policy, another tool): find out, then "
                "replay.",
            )
        return put_out(answer)

    return Step(
        id=id,
        title=title,
        phase=phase,
        after=after,
        read=read,
        apply=apply,
        resource=replace(resource, outputs=paths),
        removal=removal,
        az=az,
    )


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
