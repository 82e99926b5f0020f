"""Azure's regions, and the geographies that they belong to."""

from __future__ import annotations

from amlwizard.sandbox.arm_error import ArmError

# By geography and geography group.
GEOGRAPHIES = {
    ("Australia", "Asia Pacific"): "australiacentral australiaeast australiasoutheast",
    ("Austria", "Europe"): "austriaeast",
    ("Belgium", "Europe"): "belgiumcentral",
    ("Brazil", "South America"): "brazilsouth",
    ("Canada", "Canada"): "canadacentral canadaeast",
    ("India", "Asia Pacific"): "centralindia jioindiawest southindia westindia",
    ("United States", "US"): "centralus eastus eastus2 northcentralus southcentralus westcentralus "
    "westus westus2 westus3",
    ("Chile", "South America"): "chilecentral",
    ("Asia Pacific", "Asia Pacific"): "eastasia southeastasia",
    ("France", "Europe"): "francecentral",
    ("Germany", "Europe"): "germanywestcentral",
    ("Indonesia", "Asia Pacific"): "indonesiacentral",
    ("Israel", "Middle East"): "israelcentral",
    ("Italy", "Europe"): "italynorth",
    ("Japan", "Asia Pacific"): "japaneast japanwest",
    ("Korea", "Asia Pacific"): "koreacentral koreasouth",
    ("Malaysia", "Asia Pacific"): "malaysiawest",
    ("Mexico", "Mexico"): "mexicocentral",
    ("New Zealand", "Asia Pacific"): "newzealandnorth",
    ("Europe", "Europe"): "northeurope westeurope",
    ("Norway", "Europe"): "norwayeast",
    ("Poland", "Europe"): "polandcentral",
    ("Qatar", "Middle East"): "qatarcentral",
    ("South Africa", "Africa"): "southafricanorth",
    ("Spain", "Europe"): "spaincentral",
    ("Sweden", "Europe"): "swedencentral",
    ("Switzerland", "Europe"): "switzerlandnorth",
    ("UAE", "Middle East"): "uaenorth",
    ("United Kingdom", "Europe"): "uksouth ukwest",
}
REGIONS = {region: place for place, regions in GEOGRAPHIES.items() for region in regions.split()}


def region(text: str, code: str = "LocationNotAvailableForResourceType") -> str:
    """The canonical name of a region. Raises ArmError with `code` if it is unknown."""
    name = text.replace(" ", "").lower()
    if name not in REGIONS:
        raise ArmError(
            400,
            code,
            f"The provided location '{text}' is not available. List of available regions is "
            f"'{','.join(REGIONS)}'.",
        )
    return name
