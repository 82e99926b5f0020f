"""Azure policies that deny resources, as administrators write them."""

from __future__ import annotations

from typing import Any

from support import Json

GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
ADDRESSES = "Microsoft.Network/publicIPAddresses"
STORAGE = "Microsoft.Storage/storageAccounts"


def where(field: str, **condition: Any) -> Json:
    return {"field": field, **condition}


def policy(name: str, *conditions: Json, **more: Any) -> Json:
    return {"name": name, "if": {"allOf": list(conditions)}, **more}


PLACES = policy("allowed-locations", where("location", notIn=["northeurope", "global"]))
TAG = policy("cost-centre", where("tags['costCenter']", exists="false"))
NO_ADDRESS = policy("no-addresses", where("type", equals=ADDRESSES))
NO_KEYS = policy(
    "no-keys",
    where("type", equals=STORAGE),
    {"not": where(f"{STORAGE}/allowSharedKeyAccess", equals="false")},
)
SIZES = policy(
    "sizes",
    where("type", equals="Microsoft.Compute/virtualMachineScaleSets"),
    where("Microsoft.Compute/virtualMachineScaleSets/sku.name", notIn=["Standard_D2s_v5"]),
)
