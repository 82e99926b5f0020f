"""Collects the facts that a posture is judged on: ARM documents, and observations from inside and
outside the VNET. Independent requests run in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from amlwizard import notebook
from amlwizard.cloud_port import STOPPED, ArmPort, ProbeResult, ReportProgress
from amlwizard.command_line import command_line
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.design.names import ResourceNames
from amlwizard.design.private_endpoints import links
from amlwizard.errors import AmlwizardError, CloudError, OperationCancelledError, StepError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, JsonObject
from amlwizard.language import _
from amlwizard.notebook.access import AUDIENCES, api_of, lent_token, scope_of
from amlwizard.plan import Context, Resource
from amlwizard.posture.endpoints import addresses
from amlwizard.posture.facts import (
    PostureFacts,
    ProbeAnswer,
    Role,
    Roles,
    Side,
    document_in,
    list_in,
)
from amlwizard.recipe import Recipe
from amlwizard.run_control import Workers

WORKERS = 12
EXPERIMENTS = "/api/2.0/mlflow/experiments/search"
REFUSED = (401, 403)
INSIDE, OUTSIDE = "inside", "outside"
Sides = Collection[str]

T = TypeVar("T")

# role -> the step whose resource it is
RESOURCES = {
    "vnet": "vnet", "workspace": "workspace", "storage": "storage", "key-vault": "key-vault",
    "registry": "registry", "databricks": "databricks", "aks": "aks",
    "extension": "aks-extension", "build-compute": "build-compute", "endpoint": "endpoint",
}  # fmt: skip
# role -> resource type under Microsoft.Network; all of them in the group are listed
LISTS = {
    "nsgs": "networkSecurityGroups", "private-endpoints": "privateEndpoints",
    "public-ips": "publicIPAddresses", "bastions": "bastionHosts",
    "gateways": "virtualNetworkGateways",
}  # fmt: skip
# The response to a request without credentials shows whether the firewall let it through.
GREETINGS = {
    "storage-blob": "/?comp=list",
    "storage-file": "/?comp=list",
    "key-vault": "/secrets?api-version=7.4",
    "registry": "/v2/",
}


@dataclass(frozen=True)
class EvidenceScope:
    """How thoroughly to look: `skip` names the sides to leave out; `wake` starts a stopped cluster,
    the only place from which the inside can be observed."""

    skip: Sides = ()
    wake: bool = False


Observe: TypeAlias = Callable[[Context, EvidenceScope, Recipe, Roles, ReportProgress], Side | str]


def gather(
    ctx: Context,
    recipe: Recipe,
    resources: Mapping[str, Resource],
    scope: EvidenceScope,
    say: ReportProgress,
) -> PostureFacts:
    """The facts about a platform. `resources` maps step ids to the resources of the journey's
    steps.

    Raises StepError if the VNET or the workspace of the recipe does not exist.
    """
    ids = Ids(recipe)
    arm = ctx.cloud.arm
    group = ctx.resolve(ids.group)
    jobs: dict[str, Callable[[], Role]] = {}

    def one(role: str, resource: Resource) -> None:
        jobs[role] = lambda: arm.get(ctx.resolve(resource.id), resource.api_version)

    def all_of(role: str, path: str, version: str = api_versions.NETWORK) -> None:
        jobs[role] = lambda: _listed(arm, path, version)

    for role, step in RESOURCES.items():
        one(role, resources[step])
    for role, kind in LISTS.items():
        all_of(role, f"{group}/providers/Microsoft.Network/{kind}")
    for link in links(recipe):
        endpoint = f"{group}/providers/Microsoft.Network/privateEndpoints/{ids.names.private_endpoint(link.name)}"
        all_of(f"zone-groups.{link.name}", f"{endpoint}/privateDnsZoneGroups")
        for zone in link.zones:
            stem = ctx.resolve(ids.zone(zone))
            all_of(f"dns-links.{zone}", f"{stem}/virtualNetworkLinks", api_versions.PRIVATE_DNS)
            all_of(f"records.{zone}", f"{stem}/A", api_versions.PRIVATE_DNS)
    subscription = group.rpartition("/")[0]
    managed = f"{subscription}/{recipe.names.databricks_managed_group}"
    all_of("public-ips.databricks", f"{managed}/providers/Microsoft.Network/publicIPAddresses")
    documents, unread = _together(jobs, ctx)
    _must_be_built(recipe, documents, unread)
    if documents.get("aks"):
        more, unseen = _together(_made_by_aks(arm, subscription, documents["aks"]), ctx)
        documents.update(more)
        unread.update(unseen)
    say(
        _(
            "{read} of {asked} reads of Azure Resource Manager",
            read=len(documents),
            asked=len(documents) + len(unread),
        )
    )
    with Workers(2) as pool:
        seen = {
            side: pool.submit(_side, side, observe, scope, ctx, recipe, documents, say)
            for side, observe in ((OUTSIDE, _outside), (INSIDE, _inside))
        }
        return PostureFacts(documents, unread, seen[OUTSIDE].result(), seen[INSIDE].result())


def _made_by_aks(
    arm: ArmPort, subscription: str, cluster: Role
) -> Mapping[str, Callable[[], Role]]:
    """The reads of what AKS has made in the resource group of its nodes."""
    nodes = value_at(cluster, "properties.nodeResourceGroup")
    network = f"{subscription}/{nodes}/providers/Microsoft.Network"
    kinds = {"public-ips.aks": "publicIPAddresses", "load-balancers.aks": "loadBalancers"}
    return {
        role: partial(_listed, arm, f"{network}/{kind}", api_versions.NETWORK)
        for role, kind in kinds.items()
    }


def _together(
    jobs: Mapping[str, Callable[[], T]], ctx: Context
) -> tuple[dict[str, T], dict[str, str]]:
    """Results by role, and for each failed job the reason. Raises OperationCancelledError."""
    found: dict[str, T] = {}
    unread: dict[str, str] = {}
    with Workers(WORKERS) as pool:
        for role, future in {role: pool.submit(job) for role, job in jobs.items()}.items():
            try:
                found[role] = future.result()
            except CloudError as error:
                unread[role] = str(error.code or error.status or _("no answer"))
    if ctx.cancel.is_set():
        raise OperationCancelledError(_("Cancelled."))
    return found, unread


def _listed(arm: ArmPort, path: str, version: str) -> list[Document]:
    """All items of a collection; empty if its parent does not exist."""
    try:
        return list(arm.every(path, version))
    except CloudError as error:
        if error.status == 404:
            return []
        raise


def _must_be_built(recipe: Recipe, documents: Roles, unread: Mapping[str, str]) -> None:
    missing = [r for r in ("vnet", "workspace") if r not in unread and not documents.get(r)]
    if missing:
        raise StepError(
            _(
                "{resource_group} holds no finished platform of this recipe.",
                resource_group=recipe.names.resource_group,
            ),
            why=_("Not there: {missing}.", missing=", ".join(missing)),
            fix=_("Replay the recipe first, or name the one that was built."),
        )


# -- the two sides


def _side(
    side: str,
    observe: Observe,
    scope: EvidenceScope,
    ctx: Context,
    recipe: Recipe,
    documents: Roles,
    say: ReportProgress,
) -> Side | str | None:
    if side in scope.skip:
        return None
    try:
        return observe(ctx, scope, recipe, documents, say)
    except OperationCancelledError:
        raise
    except AmlwizardError as error:
        return error.what


def _private_names(recipe: Recipe, documents: Roles) -> dict[str, dict[str, list[str]]]:
    """For each private endpoint of the recipe: its DNS names, each with its addresses."""
    by_name = {str(e.get("name", "")).lower(): e for e in list_in(documents, "private-endpoints")}
    return {
        link.name: addresses(by_name[name], list_in(documents, f"zone-groups.{link.name}"))
        for link in links(recipe)
        if (name := ResourceNames(recipe).private_endpoint(link.name).lower()) in by_name
    }


def _tracking(documents: Roles) -> str:
    """The URL of the experiment search: a read-only data-plane call that requires a token."""
    uri = str(value_at(documents.get("workspace"), "properties.mlFlowTrackingUri") or "")
    return api_of(uri) + EXPERIMENTS if uri else ""


def _api_names(documents: Roles) -> Iterable[str]:
    for key in ("fqdn", "privateFQDN"):
        name = value_at(documents.get("aks"), f"properties.{key}")
        if name:
            yield str(name)


def _outside(
    ctx: Context,
    scope: EvidenceScope,
    recipe: Recipe,
    documents: Roles,
    say: ReportProgress,
) -> Side | str:
    cloud, private = ctx.cloud, _private_names(recipe, documents)
    names = [name for held in private.values() for name in held]
    if recipe.security.private_aks:
        names += _api_names(documents)
    url, scoring = (
        _tracking(documents),
        value_at(documents.get("endpoint"), "properties.scoringUri"),
    )

    def tracking() -> ProbeResult:
        answers = []
        for audience in AUDIENCES:
            token = cloud.access_token(audience)
            answers.append(cloud.knock("POST", url, {"max_results": 1}, token))
            if answers[-1].status not in REFUSED:
                return answers[-1]
        # 403 (token accepted, access denied) says more than 401 (token rejected).
        return max(answers, key=lambda answer: answer.status)

    jobs: dict[str, Callable[[], Sequence[str] | ProbeResult]] = {
        f"name {n}": lambda n=n: cloud.resolve(n) for n in names
    }
    if url:
        jobs["answer tracking"] = tracking
    if scoring and recipe.serving.load_balancer == "internal":
        jobs["answer scoring"] = lambda: cloud.knock("GET", str(scoring))
    found, __ = _together(jobs, ctx)
    resolved = {
        k.removeprefix("name "): v for k, v in found.items() if not isinstance(v, ProbeResult)
    }
    answers = {
        k.removeprefix("answer "): ProbeAnswer(v.status, v.code, v.error)
        for k, v in found.items()
        if isinstance(v, ProbeResult)
    }
    held = {a for by_name in private.values() for found in by_name.values() for a in found}
    works = 200 <= answers.get("tracking", ProbeAnswer()).status < 300
    if works and any(set(found) & held for found in resolved.values()):
        return _("this machine is inside the VNET, or connected to it")
    return Side(resolved, answers)


def _inside(
    ctx: Context,
    scope: EvidenceScope,
    recipe: Recipe,
    documents: Roles,
    say: ReportProgress,
) -> Side | str:
    """Observe with cells on the Databricks cluster, which is in the VNET."""
    workspace = document_in(documents, "databricks")
    url = value_at(workspace, "properties.workspaceUrl")
    if not workspace or not url:
        return _("there is no Databricks workspace to look from")
    client = ctx.cloud.databricks(url=str(url), id=str(workspace["id"]))
    cluster = client.find_cluster(recipe.names.cluster)
    if cluster is None:
        return _("there is no cluster {cluster} to look from", cluster=recipe.names.cluster)
    if str(cluster.get("state")) in STOPPED and not scope.wake:
        verifying = command_line("verify", ctx.name, "--target", ctx.cloud.profile.name)
        return _("the cluster sleeps: `{command}` wakes it", command=verifying)
    client.have_running(cluster["cluster_id"], say, ctx.cancel)
    private = _private_names(recipe, documents)
    calls: dict[str, JsonObject] = {
        link: {"method": "GET", "url": f"https://{next(iter(held))}{GREETINGS[link]}",
               "body": None, "token": False}
        for link, held in private.items()
        if link in GREETINGS and held
    }  # fmt: skip
    tracking = _tracking(documents)
    if tracking:
        body = {"max_results": 1}
        calls["tracking"] = {"method": "POST", "url": tracking, "body": body, "token": True}
    names = [name for held in private.values() for name in held]
    if recipe.security.private_aks:
        names += _api_names(documents)
    parameters = {"names": names, "calls": calls, "scope": scope_of(recipe)}
    with lent_token(ctx.cloud, recipe, client, "probe-token") as (key, __):
        cells = notebook.cells("probe", {**parameters, "token_key": key})
        seen = client.run_cells(cluster["cluster_id"], cells, say, ctx.cancel)[-1].data
    return Side(
        seen["names"], {name: ProbeAnswer(**answer) for name, answer in seen["answers"].items()}
    )
