"""Every resource type of the sandbox, by its lower-case name."""

from amlwizard.sandbox.kinds import aks, databricks, foundation, locks, ml, network
from amlwizard.sandbox.kinds.base import Kind

KINDS: dict[str, Kind] = {
    kind.type.lower(): kind
    for module in (network, foundation, databricks, aks, ml, locks)
    for kind in module.KINDS
}
