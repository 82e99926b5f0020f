"""Rules about existing private DNS zones that a recipe uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import _, listed
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
    _("An existing private DNS zone can only be used for a name that the recipe needs."),
    "security",
    about=("security.dns_zones",),
    source=_("Azure Private Link, private DNS zone values"),
)
def dns_zones(rule: Rule, security: Security) -> Iterator[Finding]:
    for name, zone in security.dns_zones.items():
        if name not in ZONES:
            yield rule.finding(
                "security.dns_zones",
                _(
                    "No private endpoint of the recipe uses a private DNS zone {name!r}.",
                    name=name[:80],
                ),
                _("The zones in use are: {zones}.", zones=listed(ZONES, len(ZONES))),
            )
        elif not re.fullmatch(rf"{ZONE_ID}{re.escape(name)}", zone, re.IGNORECASE):
            yield rule.finding(
                "security.dns_zones",
                _(
                    "{zone!r} is not the ARM id of a private DNS zone {name}.",
                    zone=zone[:120],
                    name=name,
                ),
                _(
                    "Give its id as this command prints it: {command}",
                    command="az network private-dns zone show --query id",
                ),
            )
