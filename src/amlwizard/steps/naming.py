"""ARM ids of everything that a recipe names, with placeholders for the subscription."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from amlwizard.recipe import Recipe
from amlwizard.rules.entry import SUBNET_NAMES
from amlwizard.steps.arm_step import OWNER_TAG


@dataclass(frozen=True)
class Ids:
    """Ids as templates: `{sign-in.subscription}` is filled when a request is sent."""

    recipe: Recipe

    @property
    def group(self) -> str:
        return f"/subscriptions/{{sign-in.subscription}}/resourceGroups/{self.recipe.names.resource_group}"

    def of(self, kind: str, name: str) -> str:
        return f"{self.group}/providers/{kind}/{name}"

    @property
    def vnet(self) -> str:
        return self.of("Microsoft.Network/virtualNetworks", self.recipe.names.vnet)

    def subnet(self, which: str) -> str:
        """`which` is workspace, compute, scoring, databricks_public, databricks_private, or the
        subnet of a secure entry: bastion, gateway."""
        return f"{self.vnet}/subnets/{self.subnet_name(which)}"

    def subnet_name(self, which: str) -> str:
        return SUBNET_NAMES.get(which) or str(getattr(self.recipe.names, f"{which}_subnet"))

    def nsg(self, which: str) -> str:
        return self.of("Microsoft.Network/networkSecurityGroups", self.nsg_name(which))

    def nsg_name(self, which: str) -> str:
        return f"nsg-{self.recipe.names.prefix}-{which.replace('_', '-')}"

    def zone(self, name: str) -> str:
        """A private DNS zone: one that was there, or ours."""
        given = self.recipe.security.dns_zones.get(name)
        return given or self.of("Microsoft.Network/privateDnsZones", name)

    @property
    def route_table_name(self) -> str:
        return f"rt-{self.recipe.names.prefix}-scoring"

    @property
    def bastion_name(self) -> str:
        return f"bas-{self.recipe.names.prefix}"

    @property
    def bastion(self) -> str:
        return self.of("Microsoft.Network/bastionHosts", self.bastion_name)

    @property
    def vpn_gateway_name(self) -> str:
        return f"vpng-{self.recipe.names.prefix}"

    @property
    def vpn_gateway(self) -> str:
        return self.of("Microsoft.Network/virtualNetworkGateways", self.vpn_gateway_name)

    @property
    def entry_ip_name(self) -> str:
        """The public address of the secure entry."""
        return f"pip-{self.recipe.names.prefix}-{self.recipe.security.secure_entry}"

    @property
    def workspace(self) -> str:
        return self.of("Microsoft.MachineLearningServices/workspaces", self.recipe.names.workspace)

    @property
    def aks(self) -> str:
        return self.of("Microsoft.ContainerService/managedClusters", self.recipe.names.aks)

    @property
    def endpoint(self) -> str:
        return f"{self.workspace}/onlineEndpoints/{self.recipe.names.endpoint}"

    @property
    def storage(self) -> str:
        return self.of("Microsoft.Storage/storageAccounts", self.recipe.names.storage)

    @property
    def key_vault(self) -> str:
        return self.of("Microsoft.KeyVault/vaults", self.recipe.names.key_vault)

    @property
    def registry(self) -> str:
        return self.of("Microsoft.ContainerRegistry/registries", self.recipe.names.registry)

    @property
    def cli_new(self) -> str:
        """The options of the Azure CLI that say where a new resource is, and whose."""
        return f"{self.cli_group} -l {self.recipe.sign_in.region} {self.cli_tags}"

    @property
    def cli_group(self) -> str:
        return f"-g {self.recipe.names.resource_group}"

    @property
    def cli_tags(self) -> str:
        return f"--tags {shlex.join(f'{name}={value}' for name, value in self.tags.items())}"

    @property
    def tags(self) -> dict[str, str]:
        """The tag that says whose it is, and those of the recipe."""
        return {OWNER_TAG: self.recipe.names.prefix, **self.recipe.names.tags}

    def tracked(self, properties: Any = None, **more: Any) -> dict[str, Any]:
        """The body of a tracked resource: region, tags, the rest."""
        body: dict[str, Any] = {
            "location": self.recipe.sign_in.region,
            "tags": self.tags,
            **more,
        }
        if properties is not None:
            body["properties"] = properties
        return body
