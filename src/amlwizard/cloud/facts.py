"""Facts about a subscription before anything is built in it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from amlwizard.cloud.policies import Objection
from amlwizard.json_types import Document

UNLIMITED = 10**9
# Error codes of an unregistered resource provider.
UNREGISTERED = ("MissingSubscriptionRegistration", "SubscriptionNotRegistered")


@dataclass(frozen=True)
class Planned:
    """A resource that is still to be created: its ARM id, type and body as they will be sent."""

    step: str
    id: str
    type: str
    body: Document
    api_version: str

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Questions:
    """What to look up. `names` must be globally unique, by ARM type. `ours`, `cluster` and
    `managed_group` are ARM ids: of the Machine Learning workspace, of AKS, and of the resource
    group that Databricks will create. `implied` are resources that services create by themselves,
    `zones` the names of private DNS zones that will be created. `kubernetes`: the recipe names a
    version."""

    subscription: str
    region: str
    group: str
    group_exists: bool
    planned: Sequence[Planned]
    implied: Sequence[Planned]
    namespaces: Sequence[str]
    names: Mapping[str, str]
    ours: str
    cluster: str
    managed_group: str
    zones: Sequence[str]
    kubernetes: bool


@dataclass(frozen=True)
class Size:
    """A VM size in a region. `family` is the name of its quota; `offered` is false if Azure does
    not offer it to this subscription. `memory` is in GiB, 0 if Azure does not say; `arm`: its
    processors are not x64."""

    name: str
    family: str
    vcpus: int
    offered: bool
    memory: float = 0
    arm: bool = False


@dataclass(frozen=True)
class Usage:
    """Usage and limit of a quota. A limit below zero means unlimited."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return self.limit - self.used if self.limit >= 0 else UNLIMITED


@dataclass(frozen=True)
class Denied:
    """A policy assignment (ARM id) that forbids a resource; `implied` if a service creates that by
    itself. `objections` describe what the rule matched, if that is more than the type."""

    assignment: str
    planned: Planned
    implied: bool = False
    objections: tuple[Objection, ...] = ()


@dataclass(frozen=True)
class Unread:
    """Something that could not be read, and the cloud's error. `regional`: the request was for a
    region."""

    what: str
    code: str
    why: str
    regional: bool = False


Permission = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class CloudFacts:
    """`taken` are the ARM types whose name is not available, `free_names` available alternatives.
    `endpoints` are names of online endpoints in the region, outside our workspace. `locations` maps
    regions to their geography, `offered` lower-case types to regions; `sizes` is by lower-case
    name, `usages` by service (``compute``, ``network``, ``ml``) and lower-case counter.
    `zone_links` are links of other zones with the same names. `permissions` are (actions,
    notActions) of one role each. None, or an empty mapping, means not read."""

    group: Document | None = None
    cluster: Document | None = None
    managed_group: Document | None = None
    taken: frozenset[str] = frozenset()
    free_names: Mapping[str, str] = field(default_factory=dict)
    deleted_vaults: Sequence[Document] = ()
    workspaces: Sequence[Document] = ()
    endpoints: Sequence[str] = ()
    registrations: Mapping[str, str] = field(default_factory=dict)
    locations: Mapping[str, str] = field(default_factory=dict)
    offered: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sizes: Mapping[str, Size] = field(default_factory=dict)
    kubernetes: frozenset[str] = frozenset()
    usages: Mapping[str, Mapping[str, Usage]] = field(default_factory=dict)
    permissions: Sequence[Permission] | None = None
    vnets: Sequence[Document] = ()
    zone_links: Sequence[Document] = ()
    denied: Sequence[Denied] = ()
    unread: Sequence[Unread] = ()
