"""The types of a recipe's values: prefixes, addresses, ids. Each error says what would be right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, summarize_address_range
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
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

from amlwizard.language import _
from amlwizard.recipe.wording import cut

CIDR = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}")


@dataclass(frozen=True)
class Becomes:
    """What a field's value becomes, as help tells it: the property of a resource (its ARM type, with
    ``[]`` for any item of a list), or a short text where it becomes none. `example` is a value other
    than the default; without it, the name that follows from the prefix contoso."""

    resource: str
    property: str
    example: object = None


@dataclass(frozen=True)
class Takes:
    """What a type of values accepts, in words for help."""

    text: str


def parse_network(value: object) -> IPv4Network:
    """An IPv4 prefix in CIDR notation; the error says which correction gives a valid one."""
    if isinstance(value, IPv4Network):
        return value
    if isinstance(value, str) and CIDR.fullmatch(value):
        try:
            network = IPv4Network(value, strict=False)
        except ValueError:
            raise _not_a_range(value) from None
        if network.network_address != IPv4Address(value.partition("/")[0]):
            raise _wrong(
                "host-bits",
                _("{value} is an address inside {cure}, not the start of a range."),
                value,
                cure=str(network),
            )
        return network
    raise _not_a_range(value)


def _not_a_range(value: object) -> PydanticCustomError:
    """What is wrong with a range, and the range that is meant, as far as that can be told."""
    text = value.strip() if isinstance(value, str) else ""
    if isinstance(value, list) or "," in text:
        return _wrong(
            "address", _("{value} are several ranges; one goes here."), value, _("Give one range.")
        )
    if "/subscriptions/" in text.lower():
        what = _("{value} is the id of a resource, not an address range.")
        return _wrong("address", what, value, _("Give its range, such as 10.100.0.0/16."))
    meant = meant_range(text)
    if meant:
        return _wrong("address", _("{value} is not written as a range."), value, cure=meant)
    address, __, length = text.partition("/")
    usual = f"{address}/{_usual(address)}"
    if _is_address(address) and not length:
        what = _("{value} has no prefix length.")
        return _wrong("address", what, value, _("Add it, such as {usual}.", usual=usual))
    if _is_address(address):
        what = _("{value} does not end in a prefix length from /0 to /32.")
        return _wrong("address", what, value, _("Correct it, such as {usual}.", usual=usual))
    if text.count(":") > 1:
        what = _("{value} is an IPv6 range, which Azure Machine Learning does not support.")
        return _wrong("address", what, value, _("Give an IPv4 range, such as 10.100.0.0/16."))
    what = _("{value} is not an address range.")
    return _wrong("address", what, value, _("Give an IPv4 range, such as 10.100.0.0/16."))


def meant_range(text: str) -> str:
    """The range in another notation: with a mask, from first to last address, with a backslash or
    blanks; empty if it is none."""
    text = re.sub(r"[\u2013\u2014]", "-", text.strip().strip("'\"")).replace("\\", "/")
    first, dash, last = re.sub(r"\s*([/-])\s*", r"\1", text).partition("-")
    try:
        if dash:
            ranges = [*summarize_address_range(IPv4Address(first), IPv4Address(last))]
            return str(ranges[0]) if len(ranges) == 1 else ""
        address, between, length = first.partition("/" if "/" in first else " ")
        return str(IPv4Network(f"{address}/{length.strip()}", strict=False)) if between else ""
    except (ValueError, TypeError):
        return ""


def _is_address(text: str) -> bool:
    try:
        return text.isascii() and bool(IPv4Address(text) or True)
    except ValueError:
        return False


def _usual(address: str) -> int:
    """The prefix length that the zeros at an address's end suggest."""
    return 16 if address.endswith(".0.0") else 24 if address.endswith(".0") else 32


def parse_address(value: object) -> IPv4Address:
    if isinstance(value, IPv4Address):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if value == text and _is_address(text):
        return IPv4Address(text)
    what, fix = _("{value} is not an IPv4 address."), _("Give one, such as 10.0.0.10.")
    raise _wrong("address", what, value, fix, text if _is_address(text) else None)


def _wrong(
    kind: str, what: str, value: object, fix: str = "", cure: object = None
) -> PydanticCustomError:
    """An error of a value: `what` is wrong, with the value in place of ``{value}``; how to correct it,
    or the value that is meant."""
    facts = {"value": cut(repr(value)), "fix": fix, "cure": cure}
    return PydanticCustomError(kind, what, facts)


