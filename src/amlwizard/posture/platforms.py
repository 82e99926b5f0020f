"""Promises about AKS and its scoring endpoint, Databricks, and the image-build compute."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.json_path import fold_case, resource_name, value_at
from amlwizard.json_types import JsonValue
from amlwizard.language import _
from amlwizard.posture.endpoints import is_private
from amlwizard.posture.facts import PostureFacts
from amlwizard.posture.judging import Promise, equal, is_so, need, tried
from amlwizard.posture.result import Evidence
from amlwizard.recipe import Recipe

COMPUTE = _("Compute")
# AKS's names for the internal load balancer, and for the service of the scoring endpoints.
INTERNAL_BALANCER, FRONTEND_SERVICE = "kubernetes-internal", "/azureml-fe"
INFERENCING = _("Azure Machine Learning, secure Kubernetes inferencing")


def promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    yield from _cluster_promises(recipe, facts)
    yield from _scoring_promises(recipe, facts)
    yield from _databricks_promises(recipe, facts)
    yield Promise(
        "compute.network",
        COMPUTE,
        _("Image-build compute: in its subnet, not public"),
        recipe.names.build_compute,
        _("Azure Machine Learning, secure training environment"),
        _("compute subnet, no public address"),
        lambda: _compute(recipe, facts),
        _("Azure cannot change this on a compute that exists: delete it and replay."),
    )


def _cluster_promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    n, security = recipe.names, recipe.security
    if security.private_aks:
        yield Promise(
            "aks.api",
            COMPUTE,
            _("AKS: the Kubernetes API has a private address only"),
            n.aks,
            _("AKS, private clusters"),
            _("private cluster without public name"),
            lambda: _private_api(recipe, facts),
            _(
                "A public cluster cannot be made private: destroy and replay, or ask for what it is."
            ),
        )
    elif security.aks_authorized_ranges:
        ranges = ", ".join(str(r) for r in security.aks_authorized_ranges)
        yield Promise(
            "aks.api",
            COMPUTE,
            _("AKS: the Kubernetes API answers the authorised ranges only"),
            n.aks,
            _("AKS, API server authorized IP ranges"),
            ranges,
            lambda: _ranges(recipe, facts),
            f"az aks update -g {n.resource_group} -n {n.aks} "
            f"--api-server-authorized-ip-ranges {ranges.replace(', ', ',')}",
        )


def _scoring_promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    n, serving = recipe.names, recipe.serving
    if serving.load_balancer == "internal":
        yield Promise(
            "scoring.internal",
            COMPUTE,
            _("The scoring endpoint answers inside the VNET only"),
            n.aks,
            INFERENCING,
            _("internal load balancer, no answer outside"),
            lambda: _internal(recipe, facts),
        )
    if serving.tls_certificate:
        yield Promise(
            "scoring.tls",
            COMPUTE,
            _("The scoring endpoint takes HTTPS only"),
            n.aks,
            INFERENCING,
            _("no insecure connections"),
            lambda: iter([_setting(recipe, facts, "allowInsecureConnections", "False")]),
        )


def _databricks_promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    n, security = recipe.names, recipe.security
    yield Promise(
        "databricks.network",
        COMPUTE,
        _("Databricks: nodes in the VNET, without public addresses")
        if security.databricks_no_public_ip
        else _("Databricks: nodes in the VNET"),
        n.databricks,
        _("Azure Databricks, VNet injection and secure cluster connectivity"),
        _("VNET injection and secure cluster connectivity")
        if security.databricks_no_public_ip
        else _("VNET injection"),
        lambda: _databricks(recipe, facts),
        _("Azure cannot change this on a workspace that exists: destroy and replay."),
    )
    if security.databricks_encryption:
        yield Promise(
            "databricks.encryption",
            COMPUTE,
            _("Databricks: prepared for customer-managed keys"),
            n.databricks,
            _("Azure Databricks, customer-managed keys for the DBFS root"),
            _("prepared"),
            lambda: iter([_parameter(recipe, facts, "prepareEncryption", True)]),
        )


def _private_api(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    cluster = need(facts, "aks", recipe.names.aks)
    stem = "properties.apiServerAccessProfile"
    yield equal(_("private cluster"), cluster, f"{stem}.enablePrivateCluster", True)
    yield equal(_("public name"), cluster, f"{stem}.enablePrivateClusterPublicFQDN", False)
    name = str(value_at(cluster, "properties.privateFQDN") or "")

    def inside() -> Evidence:
        seen = facts.name("inside", name)
        ok = bool(seen) and all(is_private(recipe, address) for address in seen)
        return is_so("inside", name, ok, _("a private address"), ", ".join(seen) or _("no address"))

    if name:
        yield from tried("inside", name, inside)


def _ranges(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    cluster = need(facts, "aks", recipe.names.aks)
    wanted = sorted(str(r) for r in recipe.security.aks_authorized_ranges)
    seen = sorted(value_at(cluster, "properties.apiServerAccessProfile.authorizedIPRanges") or [])
    text = ", ".join(seen) or _("everybody")
    yield is_so("ARM", _("authorised ranges"), seen == wanted, ", ".join(wanted), text)


def _setting(recipe: Recipe, facts: PostureFacts, key: str, wanted: str) -> Evidence:
    extension = need(facts, "extension", _("Machine Learning extension"))
    settings = value_at(extension, "properties.configurationSettings") or {}
    lower = {str(k).lower(): v for k, v in settings.items()}
    return equal(key, lower, key.lower(), wanted)


def _internal(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    """Judges where the load balancer really answers: the requested setting proves nothing."""
    need(facts, "aks", recipe.names.aks)
    wanted = recipe.names.scoring_subnet
    seen = [
        (str(value_at(frontend, "properties.privateIPAddress")), resource_name(subnet))
        for balancer in facts.listed("load-balancers.aks")
        if balancer.get("name") == INTERNAL_BALANCER
        for frontend in value_at(balancer, "properties.frontendIPConfigurations") or []
        if (subnet := value_at(frontend, "properties.subnet.id"))
    ]
    inside = any(subnet == wanted.lower() for _address, subnet in seen)
    found = _(", ").join(_("{address} in {subnet}", address=a, subnet=s) for a, s in seen)
    yield is_so("ARM", _("frontend"), inside, _("in {subnet}", subnet=wanted), found or _("none"))
    public = [
        str(value_at(address, "properties.ipAddress") or address.get("name"))
        for address in facts.listed("public-ips.aks")
        if str((address.get("tags") or {}).get("k8s-azure-service", "")).endswith(FRONTEND_SERVICE)
    ]
    yield is_so("ARM", _("public frontend"), not public, _("none"), ", ".join(public) or _("none"))

    def outside() -> Evidence:
        answer = facts.answer("outside", "scoring")
        return is_so("outside", _("request"), not answer.came, _("no answer"), str(answer))

    yield from tried("outside", _("request"), outside)


def _parameter(recipe: Recipe, facts: PostureFacts, key: str, wanted: JsonValue) -> Evidence:
    workspace = need(facts, "databricks", recipe.names.databricks)
    return equal(key, workspace, f"properties.parameters.{key}.value", wanted)


def _databricks(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    n = recipe.names
    workspace = need(facts, "databricks", n.databricks)
    vnet = resource_name(value_at(workspace, "properties.parameters.customVirtualNetworkId.value"))
    yield is_so("ARM", _("VNET"), vnet == n.vnet.lower(), n.vnet, vnet or _("none"))
    yield _parameter(recipe, facts, "customPublicSubnetName", n.databricks_public_subnet)
    yield _parameter(recipe, facts, "customPrivateSubnetName", n.databricks_private_subnet)
    if recipe.security.databricks_no_public_ip:
        yield _parameter(recipe, facts, "enableNoPublicIp", True)
    # Not promised, but reported: readers of the promise above might assume that these are closed.
    public = value_at(workspace, "properties.publicNetworkAccess") != "Disabled"
    root = value_at(workspace, "properties.defaultStorageFirewall") == "Enabled"
    seen = _(
        "{access}; DBFS root {root}",
        access=_("public") if public else _("private"),
        root=_("private") if root else _("public"),
    )
    yield is_so("ARM", _("front end (not promised)"), True, _("as Azure makes it"), seen)


def _compute(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    compute = need(facts, "build-compute", recipe.names.build_compute)
    subnet = resource_name(value_at(compute, "properties.properties.subnet.id"))
    wanted = recipe.names.compute_subnet
    yield is_so("ARM", _("subnet"), subnet == fold_case(wanted), wanted, subnet or _("none"))
    yield equal(
        _("node public address"), compute, "properties.properties.enableNodePublicIp", False
    )
