"""The key of a recipe's endpoint, from Azure itself."""

from __future__ import annotations

from amlwizard.cloud_port import CloudPort
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.errors import InvalidInputError
from amlwizard.json_types import Document
from amlwizard.plan.placeholders import resolve
from amlwizard.recipe import Recipe
from amlwizard.secret import Secret


def endpoint_key(cloud: CloudPort, recipe: Recipe, signed_in: Document) -> Secret:
    """Raises InvalidInputError if there is no endpoint."""
    ids, n = Ids(recipe), recipe.names
    outputs = {"sign-in": signed_in}
    if cloud.arm.get(str(resolve(ids.endpoint, outputs)), api_versions.MACHINE_LEARNING) is None:
        raise InvalidInputError(
            f"There is no endpoint {n.endpoint} in the workspace {n.workspace}.",
            why=f"Nothing of that name is in the resource group {n.resource_group}.",
            fix="Replay the recipe to the end first, or name the recipe of the endpoint.",
        )
    return cloud.ml(str(resolve(ids.workspace, outputs))).keys(n.endpoint)
