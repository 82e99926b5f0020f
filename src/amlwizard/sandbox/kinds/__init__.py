"""Every resource type of the sandbox, by its lower-case name."""

from amlwizard.sandbox.kinds import (
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
from amlwizard.sandbox.kinds.base import Kind

KINDS: dict[str, Kind] = {
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
    for kind in module.KINDS
}
