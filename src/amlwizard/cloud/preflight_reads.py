"""Reads all that preflight must know about a subscription, in parallel. Nothing here writes: the
POSTs are Azure's APIs to check name availability and policies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from amlwizard.cloud.facts import (
    UNREGISTERED,
    CloudFacts,
    Denied,
    Permission,
    Planned,
    Questions,
    Size,
    Unread,
    Usage,
)
from amlwizard.cloud.policies import objections
from amlwizard.cloud_port import ArmPort
from amlwizard.design import api_versions
from amlwizard.errors import CloudError
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.run_control import Workers

T = TypeVar("T")

WORKERS = 12
ML = "Microsoft.MachineLearningServices"
# ARM type -> api-version and maximum name length, for globally unique names.
UNIQUE = {
    "Microsoft.Storage/storageAccounts": (api_versions.STORAGE, 24),
    "Microsoft.KeyVault/vaults": (api_versions.KEY_VAULT, 24),
    "Microsoft.ContainerRegistry/registries": (api_versions.CONTAINER_REGISTRY, 50),
}
PROVIDERS, POLICIES = _("providers"), _("policies")
REGIONAL = (
    _("vCPU quota"),
    _("network quota"),
    _("Machine Learning quota"),
    _("VM sizes"),
    _("Kubernetes versions"),
)


def gather(arm: ArmPort, asked: Questions) -> CloudFacts:
    """The facts; reads that the cloud refuses are listed in `unread`. Raises CloudError if the
    cloud does not respond at all."""
    queries = _Queries(arm, asked)
    with Workers(WORKERS, thread_name_prefix="queries") as pool:
        reads = _Reads(pool)
        providers = [reads.ask(PROVIDERS, partial(queries.provider, ns)) for ns in asked.namespaces]
        names = {
            kind: reads.ask(_("the name {name}", name=name), partial(queries.name, kind, name))
            for kind, name in asked.names.items()
        }
        assigned = pool.submit(queries.policies_are_assigned)
        workspaces = reads.ask(_("Machine Learning workspaces"), queries.workspaces)
        usages, rest = _usages(queries, reads), _rest(queries, reads)
        judged = [*_tracked(asked.planned), *asked.implied] if assigned.result() else []
        policies = [reads.ask(POLICIES, partial(queries.denied, planned)) for planned in judged]
        listed = workspaces.result() or []
        endpoints = [
            reads.ask(_("online endpoints"), partial(queries.endpoints, w["id"]))
            for w in listed
            if _is_elsewhere(w, asked)
        ]
        known = [p for p in (future.result() for future in providers) if p]
        held = {kind: future.result() for kind, future in names.items()}
        found = {name: future.result() for name, future in rest.items()}
        return CloudFacts(
            taken=frozenset(kind for kind, free in held.items() if free is not None),
            free_names={kind: free for kind, free in held.items() if free},
            workspaces=listed,
            endpoints=[name for future in endpoints for name in future.result() or ()],
            registrations={p["namespace"]: p["registrationState"] for p in known},
            offered=_offered(known),
            usages={service: future.result() or {} for service, future in usages.items()},
            denied=[d for future in policies for d in future.result() or ()],
            unread=tuple(reads.unread),
            **{name: value for name, value in found.items() if value is not None},
        )


class _Reads:
    """Reads in parallel; `unread` are those that the cloud has refused so far."""

    def __init__(self, pool: Workers) -> None:
        self._pool = pool
        self.unread: dict[Unread, None] = {}

    def ask(self, what: str, question: Callable[[], T | None]) -> Future[T | None]:
        return self._pool.submit(self._answer, what, question)

    def _answer(self, what: str, question: Callable[[], T | None]) -> T | None:
        try:
            return question()
        except CloudError as error:
            # What policies say before a write is advice: Azure Policy judges the write itself.
            if not 400 <= error.status < 500 and what != POLICIES:
                raise
            # An unregistered provider is already among the facts.
            if error.code not in UNREGISTERED or what == POLICIES:
                code = error.code or str(error.status)
                self.unread[Unread(what, code, error.why, what in REGIONAL)] = None
            return None


def _usages(queries: _Queries, reads: _Reads) -> dict[str, Future[dict[str, Usage] | None]]:
    return {
        "compute": reads.ask(
            _("vCPU quota"), partial(queries.usages, "Microsoft.Compute", api_versions.COMPUTE)
        ),
        "network": reads.ask(
            _("network quota"), partial(queries.usages, "Microsoft.Network", api_versions.NETWORK)
        ),
        "ml": reads.ask(
            _("Machine Learning quota"), partial(queries.usages, ML, api_versions.MACHINE_LEARNING)
        ),
    }


def _rest(queries: _Queries, reads: _Reads) -> dict[str, Future[Any]]:
    """The reads that are facts as they are, by their names in Facts."""
    return {
        "group": reads.ask(_("the resource group"), queries.group),
        "cluster": reads.ask(_("the AKS cluster"), queries.cluster),
        "managed_group": reads.ask(_("the managed resource group"), queries.managed_group),
        "deleted_vaults": reads.ask(_("deleted vaults"), queries.deleted_vaults),
        "locations": reads.ask(_("regions"), queries.locations),
        "sizes": reads.ask(_("VM sizes"), queries.sizes),
        "kubernetes": reads.ask(_("Kubernetes versions"), queries.kubernetes),
        "permissions": reads.ask(_("the account's rights"), queries.permissions),
        "vnets": reads.ask(_("virtual networks"), queries.vnets),
        "zone_links": reads.ask(_("private DNS zones"), queries.zone_links),
    }


class _Queries:
    """The reads, one method each."""

    def __init__(self, arm: ArmPort, asked: Questions) -> None:
        self.arm, self.asked = arm, asked
        self.root = f"/subscriptions/{asked.subscription}"

    def group(self) -> Document | None:
        return self.arm.get(self.asked.group, api_versions.RESOURCES)

    def cluster(self) -> Document | None:
        return self.arm.get(self.asked.cluster, api_versions.AKS)

    def managed_group(self) -> Document | None:
        return self.arm.get(self.asked.managed_group, api_versions.RESOURCES)

    def provider(self, namespace: str) -> Document:
        return self.arm.send("GET", f"{self.root}/providers/{namespace}", api_versions.RESOURCES)

    def name(self, kind: str, name: str) -> str | None:
        """None if the name is free; otherwise a similar name that is free, or an empty string."""
        api_version, longest = UNIQUE[kind]

        def is_free(name: str) -> bool:
            path = f"{self.root}/providers/{kind.split('/')[0]}/checkNameAvailability"
            asked = {"name": name, "type": kind}
            answer = self.arm.query(path, api_version, asked, "nameAvailable")
            return bool(answer.get("nameAvailable"))

        if is_free(name):
            return None
        mark = hashlib.sha256(f"{self.asked.subscription}/{name}".encode()).hexdigest()[:5]
        other = f"{name[: longest - len(mark)]}{mark}"
        return other if is_free(other) else ""

    def deleted_vaults(self) -> Sequence[Document]:
        path = f"{self.root}/providers/Microsoft.KeyVault/deletedVaults"
        return self.arm.every(path, api_versions.KEY_VAULT)

    def workspaces(self) -> Sequence[Document]:
        """Includes soft-deleted ones: they are listed, but a GET does not find them."""
        return self.arm.every(
            f"{self.root}/providers/{ML}/workspaces", api_versions.MACHINE_LEARNING
        )

    def endpoints(self, workspace: str) -> list[str]:
        try:
            found = self.arm.every(f"{workspace}/onlineEndpoints", api_versions.MACHINE_LEARNING)
        except CloudError as error:
            if error.status == 404:  # a soft-deleted workspace
                return []
            raise
        return [str(endpoint["name"]) for endpoint in found]

    def locations(self) -> dict[str, str]:
        """Regions that hold resources, with the geography of each: data stays within it."""
        found = self.arm.every(f"{self.root}/locations", api_versions.SUBSCRIPTIONS)
        places = {str(location["name"]): location.get("metadata") or {} for location in found}
        return {
            name: str(place.get("geography") or place.get("geographyGroup") or "")
            for name, place in places.items()
            if place.get("regionType") != "Logical"
        }

    def sizes(self) -> dict[str, Size]:
        where = quote(f"location eq '{self.asked.region}'")
        path = f"{self.root}/providers/Microsoft.Compute/skus?$filter={where}"
        found = self.arm.every(path, api_versions.COMPUTE_SKUS)
        return {
            s["name"].lower(): _size(s) for s in found if s["resourceType"] == "virtualMachines"
        }

    def kubernetes(self) -> frozenset[str] | None:
        """Minor versions and their patch versions; None if the recipe leaves the version to
        Azure."""
        if not self.asked.kubernetes:
            return None
        path = f"{self.root}/providers/Microsoft.ContainerService/locations/{self.asked.region}"
        found = self.arm.send("GET", f"{path}/kubernetesVersions", api_versions.AKS)
        return frozenset(
            version for v in found["values"] for version in (v["version"], *v["patchVersions"])
        )

    def usages(self, provider: str, api_version: str) -> dict[str, Usage]:
        """Quotas of a resource provider in the region, by lower-case counter."""
        path = f"{self.root}/providers/{provider}/locations/{self.asked.region}/usages"
        # Machine Learning also lists the shares of workspaces and computes, under the same names.
        return {
            u["name"]["value"].lower(): Usage(int(u.get("currentValue") or 0), int(u["limit"]))
            for u in self.arm.every(path, api_version)
            if "/workspaces/" not in (u.get("id") or "")
        }

    def permissions(self) -> list[Permission]:
        scope = self.asked.group if self.asked.group_exists else self.root
        path = f"{scope}/providers/Microsoft.Authorization/permissions"
        return [
            (tuple(p.get("actions") or ()), tuple(p.get("notActions") or ()))
            for p in self.arm.every(path, api_versions.AUTHORIZATION)
        ]

    def vnets(self) -> Sequence[Document]:
        path = f"{self.root}/providers/Microsoft.Network/virtualNetworks"
        return self.arm.every(path, api_versions.NETWORK)

    def zone_links(self) -> list[Document]:
        """Links of zones outside our resource group that have the same names as ours."""
        path = f"{self.root}/providers/Microsoft.Network/privateDnsZones"
        found = self.arm.every(path, api_versions.PRIVATE_DNS) if self.asked.zones else []
        own = f"{self.asked.group}/".lower()
        return [
            link
            for zone in found
            if str(zone["name"]).lower() in self.asked.zones
            and not str(zone["id"]).lower().startswith(own)
            for link in self.arm.every(
                f"{zone['id']}/virtualNetworkLinks", api_versions.PRIVATE_DNS
            )
        ]

    def policies_are_assigned(self) -> bool:
        """Whether any policy may object to what is planned. The list holds those of management groups
        above the subscription and those of its groups and resources, too. True where Azure does not
        tell: then each resource is asked about."""
        path = f"{self.root}/providers/Microsoft.Authorization/policyAssignments?$top=1"
        try:
            page = self.arm.send("GET", path, api_versions.POLICY_ASSIGNMENTS)
        except CloudError:
            return True
        return page.get("value") != [] or "nextLink" in page

    def denied(self, planned: Planned) -> list[Denied]:
        """The policy assignments that would deny this resource."""
        implied = planned in self.asked.implied
        in_group = self.asked.group_exists and planned.id != self.asked.group and not implied
        scope = self.asked.group if in_group else self.root
        content = {"type": planned.type, "name": planned.name, **planned.body}
        answer = self.arm.query(
            f"{scope}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions",
            api_versions.POLICY,
            {"resourceDetails": {"resourceContent": content, "apiVersion": planned.api_version}},
            "contentEvaluationResult",
            "fieldRestrictions",
        )
        evaluations = (answer.get("contentEvaluationResult") or {}).get("policyEvaluations") or []
        return [
            Denied(
                evaluation["policyInfo"]["policyAssignmentId"],
                planned,
                implied,
                objections(evaluation.get("evaluationDetails")),
            )
            for evaluation in evaluations
            if evaluation.get("evaluationResult") == "NonCompliant" and _denies(evaluation)
        ]


def _denies(evaluation: Document) -> bool:
    effect = (evaluation.get("effectDetails") or {}).get("policyEffect") or "deny"
    return str(effect).lower() == "deny"


def _is_elsewhere(workspace: Document, asked: Questions) -> bool:
    same_region = _region(workspace.get("location", "")) == asked.region
    return same_region and workspace["id"].lower() != asked.ours.lower()


def _tracked(planned: Iterable[Planned]) -> Sequence[Planned]:
    """The top-level resources, but only one of those that differ in nothing but their name."""
    first: dict[tuple[str, str], Planned] = {}
    for item in planned:
        if item.type.count("/") == 1 or item.type.endswith("/resourceGroups"):
            first.setdefault((item.type, repr(item.body)), item)
    return list(first.values())


def _offered(providers: Iterable[Document]) -> dict[str, frozenset[str]]:
    return {
        f"{p['namespace']}/{t['resourceType']}".lower(): frozenset(map(_region, t["locations"]))
        for p in providers
        for t in p.get("resourceTypes") or ()
    }


def _region(text: str) -> str:
    """``West Europe`` becomes ``westeurope``."""
    return text.replace(" ", "").lower()


def _size(sku: Document) -> Size:
    capabilities = {c["name"]: c["value"] for c in sku.get("capabilities") or ()}
    kept = any(r.get("type") == "Location" for r in sku.get("restrictions") or ())
    vcpus = int(float(capabilities.get("vCPUs") or 0))
    memory = float(capabilities.get("MemoryGB") or 0)
    arm = str(capabilities.get("CpuArchitectureType") or "").lower() == "arm64"
    return Size(sku["name"], sku.get("family") or "", vcpus, not kept, memory, arm)
