"""Shapes of request bodies, as far as handlers access them. A body is validated once, before its
handler runs. Members that are not declared are kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject

Object = dict[str, JsonValue]


class Shape(BaseModel):
    """An object. Members without a default are required; nulls have been removed before."""

    model_config = ConfigDict(strict=True, defer_build=True)


ShapeClass = type[Shape]


class ResourceReference(Shape):
    """A resource, by its id."""

    id: str = ""


class Sku(Shape):
    name: str = ""
    tier: str = ""
    capacity: int = 0


class IdentityShape(Shape):
    type: str = ""
    userAssignedIdentities: dict[str, Object] | None = None


class Document(Shape):
    """Members that all resource types have in common; types narrow `properties`."""

    location: str = ""
    kind: str = ""
    tags: Object | None = None
    zones: list[str] | None = None
    identity: IdentityShape = IdentityShape()
    sku: Sku = Sku()
    properties: Shape = Shape()


class NetworkRule(Shape):
    """A subnet in a firewall."""

    id: str = ""
    virtualNetworkSubnetResourceId: str = ""


class AddressRule(Shape):
    """An address or range in a firewall."""

    value: str


class NetworkRules(Shape):
    """The firewall of storage accounts, vaults and registries."""

    defaultAction: str = ""
    virtualNetworkRules: list[NetworkRule] | None = None
    ipRules: list[AddressRule] | None = None


def must_fit(shape: ShapeClass, body: JsonObject) -> None:
    """Refuse a body that Azure could not deserialize."""
    try:
        shape.model_validate(body)
    except ValidationError as problem:
        first = problem.errors()[0]
        path = ".".join(map(str, first["loc"]))
        raise ArmError(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: "
            f"'{first['msg']}. Path '{path}'.'",
            path,
        ) from None
