"""AKS: its clusters, the extensions on them, the load balancers of its nodes."""

from amlwizard.sandbox.kinds.aks import clusters, extensions, load_balancers
from amlwizard.sandbox.kinds.aks.clusters import DEFAULT_VERSION, VERSIONS
from amlwizard.sandbox.kinds.aks.extensions import certificate, frontend, inference_settings

__all__ = [
    "DEFAULT_VERSION",
    "KINDS",
    "VERSIONS",
    "certificate",
    "frontend",
    "inference_settings",
]

KINDS = [*clusters.KINDS, *extensions.KINDS, *load_balancers.KINDS]
