"""AKS: its clusters, and the extensions on them."""

from amlwizard.sandbox.kinds.aks import clusters, extensions
from amlwizard.sandbox.kinds.aks.clusters import DEFAULT_VERSION, VERSIONS
from amlwizard.sandbox.kinds.aks.extensions import inference_settings

__all__ = ["DEFAULT_VERSION", "KINDS", "VERSIONS", "inference_settings"]

KINDS = [*clusters.KINDS, *extensions.KINDS]
