"""Rules about the location of a platform: its region, its tenant, and the Azure cloud of both."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import _, sentences
from amlwizard.recipe import SignIn
from amlwizard.rules.base import Rule, rule, use

# Azure clouds with separate endpoints, by prefix of their regions and by domain suffix of their
# tenants.
CHINA, GOVERNMENT = "Azure China (21Vianet)", "Azure US Government"
REGIONS = {"china": CHINA, "usgov": GOVERNMENT, "usdod": GOVERNMENT, "ussec": GOVERNMENT,
           "usnat": GOVERNMENT, "bleu": "Bleu", "delos": "Delos Cloud"}  # fmt: skip
DOMAINS = {".onmicrosoft.us": GOVERNMENT, ".onmicrosoft.cn": CHINA, ".onmschina.cn": CHINA}
PUBLIC_ONLY = _(
    "amlwizard supports only Azure's public cloud. Azure China and Azure US Government "
    "have their own endpoints, sign-in and private DNS zones."
)
DIRECTIONS = ("north", "south", "east", "west", "central")


def plain(region: str) -> str:
    """A region in Azure's notation: ``westeurope`` for ``West Europe``."""
    return re.sub(r"[^a-z0-9]", "", region.lower())


def place(region: str) -> str:
    """The country or continent in the name of a region: ``uk`` for ``uksouth``."""
    return re.sub(rf"{'|'.join(DIRECTIONS)}|\d+", "", region)


def other_cloud(region: str) -> str | None:
    """The cloud of a region; None for the public cloud."""
    name = plain(region)
    return next((cloud for start, cloud in REGIONS.items() if name.startswith(start)), None)


@rule(
    "RG-1",
    _("A region must be written as Azure does, such as westeurope for West Europe."),
    "sign_in",
    about=("sign_in.region",),
    source=_("Azure regions"),
)
def region(rule: Rule, sign_in: SignIn) -> Iterator[Finding]:
    given = sign_in.region
    if not re.fullmatch(r"[a-z]{2,}[a-z0-9]*", given) and not other_cloud(given):
        # "(Europe) West Europe", as in price lists.
        meant = plain(re.sub(r"\(.*?\)", "", given)).lstrip("0123456789")
        cure = {"sign_in.region": meant} if len(meant) > 1 else {}
        yield rule.finding(
            "sign_in.region",
            _("{region!r} is not the name of an Azure region.", region=given[:60]),
            cure=cure,
            otherwise=_(
                "To list the regions: {command}",
                command="az account list-locations --query [].name",
            ),
        )


@rule(
    "RG-2", PUBLIC_ONLY, "sign_in", about=("sign_in.region",), source=_("Azure, sovereign clouds")
)
def regions_of_others(rule: Rule, sign_in: SignIn) -> Iterator[Finding]:
    cloud = other_cloud(sign_in.region)
    if cloud:
        yield rule.finding(
            "sign_in.region",
            _(
                "{region} is a region of {cloud}, which is not supported.",
                region=sign_in.region,
                cloud=cloud,
            ),
            _("Choose a region of the public cloud, if the data may be there."),
        )


@rule(
    "TN-1",
    _("A tenant must be a UUID, a domain, or organizations."),
    "sign_in",
    about=("sign_in.tenant",),
    source="Entra ID",
)
def tenant(rule: Rule, sign_in: SignIn) -> Iterator[Finding]:
    if not re.fullmatch(
        r"organizations|[0-9a-fA-F-]{36}|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", sign_in.tenant
    ):
        otherwise = _("Give its id, or its domain, such as contoso.onmicrosoft.com.")
        cure = {"sign_in.tenant": "organizations"}
        yield rule.finding(
            "sign_in.tenant",
            _("{tenant!r} is not a tenant id or domain.", tenant=sign_in.tenant[:60]),
            sentences(otherwise, _("Or, to let the account decide: {cure}", cure=use(cure))),
            cure,
            otherwise=otherwise,
        )


@rule(
    "TN-2", PUBLIC_ONLY, "sign_in", about=("sign_in.tenant",), source=_("Azure, sovereign clouds")
)
def tenants_of_others(rule: Rule, sign_in: SignIn) -> Iterator[Finding]:
    domain = sign_in.tenant.lower()
    cloud = next((cloud for end, cloud in DOMAINS.items() if domain.endswith(end)), None)
    if cloud:
        yield rule.finding(
            "sign_in.tenant",
            _(
                "{tenant} is a tenant of {cloud}, which is not supported.",
                tenant=sign_in.tenant,
                cloud=cloud,
            ),
            _("Choose a tenant of the public cloud, if the platform may be built there."),
        )
