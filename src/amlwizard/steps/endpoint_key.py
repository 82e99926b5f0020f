"""The key of a recipe's endpoint, from Azure itself."""

from __future__ import annotations

from amlwizard.cloud_port import CloudPort
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.errors import InvalidInputError
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.plan.placeholders import resolve
from amlwizard.recipe import Recipe
from amlwizard.secret import Secret


def endpoint_key(cloud: CloudPort, recipe: Recipe, signed_in: Document) -> Secret:
    """Raises InvalidInputError if there is no endpoint."""
    ids, n = Ids(recipe), recipe.names
    outputs = {"sign-in": signed_in}
    if cloud.arm.get(str(resolve(ids.endpoint, outputs)), api_versions.MACHINE_LEARNING) is None:
        raise InvalidInputError(
            _(
                "There is no endpoint {endpoint} in the workspace {workspace}.",
                endpoint=n.endpoint,
                workspace=n.workspace,
            ),
            why=_(
                "Nothing of that name is in the resource group {resource_group}.",
                resource_group=n.resource_group,
            ),
            fix=_("Replay the recipe to the end first, or name the recipe of the endpoint."),
        )
    return cloud.ml(str(resolve(ids.workspace, outputs))).keys(n.endpoint)
