"""Role assignments (Azure RBAC): a role for a principal at a scope."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.plan import Context, Found, Removal, Resource, Step
from amlwizard.recipe import Recipe

PROVIDER = "providers/Microsoft.Authorization"
SERVICE_PRINCIPAL = "ServicePrincipal"  # the type of all our principals: managed identities


@dataclass(frozen=True)
class Role:
    """A built-in role: its name, and its id, which is the same in every tenant."""

    name: str
    id: str


NETWORK_CONTRIBUTOR = Role(_("Network Contributor"), "4d97b98b-1d4f-4787-a291-c67834d212e7")
ACR_PULL = Role("AcrPull", "7f951dda-4ed3-4680-a7ca-43fe172d538d")
ACR_PUSH = Role("AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec")
BLOB_CONTRIBUTOR = Role(_("Storage Blob Data Contributor"), "ba92f5b4-2d11-453d-a403-e96b0029c9fe")
FILE_CONTRIBUTOR = Role(
    _("Storage File Data Privileged Contributor"), "69566ab7-960f-475b-8e7c-b3118f30c6bd"
)
BLOB_READER = Role(_("Storage Blob Data Reader"), "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1")


def role_step(
    id: str, *, role: Role, principal: str, scope: str, after: tuple[str, ...], to: str
) -> Step:
    """Assign `role` at `scope` to `principal` (an object id or a placeholder); `to` is its readable
    name.

    Azure allows one assignment of a role to a principal at a scope, whatever its name. So an
    assignment made by someone else, including the service itself, counts as ready.
    """
    name = uuid5(NAMESPACE_URL, f"{scope}/{role.id}/{to}")
    assignment = _Assignment(role, principal, scope, str(name))
    return Step(
        id=id,
        title=_("{role} for {identity}", role=role.name, identity=to),
        phase="provision",
        after=after,
        read=assignment.read,
        apply=assignment.apply,
        resource=assignment.resource,
        removal=Removal(owned_by_name=True),
        az=(
            f"az role assignment create --name {name} --role {role.id} "
            f"--assignee-object-id {principal} --assignee-principal-type {SERVICE_PRINCIPAL} "
            f"--scope {scope}",
        ),
    )


@dataclass(frozen=True)
class _Assignment:
    """`principal` and `scope` may hold placeholders; `name` is the assignment's, a UUID."""

    role: Role
    principal: str
    scope: str
    name: str

    @property
    def resource(self) -> Resource:
        definitions = f"/subscriptions/{{sign-in.subscription}}/{PROVIDER}/roleDefinitions"
        return Resource(
            f"{self.scope}/{PROVIDER}/roleAssignments/{self.name}",
            api_versions.AUTHORIZATION,
            {
                "properties": {
                    "roleDefinitionId": f"{definitions}/{self.role.id}",
                    "principalId": self.principal,
                    "principalType": SERVICE_PRINCIPAL,
                }
            },
        )

    def read(self, ctx: Context) -> Found | None:
        whose = ctx.resolve(self.principal).lower()
        address = ctx.resolve(self.resource.id)
        path = f"{ctx.resolve(self.scope)}/{PROVIDER}/roleAssignments?$filter=atScope()"
        for found in ctx.cloud.arm.every(path, api_versions.AUTHORIZATION):
            given, outputs = found["properties"], {"id": found["id"]}
            same_role = given["roleDefinitionId"].lower().endswith(self.role.id)
            if same_role and given["principalId"].lower() == whose:
                return Found("ready", outputs)
            if found["id"].lower() == address.lower():
                other = f"properties.principalId: {given['principalId']!r} -> {whose!r}"
                return Found("differs", outputs, (other,))
        return None

    def apply(self, ctx: Context, say: ReportProgress) -> Document:
        arm, address = ctx.cloud.arm, ctx.resolve(self.resource.id)
        # The principal of an assignment is immutable: a recreated identity needs a new assignment.
        if arm.get(address, api_versions.AUTHORIZATION):
            arm.delete(address, api_versions.AUTHORIZATION, say, ctx.cancel)
        arm.put(
            address, api_versions.AUTHORIZATION, ctx.resolve(self.resource.body), say, ctx.cancel
        )
        return {"id": address}


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
        role=role,
        principal=f"{{{step}.principal}}",
        scope=Ids(recipe).storage,
        after=(*after, "storage"),
        to=to,
    )
