"""Names derived from the recipe's prefix, for resources that the recipe does not name itself."""

from __future__ import annotations

from dataclasses import dataclass

from amlwizard.design.subnets import ENTRY_NAMES
from amlwizard.recipe import Recipe

OWNER_TAG = "amlwizard"  # its value is the prefix of the recipe that created the resource


@dataclass(frozen=True)
class ResourceNames:
    recipe: Recipe

    @property
    def prefix(self) -> str:
        return self.recipe.names.prefix

    def subnet(self, which: str) -> str:
        """`which` is a subnet of the recipe (``workspace``, ``databricks_public``...) or of a
        secure entry (``bastion``, ``gateway``)."""
        return ENTRY_NAMES.get(which) or str(getattr(self.recipe.names, f"{which}_subnet"))

    def security_group(self, which: str) -> str:
        return f"nsg-{self.prefix}-{which.replace('_', '-')}"

    def private_endpoint(self, link: str) -> str:
        return f"pep-{self.prefix}-{link}"

    @property
    def scoring(self) -> str:
        """The code and the environment of a deployment with a scoring script."""
        return f"{self.prefix}-scoring"

    @property
    def route_table(self) -> str:
        return f"rt-{self.prefix}-scoring"

    @property
    def bastion(self) -> str:
        return f"bas-{self.prefix}"

    @property
    def vpn_gateway(self) -> str:
        return f"vpng-{self.prefix}"

    @property
    def entry_ip(self) -> str:
        """The public address of the secure entry."""
        return f"pip-{self.prefix}-{self.recipe.security.secure_entry}"
