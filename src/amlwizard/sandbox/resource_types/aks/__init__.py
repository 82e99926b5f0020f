"""AKS: clusters, extensions, load balancers."""

from amlwizard.sandbox.resource_types.aks import clusters, extensions, load_balancers
from amlwizard.sandbox.resource_types.aks.clusters import DEFAULT_VERSION, VERSIONS
from amlwizard.sandbox.resource_types.aks.extensions import (
    certificate,
    frontend,
    inference_settings,
)

__all__ = [
    "DEFAULT_VERSION",
    "RESOURCE_TYPES",
    "VERSIONS",
    "certificate",
    "frontend",
    "inference_settings",
]

RESOURCE_TYPES = [
    *clusters.RESOURCE_TYPES,
    *extensions.RESOURCE_TYPES,
    *load_balancers.RESOURCE_TYPES,
]
