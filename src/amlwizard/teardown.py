"""Teardown: the steps in reverse, as a graph of the same kind.

The resource created last is removed first; independent ones in parallel. Only resources that carry
the recipe's tag, or are part of one that does, are removed: a resource of the right name without
the tag belongs to someone else and is left, and so is a resource group that holds one; only what
amlwizard has put into it goes. A step whose
resource is already gone is kept, so a teardown that was killed resumes where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from amlwizard.cloud.interruption import pause
from amlwizard.cloud_port import ReportProgress
from amlwizard.command_line import RECIPE, TARGET, command_line
from amlwizard.design import api_versions
from amlwizard.design.names import OWNER_TAG, ResourceNames
from amlwizard.errors import CloudError, StepError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document
from amlwizard.language import _, _n
from amlwizard.plan import GONE, Context, Found, Step
from amlwizard.plan.outputs import RemovalOutput
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for
from amlwizard.steps.arm_step import owned
from amlwizard.steps.foundation import sign_in_step

GROUP, VAULT = "resource-group", "key-vault"
# What Azure creates beside our resources without an owner tag, by type and beginning of its name.
COMPANIONS = (
    ("microsoft.alertsmanagement/smartdetectoralertrules", "failure anomalies - {insights}"),
    ("microsoft.insights/actiongroups", "application insights smart detection"),
    ("microsoft.network/networkinterfaces", "{private_endpoint}"),
)

Read = Callable[[Context], Found]
Apply = Callable[[Context, ReportProgress], Document]


def teardown(recipe: Recipe, *, purge: bool = False) -> list[Step]:
    """The steps that undo a recipe, after the sign-in. With `purge` the names are free afterwards.

    Each has the id of the step that it undoes and the title of what it removes; its phase says that
    it removes. The purge of the vault is an additional one.
    """
    steps = made_by(recipe)
    going = [step for step in steps if step.removal and step.resource]
    undone = [sign_in_step(recipe)]  # needs only the token for Azure Resource Manager
    for step in reversed(going):
        users = tuple(other.id for other in going if step.id in other.after)
        part = _Part(recipe, step, _holder(step, going), purge)
        if step.id == GROUP:
            undone.append(part.as_step(users, part.read_group, part.remove))
            continue
        undone.append(part.as_step(users, part.read, part.remove))
        if purge and step.id == VAULT:
            undone.append(_purge_of_vault(part))
    return undone


def made_by(recipe: Recipe) -> list[Step]:
    """The steps of a recipe and of its earlier versions: private endpoints and entries of those
    still exist in the VNET, and would block its deletion."""
    wide = dict.fromkeys(("storage", "key_vault", "registry"), "private-endpoint")
    wide["aks_outbound"] = "user-defined-routing"
    made = {step.id: step for step in steps_for(recipe)}
    for entry in ("bastion", "vpn-gateway"):
        changes = {**wide, "nat_gateway": True, "secure_entry": entry}
        security = recipe.security.model_copy(update=changes)
        _join(made, steps_for(recipe.model_copy(update={"security": security})), entry)
    return list(made.values())


def _join(made: dict[str, Step], more: Sequence[Step], mark: str) -> None:
    """Add steps to others; one that has the id of another but a different resource gets `mark` as
    suffix."""
    called = {
        step.id: f"{step.id}.{mark}" if _another(made.get(step.id), step) else step.id
        for step in more
    }
    for step in more:
        after = tuple(called[name] for name in step.after)
        known = made.get(called[step.id], replace(step, id=called[step.id], after=after))
        made[known.id] = replace(known, after=tuple(dict.fromkeys((*known.after, *after))))


def _another(known: Step | None, step: Step) -> bool:
    return bool(
        known and known.resource and step.resource and known.resource.id != step.resource.id
    )


def _holder(step: Step, steps: Sequence[Step]) -> Step:
    """The step whose resource carries the tag: its own, or the nearest parent's."""
    assert step.resource
    if "tags" in step.resource.body:
        return step
    holders = [
        other
        for other in steps
        if other.resource
        and "tags" in other.resource.body
        and step.resource.id.startswith(f"{other.resource.id}/")
    ]
    return max(holders, key=lambda other: len(other.resource.id if other.resource else ""))


