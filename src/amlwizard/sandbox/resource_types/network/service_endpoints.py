"""Subnets in firewall rules of other services need a service endpoint."""

from __future__ import annotations

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.base import Call
from amlwizard.sandbox.resource_types.network.subnets import find_subnet


def must_have_endpoints(call: Call, acls: JsonObject, service: str, code: str) -> None:
    for rule in acls.get("virtualNetworkRules", []):
        subnet = find_subnet(call.state, rule.get("id"))
        if subnet is None:
            call.must_exist(rule.get("id"), "virtualNetworkRules")
        assert subnet
        services = {e["service"] for e in subnet["properties"].get("serviceEndpoints", [])}
        if service not in services and not rule.get("ignoreMissingVnetServiceEndpoint"):
            vnet = rule["id"].rsplit("/", 2)[0]
            raise ArmError(
                400,
                code,
                "Validation of network acls failure: SubnetsHaveNoServiceEndpointsConfigured:"
                f"Subnets {subnet['name']} of virtual network {vnet} do not have ServiceEndpoints "
                f"for {service} resources configured. Add {service} to subnet's ServiceEndpoints "
                f"collection before trying to ACL {service} resources to these subnets..",
            )
