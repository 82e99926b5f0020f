"""Names that are taken, also by soft-deleted resources, and resource groups in another region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from amlwizard.design import api_versions
from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.plan import GROUP
from amlwizard.preflight.situation import UNIQUE, Situation
from amlwizard.rules.name_shapes import SHAPES
from amlwizard.rules.renaming import another

FIELDS = {
    "storage": "names.storage",
    "key-vault": "names.key_vault",
    "registry": "names.registry",
}
KINDS = {
    "storage": _("storage account"),
    "key-vault": _("key vault"),
    "registry": _("container registry"),
}


def taken(s: Situation) -> Iterator[Finding]:
    """Globally unique names that are not available."""
    deleted = _deleted_vault(s)
    for step, kind in UNIQUE.items():
        if kind not in s.facts.taken or (step == "key-vault" and deleted):
            continue
        [planned] = [p for p in s.new if p.step == step]
        field, other = FIELDS[step], s.facts.free_names.get(kind)
        if not SHAPES[field.partition(".")[2]].fits(planned.name):
            continue  # an invalid name is not available either, but NM-1 says why
        yield Finding(
            "name-taken",
            "error",
            (field,),
            _("The {kind} name {name} is taken.", kind=KINDS[step], name=planned.name),
            why=_("This name must be globally unique, and another Azure customer uses it."),
            fix=_("Choose another name: {other} is available.", other=other)
            if other
            else _("Choose another name."),
            cure={field: other} if other else {},
            command=s.replaying({field: other or "NAME"}),
        )


def _deleted_vault(s: Situation) -> Mapping[str, object] | None:
    if not s.is_new("key-vault"):
        return None
    name = s.recipe.names.key_vault.lower()
    return next((v for v in s.facts.deleted_vaults if str(v["name"]).lower() == name), None)


def deleted_vault(s: Situation) -> Iterator[Finding]:
    """A deleted vault keeps its name until it is purged or its retention period ends."""
    found = _deleted_vault(s)
    if not found:
        return
    p = found["properties"]
    assert isinstance(p, Mapping)
    name, until = s.recipe.names.key_vault, str(p.get("scheduledPurgeDate") or "")[:10]
    cure: dict[str, str] = {}
    where = f"--name {name} --location {p['location']}"
    if str(p.get("vaultId") or "").lower() == s.ids["key-vault"].lower():
        fix = _(
            "Recover it, as it belongs to this recipe; or purge it: {command}", command=s.purging
        )
        command = f"az keyvault recover {where}"
        if s.facts.group is None:
            command = f"{_group_again(s)} && {command}"
    elif p.get("purgeProtectionEnabled"):
        fix = _(
            "Choose another name: purge protection keeps this vault until {until}.", until=until
        )
        cure = another(s.recipe.names, "key_vault")
        command = s.replaying(cure)
    else:
        fix = _("Purge it, if nobody needs it any more, or choose another name.")
        command = f"az keyvault purge {where}"
    yield Finding(
        "soft-deleted",
        "error",
        ("names.key_vault",),
        _("The key vault name {name} is in use by a soft-deleted vault.", name=name),
        why=_(
            "{vault} was deleted, but keeps its name until {until}.",
            vault=p.get("vaultId"),
            until=until,
        ),
        fix=fix,
        cure=cure,
        command=command,
    )


def _group_again(s: Situation) -> str:
    """The command that recreates the recipe's group as a run would: soft-deleted resources are only
    reachable through their group."""
    group = next(p for p in s.new if p.type == GROUP)
    tags = " ".join(f"{key}={value}" for key, value in group.body["tags"].items())
    return f"az group create --name {group.name} --location {s.region} --tags {tags}"


def deleted_workspace(s: Situation) -> Iterator[Finding]:
    """A soft-deleted workspace is still listed in its subscription, but a GET does not find it."""
    if not s.is_new("workspace"):
        return
    address = s.ids["workspace"]
    if not any(str(w["id"]).lower() == address.lower() for w in s.facts.workspaces):
        return
    purge = f'az rest --method delete --url "{address}?api-version={api_versions.MACHINE_LEARNING}&forceToPurge=true"'
    fix = _(
        "Purge it (this does it, too: {command}), recover it in the portal (Recently deleted), "
        "or choose another name.",
        command=s.purging,
    )
    if s.facts.group is None:  # the resources that it depends on were deleted with its group
        purge = f"{_group_again(s)} && {purge}"
        fix = _(
            "Purge it (this does it, too: {command}), or choose another name.", command=s.purging
        )
    yield Finding(
        "soft-deleted",
        "error",
        ("names.workspace",),
        _(
            "The workspace name {workspace} is in use by a soft-deleted workspace.",
            workspace=s.recipe.names.workspace,
        ),
        why=_(
            "A deleted workspace keeps its name in the resource group for 14 days, or until it is "
            "purged."
        ),
        fix=fix,
        command=purge,
    )


def endpoint(s: Situation) -> Iterator[Finding]:
    """Endpoint names are unique per region. Those of other subscriptions are not visible."""
    name = s.recipe.names.endpoint
    if s.is_new("endpoint") and name.lower() in (held.lower() for held in s.facts.endpoints):
        yield Finding(
            "name-taken",
            "error",
            ("names.endpoint",),
            _(
                "The endpoint name {name} is taken by another workspace in {region}.",
                name=name,
                region=s.region,
            ),
            why=_("The name of an endpoint must be unique in its region."),
            fix=_("Choose another name."),
            cure=(cure := another(s.recipe.names, "endpoint")),
            command=s.replaying(cure),
        )


def managed_group(s: Situation) -> Iterator[Finding]:
    """Databricks creates its managed resource group itself, so it must not exist yet."""
    group = s.facts.managed_group
    if s.is_new("databricks") and group:
        name = s.recipe.names.databricks_managed_group
        owner, deleting = group.get("managedBy"), f"az group delete --name {name}"
        yield Finding(
            "name-taken",
            "error",
            ("names.databricks_managed_group",),
            _("The resource group {name} exists already.", name=name),
            why=_("It is managed by {owner}.", owner=owner)
            if owner
            else _("Databricks must create this group itself."),
            fix=_("Choose another name for the managed resource group.")
            if owner
            else _(
                "If a deleted workspace left it behind, delete it; otherwise choose another name. To "
                "delete it: {command}",
                command=deleting,
            ),
            cure=(cure := another(s.recipe.names, "databricks_managed_group")),
            command=s.replaying(cure),
        )


def places(s: Situation) -> Iterator[Finding]:
    """A resource group cannot be moved to another region."""
    group = s.facts.group
    if group and group["location"].lower() != s.region and any(p.type == GROUP for p in s.changed):
        yield Finding(
            "other-region",
            "error",
            ("names.resource_group", "sign_in.region"),
            _(
                "The resource group {group} is in {location}, not in {region}.",
                group=s.recipe.names.resource_group,
                location=group["location"],
                region=s.region,
            ),
            why=_("A resource group cannot be moved to another region."),
            fix=_(
                "Use another resource group, or build in {location}.", location=group["location"]
            ),
            cure={"sign_in.region": group["location"]},
            command=s.replaying({"sign_in.region": group["location"]}),
        )