@dataclass(frozen=True)
class _Part:
    """One resource to remove. `holder` is the step whose tag says who owns it."""

    recipe: Recipe
    step: Step
    holder: Step
    purge: bool

    @property
    def prefix(self) -> str:
        return str(self.recipe.names.prefix)

    def as_step(self, users: tuple[str, ...], read: Read, apply: Apply) -> Step:
        return Step(
            id=self.step.id,
            title=self._called(),
            phase="remove",
            after=("sign-in", *users),
            read=read,
            apply=apply,
            resource=self.step.resource,
        )

    def _called(self) -> str:
        """The title of the resource, with its name if the title lacks it; one without a tag of its
        own is identified by its holder."""
        assert self.step.resource
        name = self.step.resource.id.rpartition("/")[2]
        known = name in self.step.title or self.holder is not self.step
        return self.step.title if known else f"{self.step.title} {name}"

    def _get(self, ctx: Context, step: Step) -> Document | None:
        assert step.resource
        found = ctx.cloud.arm.get(ctx.resolve(step.resource.id), step.resource.api_version)
        return dict(found) if found is not None else None

    @property
    def lingers(self) -> str:
        """What Azure keeps of the resource, unless it is purged."""
        assert self.step.removal
        freed = self.purge and (self.step.removal.purge or self.step.id == VAULT)
        return "" if freed else self.step.removal.soft_delete_note

    def read(self, ctx: Context) -> Found:
        assert self.step.removal
        found = self._get(ctx, self.step)
        if found is None:
            return self._not_there(ctx)
        if not self._is_ours(ctx, found):
            return self._of_others(ctx, found)
        if value_at(found, "properties.provisioningState") == "Deleting":
            return Found("busy", note=_("being deleted already"))
        takes = self.step.removal.also_removes
        notes = [_("with {others}", others=takes) if takes else "", self.lingers]
        return Found("unwanted", note="; ".join(note for note in notes if note))

    def _is_ours(self, ctx: Context, found: Document) -> bool:
        assert self.step.removal
        owner = found if self.holder is self.step else self._get(ctx, self.holder)
        return self.step.removal.owned_by_name or owned(owner, self.prefix)

    def _of_others(self, ctx: Context, found: Document) -> Found:
        """A resource that belongs to someone else stays; what amlwizard has put into it goes."""
        assert self.step.removal
        inside = self.step.removal.inside
        try:
            ours = inside.found(ctx, found) if inside else ""
        except CloudError as error:
            unseen = _(
                "what we may have put into it could not be looked at ({code})", code=error.code
            )
            return Found("ready", note=f"{self._left()}; {unseen}")
        if not ours:
            return Found("ready", note=self._left())
        return Found("unwanted", note=_("{left}; {ours} goes", left=self._left(), ours=ours))

    def _left(self) -> str:
        tag = f"{OWNER_TAG}: {self.prefix}"
        if self.holder is self.step:
            return _("left alone: it does not carry the tag {tag}", tag=tag)
        return _(
            "left alone: what it is part of ({parent}) does not carry the tag {tag}",
            parent=self.holder.id,
            tag=tag,
        )

    def _not_there(self, ctx: Context) -> Found:
        """A resource that is gone may still reserve its name, and may have left something
        behind."""
        assert self.step.removal and self.step.resource
        if self.purge and self.step.removal.invisible_when_soft_deleted:
            return self._soft_deleted(ctx)
        left = self._left_behind(ctx)
        if not left:
            return Found("ready", note=GONE)
        return Found(
            "ready",
            note=_(
                "not there; its {group} is still there: {command}",
                group=left,
                command=_group_deletion(left),
            ),
        )

    def _soft_deleted(self, ctx: Context) -> Found:
        """A GET does not find a soft-deleted resource; the list of the subscription may show it. If
        the group that held it is ours, it is purged in case it is soft-deleted."""
        assert self.step.resource
        address = ctx.resolve(self.step.resource.id)
        above, __, kind = address.rpartition("/")[0].partition("/providers/")
        group = ctx.cloud.arm.get(above, api_versions.RESOURCES)
        if group is not None:
            if not owned(group, self.prefix):
                return Found("ready", note=_("not there; a soft-deleted one may not be ours"))
            return Found("unwanted", note=_("not there; purged if it is soft-deleted"))
        subscription = above.rpartition("/resourceGroups/")[0]
        path = f"{subscription}/providers/{kind}"
        listed = ctx.cloud.arm.every(path, self.step.resource.api_version)
        held = next((d for d in listed if str(d["id"]).lower() == address.lower()), None)
        if held is None:
            return Found("ready", note=GONE)
        if held.get("tags") and not owned(held, self.prefix):
            return Found("ready", note=self._left())
        return Found("unwanted", note=_("soft-deleted: purged"))

    def _left_behind(self, ctx: Context) -> str:
        """The name of the companion group that should be gone as well; empty if it is."""
        assert self.step.removal
        along = ctx.resolve(self.step.removal.companion_group)
        there = along and ctx.cloud.arm.get(along, api_versions.RESOURCES) is not None
        return along.rpartition("/")[2] if there else ""

    def remove(self, ctx: Context, say: ReportProgress) -> Document:
        assert self.step.removal and self.step.resource
        resource, removal = self.step.resource, self.step.removal
        found = self._get(ctx, self.step) if removal.inside else None
        if removal.inside and found is not None and not self._is_ours(ctx, found):
            removal.inside.remove(ctx, found)
            return RemovalOutput(removed=False).to_json()
        if removal.before_delete:
            removal.before_delete(ctx, say)
        address = ctx.resolve(resource.id)
        query = {**removal.query, **(removal.purge if self.purge else {})}
        if self.purge and removal.invisible_when_soft_deleted:
            self._have_group(ctx, address.partition("/providers/")[0], say)
        there = ctx.cloud.arm.delete(address, resource.api_version, say, ctx.cancel, query)
        self._must_go_along(ctx)
        return RemovalOutput(there, self.lingers if there and self.lingers else None).to_json()

    def _have_group(self, ctx: Context, group: str, say: ReportProgress) -> None:
        """A soft-deleted resource is reached only through its group, which is created again for
        that, and removed again at the end."""
        if ctx.cloud.arm.get(group, api_versions.RESOURCES) is None:
            say(_("making its resource group again, to reach it"))
            body = {"location": self.recipe.sign_in.region, "tags": {OWNER_TAG: self.prefix}}
            ctx.cloud.arm.put(group, api_versions.RESOURCES, body, say, ctx.cancel)

    def _must_go_along(self, ctx: Context) -> None:
        assert self.step.removal
        end = time.monotonic() + ctx.cloud.profile.lag
        while left := self._left_behind(ctx):
            if time.monotonic() > end:
                raise StepError(
                    _("The resource group {group} is still there.", group=left),
                    why=_(
                        "Azure should have deleted it together with what it was made for ({title}).",
                        title=self.step.title,
                    ),
                    fix=_(
                        "Delete it: {command}. Then run destroy again.",
                        command=_group_deletion(left),
                    ),
                )
            pause(ctx.cloud.profile.polling, ctx.cancel)

    def read_group(self, ctx: Context) -> Found:
        """The group is removed last, and only if everything in it is ours."""
        assert self.step.resource
        found = self._get(ctx, self.step)
        if found is None or not owned(found, self.prefix):
            return Found("ready", note=GONE if found is None else self._left())
        inside = ctx.cloud.arm.every(
            f"{ctx.resolve(self.step.resource.id)}/resources", api_versions.RESOURCES
        )
        others = [item["id"] for item in inside if not self._ours(item)]
        if others:
            names = ", ".join(other.partition("/providers/")[2] for other in others)
            return Found(
                "ready",
                note=_("left alone: it holds what is not ours: {names}", names=names),
            )
        if value_at(found, "properties.provisioningState") == "Deleting":
            return Found("busy", note=_("being deleted already"))
        return Found("unwanted")

    def _ours(self, item: Document) -> bool:
        names = {
            "insights": self.recipe.names.application_insights,
            "private_endpoint": ResourceNames(self.recipe).private_endpoint(""),
        }
        kind, name = str(item["type"]).lower(), str(item["name"]).lower()
        return owned(item, self.prefix) or any(
            kind == companion and name.startswith(beginning.format(**names).lower())
            for companion, beginning in COMPANIONS
        )


