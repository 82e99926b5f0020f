"""The address of an HTTPS endpoint with a custom name, before its DNS record exists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from amlwizard.cloud_port import Frontend
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.errors import CloudError
from amlwizard.json_types import Document
from amlwizard.plan import Context
from amlwizard.posture.platforms import FRONTEND_SERVICE, INTERNAL_BALANCER
from amlwizard.recipe import Recipe

HTTPS = 443


def frontend_of(ctx: Context, recipe: Recipe) -> Frontend | None:
    """The load balancer of an endpoint with TLS. None without TLS, or if ARM does not show it."""
    serving = recipe.serving
    if not (serving.tls_certificate and serving.tls_name):
        return None
    try:
        address = next(_addresses(ctx, recipe), None)
    except CloudError:
        return None
    if address is None:
        return None
    file = Path(serving.tls_certificate).expanduser()
    found = Frontend(serving.tls_name, address, file)
    internal = serving.load_balancer == "internal"
    return found if internal else replace(found, named=address in ctx.cloud.resolve(found.name))


def _addresses(ctx: Context, recipe: Recipe) -> Iterator[str]:
    arm, aks = ctx.cloud.arm, ctx.resolve(Ids(recipe).aks)
    cluster = arm.get(aks, api_versions.AKS) or {"properties": {}}
    nodes = cluster["properties"].get("nodeResourceGroup")
    if not nodes:
        return
    network = (
        f"{aks.partition('/resourceGroups/')[0]}/resourceGroups/{nodes}/providers/Microsoft.Network"
    )
    if recipe.serving.load_balancer == "internal":
        for balancer in arm.every(f"{network}/loadBalancers", api_versions.NETWORK):
            if balancer["name"] == INTERNAL_BALANCER:
                yield from _inside(balancer["properties"])
        return
    for address in arm.every(f"{network}/publicIPAddresses", api_versions.NETWORK):
        service = str((address.get("tags") or {}).get("k8s-azure-service", ""))
        if service.endswith(FRONTEND_SERVICE) and address["properties"].get("ipAddress"):
            yield str(address["properties"]["ipAddress"])


def _inside(balancer: Document) -> Iterator[str]:
    """Private addresses of the frontends that accept HTTPS."""
    rules = [rule["properties"] for rule in balancer.get("loadBalancingRules") or []]
    ids = {
        rule["frontendIPConfiguration"]["id"].lower()
        for rule in rules
        if rule.get("frontendPort") == HTTPS
    }
    for frontend in balancer.get("frontendIPConfigurations") or []:
        address = frontend["properties"].get("privateIPAddress")
        if address and frontend["id"].lower() in ids:
            yield str(address)
