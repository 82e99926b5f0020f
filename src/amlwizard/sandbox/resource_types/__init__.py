"""All resource types, by lower-case name."""

from amlwizard.sandbox.resource_types import (
    aks,
    container_registry,
    databricks,
    identities,
    key_vault,
    locks,
    ml,
    monitor,
    network,
    role_assignments,
    storage,
)
from amlwizard.sandbox.resource_types.base import ResourceType

RESOURCE_TYPES: dict[str, ResourceType] = {
    kind.type.lower(): kind
    for module in (
        network,
        storage,
        key_vault,
        container_registry,
        monitor,
        identities,
        role_assignments,
        databricks,
        aks,
        ml,
        locks,
    )
    for kind in module.RESOURCE_TYPES
}
