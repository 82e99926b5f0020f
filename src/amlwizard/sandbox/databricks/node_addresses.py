"""Public IP addresses of a cluster's nodes, which need them in a workspace without secure cluster
connectivity."""

from __future__ import annotations

from amlwizard.sandbox import policies
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.network.outbound import must_have_room
from amlwizard.sandbox.state import State


def refusal(state: State, workspace: JsonObject, nodes: int) -> tuple[str, str] | None:
    """Azure's error code and message if the nodes are denied their addresses, else None."""
    p = workspace["properties"]
    if p["parameters"]["enableNoPublicIp"]["value"]:
        return None
    name = f"{workspace['name']}-publicIP"
    address = {
        "id": f"{p['managedResourceGroupId']}/providers/Microsoft.Network/publicIPAddresses/{name}",
        "name": name,
        "type": "Microsoft.Network/publicIPAddresses",
        "location": workspace["location"],
        "tags": dict(workspace.get("tags") or {}),
        "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
    }
    try:
        policies.must_comply(state, address)
        must_have_room(state, nodes)
    except ArmError as refused:
        return refused.code, refused.message
    return None
