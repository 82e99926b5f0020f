"""Recipes that together produce every resource and command, with every option."""

from __future__ import annotations

AS_SHIPPED: tuple[tuple[str, dict[str, str]], ...] = tuple(
    (name, {}) for name in ("quickstart", "article", "private")
)
# Settings by field, as `support.recipe_of` takes them.
WITH_SETTINGS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "quickstart",
        {
            "security__shared_keys": "false", "serving__max_surge": "10%", "serving__max_nodes": "5",
            "names__tags": "{costCenter: '42', owner: ml team}",
            "serving__kubernetes_version": '"1.35"', "names__node_resource_group": "rg-nodes",
            "security__aks_authorized_ranges": "[203.0.113.0/24]", "security__purge_protection": "true",
            "security__aks_outbound": "nat-gateway",
        },
    ),
    (
        "private",
        {
            "security__aks_outbound": "user-defined-routing", "security__aks_firewall": "10.100.200.4",
            "security__secure_entry": "vpn-gateway",
        },
    ),
    ("private", {"security__secure_entry": "bastion", "names__tags": "{owner: ml team}"}),
    (
        "quickstart",
        {
            "serving__load_balancer": "internal", "serving__network": "node-subnet",
            "serving__max_pods": "30", "serving__scoring": "script", "security__nat_gateway": "false",
            "security__databricks_no_public_ip": "false", "security__databricks_encryption": "false",
        },
    ),
)  # fmt: skip
