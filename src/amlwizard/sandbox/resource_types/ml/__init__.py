"""Microsoft.MachineLearningServices: workspaces and their resources."""

from amlwizard.sandbox.resource_types.ml import (
    assets,
    computes,
    deployments,
    endpoints,
    models,
    workspaces,
)
from amlwizard.sandbox.resource_types.ml.endpoints import endpoint_key

__all__ = ["RESOURCE_TYPES", "endpoint_key"]

RESOURCE_TYPES = [
    kind
    for module in (workspaces, computes, endpoints, deployments, models, assets)
    for kind in module.RESOURCE_TYPES
]
