"""Private DNS zones of others that our VNET is already linked to."""

from __future__ import annotations

import json
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.json_path import value_at
from amlwizard.language import _
from amlwizard.preflight.situation import Situation, zone_of
from amlwizard.recipe import title


def linked(s: Situation) -> Iterator[Finding]:
    """A VNET can be linked to only one zone of a name: Azure rejects a second link. All zones are
    one finding, because a single change fixes them."""
    ours = s.ids["vnet"].lower()
    zones = {
        zone_of(str(link["id"])): str(link["id"]).rsplit("/", 2)[0]
        for link in s.facts.zone_links
        if str(value_at(link, "properties.virtualNetwork.id") or "").lower() == ours
    }
    if not zones:
        return
    named = {**s.recipe.security.dns_zones, **zones}
    yield Finding(
        "zone-linked",
        "error",
        ("security.dns_zones",),
        _(
            "The VNET is already linked to other private DNS zones: {zones}.",
            zones=", ".join(sorted(zones)),
        ),
        why=_(
            "A VNET cannot be linked to two private DNS zones of the same name. The linked ones "
            "are {ids}.",
            ids=", ".join(sorted(zones.values())),
        ),
        fix=_(
            "Use those zones, in {field}. The account needs the role Private DNS Zone "
            "Contributor on them, to create the records of the private endpoints.",
            field=title("security.dns_zones"),
        ),
        cure={"security.dns_zones": named},
        command=s.replaying({"security.dns_zones": json.dumps(named)}),
    )
