"""A subscription in every state that preflight checks, and the findings to expect."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support import RECIPES, Json, Sandbox

QUICKSTART = str(RECIPES / "quickstart.yaml")
QUESTIONS = ("/checkNameAvailability", "/checkPolicyRestrictions")
CONTRIBUTOR = {"allowed": ["*"], "denied": ["Microsoft.Authorization/*/Write"]}

Preflight = Callable[..., list[Json]]
Judge = Callable[..., list[Json]]


@dataclass
class Cloud:
    """A sandbox with registered providers, reset after each test."""

    sandbox: Sandbox
    start: Json = field(default_factory=dict)

    @property
    def subscription(self) -> str:
        return f"/subscriptions/{self.sandbox.description['subscription']}"

    @property
    def group(self) -> str:
        return f"{self.subscription}/resourceGroups/rg-mlquick01"

    def state(self, **changes: Any) -> None:
        self.sandbox.control("state", changes)

    def holds(self, *documents: Json) -> None:
        """Add resources to the cloud."""
        self.state(resources={document["id"].lower(): document for document in documents})

    def vnet(self, name: str, *prefixes: str, group: str = "", **properties: Any) -> Json:
        """The document of a VNET, by default in ``rg-other``."""
        where = group or f"{self.subscription}/resourceGroups/rg-other"
        return document(
            f"{where}/providers/Microsoft.Network/virtualNetworks/{name}",
            **{
                "addressSpace": {"addressPrefixes": list(prefixes)},
                "subnets": [],
                "virtualNetworkPeerings": [],
                **properties,
            },
        )

    def our_group(self) -> Json:
        return {
            "id": self.group,
            "name": "rg-mlquick01",
            "type": "Microsoft.Resources/resourceGroups",
            "location": "westeurope",
            "tags": {"amlwizard": "mlquick01"},
            "properties": {"provisioningState": "Succeeded"},
        }


def document(resource_id: str, /, **properties: Any) -> Json:
    _, _, tail = resource_id.rpartition("/providers/")
    namespace, *rest = tail.split("/")
    return {
        "id": resource_id,
        "name": rest[-1],
        "type": "/".join([namespace, *rest[::2]]),
        "location": "westeurope",
        "tags": {},
        "properties": {"provisioningState": "Succeeded", **properties},
    }


def deleted_vault(cloud: Cloud, group: str, protected: bool = False) -> None:
    """Add the recipe's key vault as soft-deleted; `protected` is its purge protection."""
    vault = f"{cloud.subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults"
    cloud.state(
        deleted={
            "vaults/kv-mlquick01": {
                "id": "x",
                "name": "kv-mlquick01",
                "type": "Microsoft.KeyVault/deletedVaults",
                "properties": {
                    "vaultId": f"{vault}/kv-mlquick01",
                    "location": "northeurope",
                    "scheduledPurgeDate": "2027-02-03T04:05:06.0000000Z",
                    "purgeProtectionEnabled": protected,
                },
            }
        }
    )


def only(findings: list[Json], rule: str, *fields: str, severity: str = "error") -> Json:
    """The only finding, after asserting its rule, fields and severity, and that it has a fix."""
    assert [f["rule"] for f in findings] == [rule], findings
    [finding] = findings
    assert finding["fields"] == list(fields) and finding["severity"] == severity
    assert finding["what"] and finding["fix"]
    return finding


def replaying(*settings: str) -> str:
    return shlex.join(
        [
            "amlwizard",
            "replay",
            QUICKSTART,
            "--target",
            "sandbox",
            *(w for s in settings for w in ("--set", s)),
        ]
    )
