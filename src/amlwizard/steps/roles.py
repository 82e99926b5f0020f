"""Role assignments (Azure RBAC): a role for a principal at a scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.json_types import Document
from amlwizard.plan import Context, Found, Removal, Resource, Step
from amlwizard.recipe import Recipe

PROVIDER = "providers/Microsoft.Authorization"


@dataclass(frozen=True)
class Role:
    """A built-in role: its name, and its id, which is the same in every tenant."""

    name: str
    id: str


NETWORK_CONTRIBUTOR = Role("Network Contributor", "4d97b98b-1d4f-4787-a291-c67834d212e7")
ACR_PULL = Role("AcrPull", "7f951dda-4ed3-4680-a7ca-43fe172d538d")
ACR_PUSH = Role("AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec")
BLOB_CONTRIBUTOR = Role("Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe")
FILE_CONTRIBUTOR = Role(
    "Storage File Data Privileged Contributor", "69566ab7-960f-475b-8e7c-b3118f30c6bd"
)
BLOB_READER = Role("Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1")


def role_step(
    id: str, title: str, *, role: Role, principal: str, scope: str, after: tuple[str, ...], to: str
) -> Step:
    """Assign `role` at `scope` to `principal` (an object id or a placeholder); `to` is its readable
    name.

    Azure allows one assignment of a role to a principal at a scope, whatever its name. So an
    assignment made by someone else, including the service itself, counts as ready.
    """
    definition = f"/subscriptions/{{sign-in.subscription}}/{PROVIDER}/roleDefinitions/{role.id}"
    name = uuid5(NAMESPACE_URL, f"{scope}/{role.id}/{to}")
    resource = Resource(
        f"{scope}/{PROVIDER}/roleAssignments/{name}",
        api_versions.AUTHORIZATION,
        {
            "properties": {
                "roleDefinitionId": definition,
                "principalId": principal,
                "principalType": "ServicePrincipal",
            }
        },
    )

    def read(ctx: Context) -> Found | None:
        whose = ctx.resolve(principal).lower()
        address = ctx.resolve(resource.id)
        path = f"{ctx.resolve(scope)}/{PROVIDER}/roleAssignments?$filter=atScope()"
        for found in ctx.cloud.arm.every(path, api_versions.AUTHORIZATION):
            given = found["properties"]
            mine = found["id"].lower() == address.lower()
            if given["roleDefinitionId"].lower().endswith(role.id) and (
                given["principalId"].lower() == whose
            ):
                return Found("ready", {"id": found["id"]})
            if mine:
                return Found(
                    "differs",
                    {"id": found["id"]},
                    (f"properties.principalId: {given['principalId']!r} -> {whose!r}",),
                )
        return None

    def apply(ctx: Context, say: ReportProgress) -> Document:
        arm, address = ctx.cloud.arm, ctx.resolve(resource.id)
        # The principal of an assignment is immutable: a recreated identity needs a new assignment.
        arm.delete(address, api_versions.AUTHORIZATION, say, ctx.cancel)
        arm.put(address, api_versions.AUTHORIZATION, ctx.resolve(resource.body), say, ctx.cancel)
        return {"id": address}

    return Step(
        id=id,
        title=title,
        phase="provision",
        after=after,
        read=read,
        apply=apply,
        resource=resource,
        removal=Removal(owned_by_name=True),
        az=(
            f"az role assignment create --name {name} --role {role.id} "
            f"--assignee-object-id {principal} --assignee-principal-type ServicePrincipal "
            f"--scope {scope}",
        ),
    )


def pulls_and_reads(recipe: Recipe, step: str, to: str, *, after: tuple[str, ...]) -> list[Step]:
    """The roles that a Kubernetes compute or endpoint needs to start a deployment: pull the image
    from the registry and read the model from the storage account (attach Kubernetes, managed
    identity).

    `step` is the id of the step that creates the identity and outputs its object id as `principal`.
    """
    return [
        _at_registry(recipe, step, to, "acr-pull", ACR_PULL, after),
        _at_storage(recipe, step, to, "blob-reader", BLOB_READER, after),
    ]


def keeps_data(recipe: Recipe, step: str, to: str, *, after: tuple[str, ...]) -> list[Step]:
    """The roles that the workspace's identity needs on a storage account without shared keys."""
    return [
        _at_storage(recipe, step, to, id, role, after)
        for id, role in (("blob-data", BLOB_CONTRIBUTOR), ("file-data", FILE_CONTRIBUTOR))
    ]


def pulls_and_pushes(recipe: Recipe, step: str, to: str, *, after: tuple[str, ...]) -> list[Step]:
    """The roles that the image-build compute needs on a registry without an admin user."""
    return [
        _at_registry(recipe, step, to, "acr-pull", ACR_PULL, after),
        _at_registry(recipe, step, to, "acr-push", ACR_PUSH, after),
    ]


def _at_registry(
    recipe: Recipe, step: str, to: str, id: str, role: Role, after: tuple[str, ...]
) -> Step:
    return role_step(
        f"{step}-{id}",
        f"{role.name} for {to}",
        role=role,
        principal=f"{{{step}.principal}}",
        scope=Ids(recipe).registry,
        after=(*after, "registry"),
        to=to,
    )


def _at_storage(
    recipe: Recipe, step: str, to: str, id: str, role: Role, after: tuple[str, ...]
) -> Step:
    return role_step(
        f"{step}-{id}",
        f"{role.name} for {to}",
        role=role,
        principal=f"{{{step}.principal}}",
        scope=Ids(recipe).storage,
        after=(*after, "storage"),
        to=to,
    )
