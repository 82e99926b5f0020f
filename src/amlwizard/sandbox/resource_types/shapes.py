"""The shape of what a client sends, as far as handlers read it: checked once, before a handler runs,
so that handlers may rely on it. What is not named here is kept as it was sent."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject

Object = dict[str, JsonValue]


class Shape(BaseModel):
    """An object. A member without a default must be there; nulls were removed before."""

    model_config = ConfigDict(strict=True, defer_build=True)


ShapeClass = type[Shape]


class Reference(Shape):
    """A resource, by its id."""

    id: str = ""


class Sku(Shape):
    name: str = ""
    tier: str = ""
    capacity: int = 0


class Identity(Shape):
    type: str = ""
    userAssignedIdentities: dict[str, Object] | None = None


class Document(Shape):
    """What every resource type may send; types narrow `properties`."""

    location: str = ""
    kind: str = ""
    tags: Object | None = None
    zones: list[str] | None = None
    identity: Identity = Identity()
    sku: Sku = Sku()
    properties: Shape = Shape()


class NetworkRule(Shape):
    """A subnet that a firewall lets in."""

    id: str = ""
    virtualNetworkSubnetResourceId: str = ""


class AddressRule(Shape):
    """An address or range that a firewall lets in."""

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
