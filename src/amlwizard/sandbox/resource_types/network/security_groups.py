"""Network security groups and their rules."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.network.names import NAME, UPDATING, WEAK, guid
from amlwizard.sandbox.resource_types.network.shapes import SecurityGroup, SecurityRule
from amlwizard.sandbox.state import State

DEFAULT_RULES = [
    ("AllowVnetInBound", "Inbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork",
     "Allow inbound traffic from all VMs in VNET"),
    ("AllowAzureLoadBalancerInBound", "Inbound", "Allow", 65001, "AzureLoadBalancer", "*",
     "Allow inbound traffic from azure load balancer"),
    ("DenyAllInBound", "Inbound", "Deny", 65500, "*", "*", "Deny all inbound traffic"),
    ("AllowVnetOutBound", "Outbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork",
     "Allow outbound traffic from all VMs to all VMs in VNET"),
    ("AllowInternetOutBound", "Outbound", "Allow", 65001, "*", "Internet",
     "Allow outbound traffic from all VMs to Internet"),
    ("DenyAllOutBound", "Outbound", "Deny", 65500, "*", "*", "Deny all outbound traffic"),
]  # fmt: skip
BASTION_SUBNET = "AzureBastionSubnet"
# direction, peer, ports
BASTION_NEEDS = [
    ("Inbound", "Internet", ("443",)),
    ("Inbound", "GatewayManager", ("443",)),
    ("Inbound", "AzureLoadBalancer", ("443",)),
    ("Inbound", "VirtualNetwork", ("8080", "5701")),
    ("Outbound", "VirtualNetwork", ("22", "3389")),
    ("Outbound", "AzureCloud", ("443",)),
    ("Outbound", "VirtualNetwork", ("8080", "5701")),
    ("Outbound", "Internet", ("80",)),
]


def _nsg(call: Call) -> None:
    rules = call.properties.setdefault("securityRules", [])
    _check(rules, call.id.text)
    _keep_databricks_rules(call)
    _suit_subnets(call.state, call.id.text, rules)
    call.properties["resourceGuid"] = guid(call.id)
    call.properties["defaultSecurityRules"] = [
        {
            "name": name,
            "id": f"{call.id.text}/defaultSecurityRules/{name}",
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "access": access,
                "description": description,
                "direction": direction,
                "priority": priority,
                "protocol": "*",
                "sourceAddressPrefix": source,
                "destinationAddressPrefix": target,
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "provisioningState": "Succeeded",
            },
        }
        for name, direction, access, priority, source, target, description in DEFAULT_RULES
    ]


def _check(rules: list[JsonObject], group_id: str) -> None:
    """Refuse invalid or conflicting rules; add what Azure adds."""
    taken: dict[tuple[str, int], str] = {}
    for rule in rules:
        p = rule.setdefault("properties", {})
        for need in ("access", "direction", "protocol", "priority"):
            if p.get(need) is None:
                raise ArmError(
                    400,
                    "SecurityRuleMissingRequiredField",
                    f"Security rule {rule.get('name')} lacks the field {need}.",
                )
        if not 100 <= p["priority"] <= 4096:
            raise ArmError(
                400,
                "SecurityRuleInvalidPriority",
                f"Security rule has invalid Priority. Value provided: {p['priority']} Allowed "
                f"range 100-4096. Rule: {rule['name']}.",
            )
        key = (p["direction"], p["priority"])
        if key in taken:
            raise ArmError(
                400,
                "SecurityRuleConflict",
                f"Security rule {rule['name']} conflicts with rule {taken[key]}. Rules cannot "
                "have the same Priority and Direction.",
            )
        taken[key] = rule["name"]
        p["provisioningState"] = "Succeeded"
        rule.update(
            id=f"{group_id}/securityRules/{rule['name']}",
            type="Microsoft.Network/networkSecurityGroups/securityRules",
        )


def _suit_subnets(state: State, group_id: str, rules: list[JsonObject]) -> None:
    for subnet in attached(state, group_id):
        if subnet["name"] == BASTION_SUBNET:
            must_suit_bastion(group_id.rsplit("/", 1)[-1], rules)


def _rule(call: Call) -> None:
    """PUT of one rule, which is part of the document of its group."""
    group = call.parent()
    call.body["name"] = call.id.name
    rules = [*_others(group, call.id), call.body]
    _check(rules, group["id"])
    _suit_subnets(call.state, group["id"], rules)
    group["properties"]["securityRules"] = rules


def _others(group: JsonObject, rid: ResourceId) -> list[JsonObject]:
    rules: list[JsonObject] = group["properties"]["securityRules"]
    return [rule for rule in rules if rule["name"].lower() != rid.name.lower()]


def _keep_databricks_rules(call: Call) -> None:
    """Rules of a Databricks workspace cannot be removed (network intent policy)."""
    if not call.old:
        return
    owned = [
        rule
        for rule in call.old["properties"].get("securityRules", [])
        if rule["name"].startswith("Microsoft.Databricks-workspaces_UseOnly_")
    ]
    given = {rule["name"] for rule in call.properties["securityRules"]}
    if any(rule["name"] not in given for rule in owned):
        raise ArmError(
            400,
            "ConflictWithNetworkIntentPolicy",
            "Found conflicts with NetworkIntentPolicy. Details: Network Security Group cannot have "
            "resources which conflict with its subnets' network intent policies. Network Security "
            f"Group: {call.id.text} conflicts with Network Intent Policy: adb-"
            f"{call.body.get('location')}-{uuid.uuid5(uuid.NAMESPACE_URL, call.id.text)}.",
        )


def attached(state: State, group_id: str) -> list[JsonObject]:
    """The subnets that use a security group."""
    return [
        subnet
        for vnet in state.of_type("microsoft.network/virtualnetworks")
        for subnet in vnet["properties"]["subnets"]
        if (subnet["properties"].get("networkSecurityGroup") or {}).get("id", "").lower()
        == group_id.lower()
    ]


def must_suit_bastion(name: str, rules: list[JsonObject]) -> None:
    """Azure requires explicit rules: equivalent default rules do not count."""
    for direction, peer, ports in BASTION_NEEDS:
        if not all(_allows(rules, direction, peer, port) for port in ports):
            raise ArmError(
                400,
                "NetworkSecurityGroupNotCompliantForAzureBastionSubnet",
                f"Network security group {name} does not have necessary rules for Azure Bastion "
                f"Subnet {BASTION_SUBNET}.",
            )


def _allows(rules: list[JsonObject], direction: str, peer: str, port: str) -> bool:
    side = "sourceAddressPrefix" if direction == "Inbound" else "destinationAddressPrefix"
    for rule in rules:
        p = rule["properties"]
        peers = [p.get(side), *(p.get(f"{side}es") or [])]
        ports = [p.get("destinationPortRange"), *(p.get("destinationPortRanges") or [])]
        if (
            p["direction"] == direction
            and p["access"] == "Allow"
            and (peer in peers or "*" in peers)
            and (port in ports or "*" in ports)
        ):
            return True
    return False


def _in_use(state: State, rid: ResourceId, body: JsonObject) -> None:
    users = attached(state, rid.text)
    if users:
        raise ArmError(
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            f"Network security group {rid.text} cannot be deleted because it is in use by the "
            f"following resources: {users[0]['id']}. In order to delete the Network security group, "
            "remove the association with the resource(s). To learn how to do this, see "
            "aka.ms/deletensg.",
        )


RESOURCE_TYPES = [
    ResourceType(
        "Microsoft.Network/networkSecurityGroups",
        _nsg,
        3,
        shape=SecurityGroup,
        name=NAME,
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=1,
        delete_seconds=10,
        blocked=_in_use,
    ),
    ResourceType(
        "Microsoft.Network/networkSecurityGroups/securityRules",
        _rule,
        3,
        shape=SecurityRule,
        location="",
        name=NAME,
        missing="NotFound",
        parent_first=True,
        creates=UPDATING,
        etag=WEAK,
        unchanged_at_once=True,
        update_seconds=10,
        delete_seconds=10,
    ),
]
