"""Microsoft.MachineLearningServices: the workspace and all that is in it, one module for each kind
of thing."""

from amlwizard.sandbox.kinds.ml import computes, deployments, endpoints, models, workspaces
from amlwizard.sandbox.kinds.ml.endpoints import endpoint_key

__all__ = ["KINDS", "endpoint_key"]

KINDS = [
    kind
    for module in (workspaces, computes, endpoints, deployments, models)
    for kind in module.KINDS
]