def _parse_surge(value: object) -> str:
    """Nodes, or a share of them in percent, as the agent pool API takes them."""
    text = str(value) if type(value) is int else value
    share = re.fullmatch(r"([1-9]\d{0,2})(%?)", text) if isinstance(text, str) else None
    if share is None or (share[2] and int(share[1]) > 100):
        what = _("{value} is not a valid upgrade surge.")
        raise _wrong(
            "surge", what, value, _("Give a number of nodes, such as 1, or a share, such as 33%.")
        )
    return share[0]


CANARY = re.compile(r"canary ([1-9]\d?)%")


def _parse_rollout(value: object) -> str:
    if isinstance(value, str) and (value == "replace" or CANARY.fullmatch(value)):
        return value
    share = re.search(r"canary\D*([1-9]\d?)\b", value, re.I) if isinstance(value, str) else None
    raise _wrong(
        "rollout",
        _("{value} is not a valid rollout."),
        value,
        _(
            "Write replace, or canary with the share of requests that the new version gets, such "
            "as canary 10%."
        ),
        f"canary {share[1]}%" if share else None,
    )


def _parse_subscription(value: object) -> str:
    try:
        if isinstance(value, str):
            return str(UUID(value))
    except ValueError:
        pass
    inner = re.match(r"/subscriptions/([0-9a-f-]{36})(/|$)", str(value), re.IGNORECASE)
    raise _wrong(
        "subscription",
        _("{value} is not a subscription id."),
        value,
        _(
            "Give its UUID, such as 11111111-2222-3333-4444-555555555555; the command az account "
            "show prints it as id."
        ),
        inner[1] if inner else None,
    )


class RecipeFile(str):
    """The name of a file, relative to the folder of the recipe that names it. `suffixes` are those that
    such a file has."""

    suffixes: ClassVar[tuple[str, ...]] = ()
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


class NotebookFile(RecipeFile):
    """In Databricks' source format, or of Jupyter."""

    suffixes = (".py", ".ipynb")


class ScriptFile(RecipeFile):
    """Of Python."""

    suffixes = (".py",)


class CondaFile(RecipeFile):
    """What an environment is made of; without its suffixes, the name of an image."""

    suffixes = (".yml", ".yaml")


class DataFile(RecipeFile):
    """Sent along; or the name of what the cluster reads, as `is_sent` tells."""

    suffixes = FILES


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
        name = value if isinstance(value, str) and re.fullmatch(r"[\w.-]+", value) else "xgboost"
        what = _("{value} is not pinned to one version.")
        raise _wrong(
            "requirement", what, value, _("Write name==version, such as {name}==3.2.0.", name=name)
        )
    return f"{found['name']}=={found['version']}"


def _parse_parameter(value: object) -> object:
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 500):
        return value
    what = _("{value} is not a valid value of a parameter.")
    fix = _("Give a number, true, false, or text of 500 characters at most.")
    raise _wrong("parameter", what, value, fix)


REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?(\[[\w,\s.-]+\])?)\s*==\s*"
    r"(?P<version>\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\+[\w.]+)?)"
)

Network = Annotated[
    IPv4Network,
    BeforeValidator(parse_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"}),
    Takes(_("an IPv4 range such as 10.100.0.0/16")),
]
Address = Annotated[
    IPv4Address,
    BeforeValidator(parse_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,3}){3}$"}),
    Takes(_("an IPv4 address such as 10.0.0.10")),
]
Surge = Annotated[
    str,
    BeforeValidator(_parse_surge),
    WithJsonSchema({"type": ["string", "integer"], "pattern": r"^[1-9]\d{0,2}%?$"}),
    Takes(_("1 or more nodes, or 1% to 100%")),
]
Subscription = Annotated[
    str,
    BeforeValidator(_parse_subscription),
    Takes(_("a UUID, such as 11111111-2222-3333-4444-555555555555")),
]
Access = Literal["private-endpoint", "service-endpoint"]
Text = Annotated[str, Field(min_length=1, max_length=300)]
Rollout = Annotated[
    str,
    BeforeValidator(_parse_rollout),
    WithJsonSchema({"type": "string", "pattern": r"^(replace|canary [1-9]\d?%)$"}),
    Takes(_("replace, or canary with the share of the new version, such as canary 10%")),
]
Requirement = Annotated[
    str, BeforeValidator(_parse_requirement), Takes(_("name==version, such as xgboost==3.2.0"))
]
ParameterName = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z_][\w.-]*$")]
MetricName = Annotated[str, StringConstraints(max_length=250, pattern=r"^[\w./ -]+$")]
Scalar = bool | int | float | str
Parameter = Annotated[
    Scalar,
    BeforeValidator(_parse_parameter),
    Takes(_("a number, true, false, or text of at most 500 characters")),
]
