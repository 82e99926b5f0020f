"""Whether pods reach the Internet: by what the outbound type of their cluster needs, as it is now."""

from __future__ import annotations

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.network import find_subnet
from amlwizard.sandbox.state import State

NOWHERE = ("none", "block")
ANYWHERE = "0.0.0.0/0"


def reaches_internet(state: State, cluster_id: str) -> bool:
    """What a firewall lets through, nobody here knows: everything."""
    cluster = state.get(cluster_id)
    if cluster is None:
        return True
    way = cluster["properties"]["networkProfile"]["outboundType"]
    pools = cluster["properties"]["agentPoolProfiles"]
    subnets = [find_subnet(state, pool.get("vnetSubnetID")) for pool in pools]
    return way not in NOWHERE and all(_leads_out(state, way, s) for s in subnets if s)


def _leads_out(state: State, way: str, subnet: JsonObject) -> bool:
    if way == "userAssignedNATGateway":
        return bool(subnet["properties"].get("natGateway"))
    if way == "userDefinedRouting":
        route = default_route(state, subnet)
        return bool(route) and route["properties"].get("nextHopType") != "None"
    return True


def default_route(state: State, subnet: JsonObject) -> JsonObject:
    """The route to everywhere of a subnet; empty if it has none."""
    table = state.get((subnet["properties"].get("routeTable") or {}).get("id", ""))
    routes = table["properties"]["routes"] if table else []
    found = (r for r in routes if r["properties"].get("addressPrefix") == ANYWHERE)
    return next(found, {})
