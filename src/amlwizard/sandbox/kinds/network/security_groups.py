"""Network security groups: their rules, and those that a service keeps in them."""

from __future__ import annotations

import uuid

from amlwizard.sandbox.kinds.base import ArmError, Call, Kind
from amlwizard.sandbox.kinds.network.names import NAME

DEFAULT_RULES = [
    ("AllowVnetInBound", "Inbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", "Inbound", "Allow", 65001, "AzureLoadBalancer", "*"),
    ("DenyAllInBound", "Inbound", "Deny", 65500, "*", "*"),
    ("AllowVnetOutBound", "Outbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", "Outbound", "Allow", 65001, "*", "Internet"),
    ("DenyAllOutBound", "Outbound", "Deny", 65500, "*", "*"),
]


def _nsg(call: Call) -> None:
    taken: dict[tuple[str, int], str] = {}
    for rule in call.properties.setdefault("securityRules", []):
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
            id=f"{call.id.text}/securityRules/{rule['name']}",
            type="Microsoft.Network/networkSecurityGroups/securityRules",
        )
    _keep_databricks_rules(call)
    call.properties["defaultSecurityRules"] = [
        {
            "name": name,
            "id": f"{call.id.text}/defaultSecurityRules/{name}",
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "access": access,
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
        for name, direction, access, priority, source, target in DEFAULT_RULES
    ]


def _keep_databricks_rules(call: Call) -> None:
    """Rules that a Databricks workspace put here cannot be taken away (network intent policy)."""
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


KINDS = [Kind("Microsoft.Network/networkSecurityGroups", _nsg, 4, name=NAME)]
