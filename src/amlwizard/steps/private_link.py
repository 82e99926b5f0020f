"""Private endpoints, their private DNS zones, and the links of those zones to the VNET."""

from __future__ import annotations

from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.design.private_endpoints import Link, links
from amlwizard.language import _
from amlwizard.plan import Resource, Step
from amlwizard.recipe import Recipe
from amlwizard.steps.arm_step import arm_step


def private_link(recipe: Recipe) -> list[Step]:
    """The steps for zones, zone links, private endpoints and their zone groups."""
    ids = Ids(recipe)
    wanted = links(recipe)
    steps: list[Step] = []
    for zone in [zone for link in wanted for zone in _made(recipe, link)]:
        steps += _zone(recipe, ids, zone)
    # By target: some accept only one new endpoint at a time, so endpoints are serialised.
    last: dict[str, str] = {}
    for link in wanted:
        before = last.get(link.target)
        steps += _endpoint(recipe, ids, link, (before,) if before else ())
        last[link.target] = f"private-endpoint.{link.name}"
    return steps


def _made(recipe: Recipe, link: Link) -> tuple[str, ...]:
    """The zones of an endpoint that we create; those in `security.dns_zones` exist already."""
    return tuple(zone for zone in link.zones if zone not in recipe.security.dns_zones)


def ready_for(recipe: Recipe, link: Link) -> tuple[str, ...]:
    """Ids of the steps after which the VNET resolves a target to its private address."""
    return (f"zone-group.{link.name}", *(f"dns-link.{zone}" for zone in _made(recipe, link)))


def _zone(recipe: Recipe, ids: Ids, zone: str) -> list[Step]:
    n = recipe.names
    zone_id = ids.zone(zone)
    return [
        arm_step(
            f"dns-zone.{zone}",
            _("Private DNS zone {zone}", zone=zone),
            Resource(zone_id, api_versions.PRIVATE_DNS, {"location": "global", "tags": ids.tags}),
            after=("resource-group",),
            az=(f"az network private-dns zone create {ids.cli_group} -n {zone} {ids.cli_tags}",),
        ),
        arm_step(
            f"dns-link.{zone}",
            _("VNET link of {zone}", zone=zone),
            Resource(
                f"{zone_id}/virtualNetworkLinks/{n.vnet}",
                api_versions.PRIVATE_DNS,
                {
                    "location": "global",
                    "tags": ids.tags,
                    "properties": {
                        "virtualNetwork": {"id": ids.vnet},
                        "registrationEnabled": False,
                        # A name without a record here is resolved publicly: its private endpoint
                        # may be elsewhere.
                        "resolutionPolicy": "NxDomainRedirect",
                    },
                },
            ),
            after=(f"dns-zone.{zone}", "vnet"),
            az=(
                f"az network private-dns link vnet create {ids.cli_group} -z {zone} "
                f"-n {n.vnet} -v {n.vnet} -e false "
                f"--resolution-policy NxDomainRedirect {ids.cli_tags}",
            ),
        ),
    ]


def _endpoint(recipe: Recipe, ids: Ids, link: Link, before: tuple[str, ...]) -> list[Step]:
    n = recipe.names
    name = ids.names.private_endpoint(link.name)
    endpoint_id = ids.of("Microsoft.Network/privateEndpoints", name)
    body = ids.tracked(
        {
            "subnet": {"id": ids.subnet("workspace")},
            "privateLinkServiceConnections": [
                {
                    "name": link.name,
                    "properties": {
                        "privateLinkServiceId": f"{{{link.target}.id}}",
                        "groupIds": [link.group],
                    },
                }
            ],
        }
    )
    zones = [
        {
            "name": zone.replace(".", "-"),
            "properties": {"privateDnsZoneId": ids.zone(zone)},
        }
        for zone in link.zones
    ]
    return [
        arm_step(
            f"private-endpoint.{link.name}",
            _("Private endpoint: {target}", target=link.title),
            Resource(endpoint_id, api_versions.NETWORK, body),
            after=(link.target, "vnet", *before),
            az=(
                f"az network private-endpoint create {ids.cli_new} -n {name} "
                f"--vnet-name {n.vnet} --subnet {n.workspace_subnet} "
                f"--private-connection-resource-id {{{link.target}.id}} "
                f"--group-id {link.group} --connection-name {link.name}",
            ),
        ),
        arm_step(
            f"zone-group.{link.name}",
            _("DNS records: {target}", target=link.title),
            Resource(
                f"{endpoint_id}/privateDnsZoneGroups/default",
                api_versions.NETWORK,
                {"properties": {"privateDnsZoneConfigs": zones}},
            ),
            after=(
                f"private-endpoint.{link.name}",
                *(f"dns-zone.{zone}" for zone in _made(recipe, link)),
            ),
            az=tuple(
                f"az network private-endpoint dns-zone-group {verb} {ids.cli_group} "
                f"--endpoint-name {name} -n default --zone-name {zone.replace('.', '-')} "
                f"--private-dns-zone {recipe.security.dns_zones.get(zone, zone)}"
                for verb, zone in zip(("create", *["add"] * 9), link.zones, strict=False)
            ),
        ),
    ]
