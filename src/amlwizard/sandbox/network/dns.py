"""Host names of Azure, in the public DNS and in the DNS of a VNET.

For a resource with a private endpoint, the public name is an alias of its ``privatelink`` name. A VNET
that is linked to the private zone of that name resolves it there only: without a record in the zone,
the name does not exist, unless the link falls back to the public DNS.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.network.private_dns import (
    addresses_of,
    public_suffix,
    zones_of,
)
from amlwizard.sandbox.resource_types.network.private_endpoints import (
    GROUPS,
    in_network,
    link_of,
    names_of,
)
from amlwizard.sandbox.resource_types.network.subnets import find_subnet
from amlwizard.sandbox.state import State

PUBLIC = IPv4Network("198.51.100.0/24")


def owners(state: State) -> Iterator[tuple[str, JsonObject, str]]:
    """All public names, each with its resource and private link group."""
    for kind, groups in GROUPS.items():
        for resource in state.of_type(kind):
            for group in groups:
                for name in names_of(resource, group):
                    yield name, resource, group


def owner(state: State, name: str) -> tuple[JsonObject, str] | None:
    return next(((r, g) for n, r, g in owners(state) if n == name.lower()), None)


def public(state: State, name: str) -> list[str] | None:
    """The public DNS; None for a name that does not exist.

    `public_dns` of the state holds additional records.
    """
    name = name.lower().rstrip(".")
    published = state.data.public_dns.get(name)
    if published:
        return list(published)
    cluster = next((c for c in _aks(state) if c["properties"].get("fqdn") == name), None)
    if cluster and cluster["properties"].get("privateFQDN"):
        return [_api_address(state, cluster)]  # the public name of a private cluster
    if cluster or owner(state, name):
        return [str(PUBLIC[zlib.crc32(name.encode()) % PUBLIC.num_addresses])]
    return None


def inside(state: State, vnet_id: str, name: str) -> list[str] | None:
    """The DNS of a VNET; None for a name that does not exist."""
    name = name.lower().rstrip(".")
    found = owner(state, name)
    linked = found is not None and bool(found[0]["properties"].get("privateEndpointConnections"))
    for zone, redirects in zones_of(state, vnet_id):
        suffixes = [zone["name"], *([public_suffix(zone["name"])] if linked else [])]
        for suffix in suffixes:
            if name.endswith(f".{suffix}"):
                held = addresses_of(state, zone, name.removesuffix(f".{suffix}"))
                if held or not redirects:
                    return held or None
    for cluster in _aks(state):
        if cluster["properties"].get("privateFQDN") == name:
            own = _pool_subnet(cluster).lower().startswith(f"{vnet_id.lower()}/")
            return [_api_address(state, cluster)] if own else None
    return public(state, name)


def endpoint_at(state: State, vnet_id: str, address: str) -> JsonObject | None:
    """The private endpoint at an address of a VNET, if its connection is approved."""
    for endpoint in state.of_type("microsoft.network/privateendpoints"):
        link = link_of(endpoint)
        approved = link["privateLinkServiceConnectionState"]["status"] == "Approved"
        ready = endpoint["properties"]["provisioningState"] == "Succeeded"
        held = [a for c in endpoint["properties"]["customDnsConfigs"] for a in c["ipAddresses"]]
        if address in held and approved and ready and in_network(endpoint, vnet_id):
            return endpoint
    return None


def reaches_privately(state: State, vnet_id: str, resource: JsonObject, group: str) -> bool:
    """Whether the name of a resource resolves to an approved private endpoint in a VNET."""
    addresses = inside(state, vnet_id, names_of(resource, group)[0]) or []
    return any(endpoint_at(state, vnet_id, address) for address in addresses)


def _aks(state: State) -> Iterator[JsonObject]:
    return state.of_type("microsoft.containerservice/managedclusters")


def _pool_subnet(cluster: JsonObject) -> str:
    return str(cluster["properties"]["agentPoolProfiles"][0].get("vnetSubnetID") or "")


def _api_address(state: State, cluster: JsonObject) -> str:
    """The API server of a private cluster has an address in the subnet of the first pool."""
    subnet = find_subnet(state, _pool_subnet(cluster))
    assert subnet
    first = IPv4Network(subnet["properties"]["addressPrefix"]).network_address
    return str(IPv4Address(int(first) + 4))
