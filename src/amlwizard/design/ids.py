"""ARM ids of the platform's resources, and the region and tags that every new resource gets."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from amlwizard.design.names import OWNER_TAG, ResourceNames
from amlwizard.json_types import Document, JsonValue, MutableDocument
from amlwizard.recipe import Recipe


@dataclass(frozen=True)
class Ids:
    """ARM ids as templates: `{sign-in.subscription}` is resolved when a request is sent."""

    recipe: Recipe

    @property
    def names(self) -> ResourceNames:
        return ResourceNames(self.recipe)

    @property
    def group(self) -> str:
        return f"/subscriptions/{{sign-in.subscription}}/resourceGroups/{self.recipe.names.resource_group}"

    def of(self, kind: str, name: str) -> str:
        return f"{self.group}/providers/{kind}/{name}"

    @property
    def vnet(self) -> str:
        return self.of("Microsoft.Network/virtualNetworks", self.recipe.names.vnet)

    def subnet(self, which: str) -> str:
        """`which` is ``workspace``, ``compute``, ``scoring``, ``databricks_public``,
        ``databricks_private``, or the subnet of a secure entry: ``bastion``, ``gateway``."""
        return f"{self.vnet}/subnets/{self.names.subnet(which)}"

    def nsg(self, which: str) -> str:
        return self.of("Microsoft.Network/networkSecurityGroups", self.names.security_group(which))

    def zone(self, name: str) -> str:
        """A private DNS zone: the existing one that the recipe names, or ours."""
        given = self.recipe.security.dns_zones.get(name)
        return given or self.of("Microsoft.Network/privateDnsZones", name)

    @property
    def bastion(self) -> str:
        return self.of("Microsoft.Network/bastionHosts", self.names.bastion)

    @property
    def vpn_gateway(self) -> str:
        return self.of("Microsoft.Network/virtualNetworkGateways", self.names.vpn_gateway)

    @property
    def workspace(self) -> str:
        return self.of("Microsoft.MachineLearningServices/workspaces", self.recipe.names.workspace)

    @property
    def aks(self) -> str:
        return self.of("Microsoft.ContainerService/managedClusters", self.recipe.names.aks)

    @property
    def endpoint(self) -> str:
        return f"{self.workspace}/onlineEndpoints/{self.recipe.names.endpoint}"

    def scoring_asset(self, kind: str, version: str) -> str:
        """A version of the scoring code (``codes``) or its environment (``environments``)."""
        return f"{self.workspace}/{kind}/{self.names.scoring}/versions/{version}"

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
        """Azure CLI options for a new resource: resource group, region and tags."""
        return f"{self.cli_group} -l {self.recipe.sign_in.region} {self.cli_tags}"

    @property
    def cli_group(self) -> str:
        return f"-g {self.recipe.names.resource_group}"

    @property
    def cli_tags(self) -> str:
        return f"--tags {shlex.join(f'{name}={value}' for name, value in self.tags.items())}"

    @property
    def tags(self) -> dict[str, str]:
        """The owner tag and the tags of the recipe."""
        return {OWNER_TAG: self.recipe.names.prefix, **self.recipe.names.tags}

    def tracked(self, properties: Document | None = None, **more: JsonValue) -> MutableDocument:
        """The body of a tracked resource: region, tags, `properties` and `more` top-level keys."""
        body: MutableDocument = {
            "location": self.recipe.sign_in.region,
            "tags": self.tags,
            **more,
        }
        if properties is not None:
            body["properties"] = properties
        return body
