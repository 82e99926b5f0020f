"""Rules about existing private DNS zones that a recipe uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.recipe import Security
from amlwizard.rules.base import Rule, rule

ZONES = (
    "privatelink.api.azureml.ms",
    "privatelink.notebooks.azure.net",
    "privatelink.blob.core.windows.net",
    "privatelink.file.core.windows.net",
    "privatelink.vaultcore.azure.net",
    "privatelink.azurecr.io",
)
ZONE_ID = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/privateDnsZones/"


@rule(
    "DNS-1",
    "An existing private DNS zone can only be used for a name that the recipe needs.",
    "security",
    about=("security.dns_zones",),
    source="Azure Private Link, private DNS zone values",
)
def dns_zones(rule: Rule, security: Security) -> Iterator[Finding]:
    for name, zone in security.dns_zones.items():
        if name not in ZONES:
            yield rule.finding(
                "security.dns_zones",
                f"No private endpoint of the recipe uses a private DNS zone {name[:80]!r}.",
                f"The zones in use are: {', '.join(ZONES)}.",
            )
        elif not re.fullmatch(rf"{ZONE_ID}{re.escape(name)}", zone, re.IGNORECASE):
            yield rule.finding(
                "security.dns_zones",
                f"{zone[:120]!r} is not the ARM id of a private DNS zone {name}.",
                "Give its id as this command prints it: az network private-dns zone show --query id",
            )
