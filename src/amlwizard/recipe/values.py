"""The types of a recipe's values: prefixes, addresses, ids. Each error says what would be right."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from amlwizard.recipe.wording import cut


def parse_network(value: object) -> IPv4Network:
    """An IPv4 prefix in CIDR notation; the error says which correction gives a valid one."""
    if isinstance(value, IPv4Network):
        return value
    if isinstance(value, list) or (isinstance(value, str) and "," in value):
        raise _address_error(value, "one prefix: a recipe has one for its VNET and each subnet")
    if not isinstance(value, str) or value != value.strip() or not value.isascii():
        raise _address_error(value, "an IPv4 prefix such as 10.100.0.0/16, without spaces")
    if "/subscriptions/" in value.lower():
        raise _address_error(value, "a range: what is there already cannot be used by its id yet")
    address, slash, length = value.partition("/")
    if not slash:
        raise _address_error(value, f"a prefix length: write {value[:40]}/24, for instance")
    if ":" in address:
        raise _address_error(value, "an IPv4 prefix: Azure Machine Learning has no IPv6 subnets")
    if not (length.isdigit() and len(length) <= 2 and int(length) <= 32):
        raise _address_error(value, "a prefix length from 0 to 32 after the slash")
    try:
        network = IPv4Network(value, strict=False)
    except ValueError:
        raise _address_error(value, "four numbers from 0 to 255 before the slash") from None
    if network.network_address != IPv4Address(address):
        raise PydanticCustomError(
            "host-bits",
            "{value} has host bits set: the prefix that holds it is {cure}",
            {"value": value, "cure": str(network)},
        )
    return network


def parse_address(value: object) -> IPv4Address:
    if isinstance(value, IPv4Address):
        return value
    try:
        if isinstance(value, str) and value.isascii():
            return IPv4Address(value)
    except ValueError:
        pass
    raise _address_error(value, "an IPv4 address such as 10.0.0.10")


def _address_error(value: object, wanted: str) -> PydanticCustomError:
    return PydanticCustomError(
        "address", "{value} needs {wanted}", {"value": cut(repr(value)), "wanted": wanted}
    )


def _parse_surge(value: object) -> str:
    """Nodes, or a share of them in percent, as the agent pool API takes them."""
    text = str(value) if type(value) is int else value
    share = re.fullmatch(r"([1-9]\d{0,2})(%?)", text) if isinstance(text, str) else None
    if share is None or (share[2] and int(share[1]) > 100):
        raise PydanticCustomError(
            "surge",
            "{value} is no surge: it is 1 or more nodes, or 1% to 100%",
            {"value": cut(repr(value))},
        )
    return share[0]


CANARY = re.compile(r"canary ([1-9]\d?)%")


def _parse_rollout(value: object) -> str:
    if isinstance(value, str) and (value == "replace" or CANARY.fullmatch(value)):
        return value
    raise PydanticCustomError(
        "rollout",
        "{value} must be replace, or canary with the share of the new version, such as canary 10%",
        {"value": cut(repr(value))},
    )


def _parse_subscription(value: object) -> str:
    try:
        if isinstance(value, str):
            return str(UUID(value))
    except ValueError:
        pass
    inner = re.match(r"/subscriptions/([0-9a-f-]{36})(/|$)", str(value), re.IGNORECASE)
    raise PydanticCustomError(
        "subscription",
        "a subscription id is a UUID, such as 11111111-2222-3333-4444-555555555555",
        {"cure": inner[1]} if inner else None,
    )


class RecipeFile(str):
    """The name of a file, relative to the folder of the recipe that names it."""

    folder: Path = Path()

    @property
    def path(self) -> Path:
        return self.folder / Path(self).expanduser()

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        text = core_schema.str_schema(min_length=1, max_length=300, strict=True)
        return core_schema.with_info_after_validator_function(cls._named, text)

    @classmethod
    def _named(cls, name: str, info: ValidationInfo) -> Self:
        """The validation context has the recipe's folder, as ``folder``."""
        file = cls(name)
        file.folder = (info.context or {}).get("folder", cls.folder)
        return file


PLACES = ("/", "dbfs:/", "abfss://", "wasbs://", "s3://", "gs://", "https://", "http://")
TABLE = re.compile(r"[\w`-]+(\.[\w`-]+){1,2}")
FILES = (
    ".csv",
    ".parquet",
    ".json",
    ".jsonl",
    ".txt",
    ".tsv",
    ".gz",
    ".zip",
    ".npy",
    ".npz",
    ".xlsx",
)


def is_sent(data: RecipeFile) -> bool:
    """Whether `data` is a file here, which is sent along: neither a path elsewhere nor a table."""
    if data.startswith(PLACES):
        return False
    named_as_file = data.lower().endswith(FILES) or "/" in data
    return named_as_file or not TABLE.fullmatch(data) or data.path.is_file()


def _parse_requirement(value: object) -> str:
    """A requirement of pip that is pinned to one version."""
    found = REQUIREMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError(
            "requirement",
            "{value} is not pinned: write name==version, such as xgboost==3.2.0",
            {"value": cut(repr(value))},
        )
    return f"{found['name']}=={found['version']}"


def _parse_parameter(value: object) -> object:
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 500):
        return value
    raise PydanticCustomError(
        "parameter",
        "{value} must be a number, true, false, or text of at most 500 characters",
        {"value": cut(repr(value))},
    )


REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?(\[[\w,\s.-]+\])?)\s*==\s*"
    r"(?P<version>\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\+[\w.]+)?)"
)

Network = Annotated[
    IPv4Network,
    BeforeValidator(parse_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"}),
]
Address = Annotated[
    IPv4Address,
    BeforeValidator(parse_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,3}){3}$"}),
]
Surge = Annotated[
    str,
    BeforeValidator(_parse_surge),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^[1-9]\d{0,2}%?$"}),
]
Subscription = Annotated[str, BeforeValidator(_parse_subscription)]
Access = Literal["private-endpoint", "service-endpoint"]
Text = Annotated[str, Field(min_length=1, max_length=300)]
Rollout = Annotated[
    str,
    BeforeValidator(_parse_rollout),
    WithJsonSchema({"type": "string", "pattern": r"^(replace|canary [1-9]\d?%)$"}),
]
Requirement = Annotated[str, BeforeValidator(_parse_requirement)]
ParameterName = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z_][\w.-]*$")]
MetricName = Annotated[str, StringConstraints(max_length=250, pattern=r"^[\w./ -]+$")]
Scalar = bool | int | float | str
Parameter = Annotated[Scalar, BeforeValidator(_parse_parameter)]
