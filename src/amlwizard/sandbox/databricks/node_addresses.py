"""The public addresses of a cluster's nodes, which those of a workspace without secure cluster
connectivity have, and what Azure has against them."""

from __future__ import annotations

from amlwizard.sandbox import policies
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_types.network.outbound import must_have_room
from amlwizard.sandbox.state import State


def refusal(state: State, workspace: JsonObject, nodes: int) -> tuple[str, str] | None:
    """Azure's code and message where nodes may not have their addresses."""
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