def _group_deletion(name: str) -> str:
    return f"az group delete --name {name}"


def _purge_of_vault(part: _Part) -> Step:
    """Purge a vault after its deletion: by its name, among the deleted vaults of its region."""
    resource, recipe = part.step.resource, part.recipe
    assert resource
    name = recipe.names.key_vault
    deleted = (
        "/subscriptions/{sign-in.subscription}/providers/Microsoft.KeyVault/locations/"
        f"{recipe.sign_in.region}/deletedVaults/{name}"
    )

    def read(ctx: Context) -> Found:
        found = ctx.cloud.arm.get(ctx.resolve(deleted), resource.api_version)
        if found is not None:
            if not owned(found["properties"], part.prefix):
                return Found("ready", note=part._left())
            return Found("unwanted", note=_protected(found))
        if ctx.outputs.by_step[VAULT].get("removed"):
            return Found("unwanted")
        live = part._get(ctx, part.step)
        if live is None or not owned(live, part.prefix):
            return Found("ready", note=GONE)
        return Found("unwanted", note=_protected(live))

    def purge(ctx: Context, say: ReportProgress) -> Document:
        address = ctx.resolve(deleted)
        found = ctx.cloud.arm.await_there(address, resource.api_version, ctx.cancel)
        if found is None:
            raise StepError(
                _("Azure does not list the deleted key vault {name}.", name=name),
                why=_("It may take a while after the deletion."),
                fix=_(
                    "Run `{command}` again.",
                    command=command_line("destroy", RECIPE, "--target", TARGET, "--purge"),
                ),
            )
        if _protected(found):
            until = str(value_at(found, "properties.scheduledPurgeDate"))[:10]
            recover = f"az keyvault recover -n {name}"
            raise StepError(
                _("The key vault {name} cannot be purged before {until}.", name=name, until=until),
                why=_(
                    "It has purge protection, which cannot be turned off: Azure keeps the deleted vault, "
                    "and its name, until then."
                ),
                fix=_(
                    "Recover it ({command}), or name another vault in the recipe.",
                    command=recover,
                ),
            )
        ctx.cloud.arm.purge_vault(address, resource.api_version, say, ctx.cancel)
        return {}

    return Step(
        f"{VAULT}.purge",
        _("Soft-deleted key vault {name}", name=name),
        "remove",
        ("sign-in", VAULT),
        read,
        purge,
    )


def _protected(vault: Document) -> str:
    """Why a live or deleted vault cannot be purged; empty if it can."""
    p = vault["properties"]
    if not (p.get("enablePurgeProtection") or p.get("purgeProtectionEnabled")):
        return ""
    if until := str(p.get("scheduledPurgeDate", ""))[:10]:
        return _("cannot be purged: purge protection keeps its name until {date}", date=until)
    return _n(
        "cannot be purged: purge protection keeps its name for {n} day",
        "cannot be purged: purge protection keeps its name for {n} days",
        int(p.get("softDeleteRetentionInDays", 90)),
    )
