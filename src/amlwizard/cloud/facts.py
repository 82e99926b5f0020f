"""What a subscription says of itself before anything is built in it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from amlwizard.json_types import Document

UNLIMITED = 10**9
# What an unregistered resource provider answers.
UNREGISTERED = ("MissingSubscriptionRegistration", "SubscriptionNotRegistered")


@dataclass(frozen=True)
class Planned:
    """A resource that is still to be written: its ARM id, type and body as they will be sent."""

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
    """What to look at. `names` are those that must be unique in the world, by ARM type; `ours` the
    ARM id of the Machine Learning workspace, `cluster` that of AKS, `managed_group` that of the
    group that Databricks is to make. `implied` is what services make by themselves, `zones` names of
    private DNS zones that are to be made. `kubernetes`: a
    version of it is asked for."""

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
    """A VM size in a region. `family` is the name of its quota; `offered` is false where Azure
    keeps it from this subscription. `memory` is in GiB, 0 where Azure does not say; `arm`: its
    processors are no x64 ones."""

    name: str
    family: str
    vcpus: int
    offered: bool
    memory: float = 0
    arm: bool = False


@dataclass(frozen=True)
class Usage:
    """A quota. Limits below zero are none."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return self.limit - self.used if self.limit >= 0 else UNLIMITED


@dataclass(frozen=True)
class Denied:
    """A policy assignment (ARM id) that forbids a resource; `implied` where a service makes it by
    itself. `objections` say in words what the rule met, where it is more than the type."""

    assignment: str
    planned: Planned
    implied: bool = False
    objections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unread:
    """What could not be read, and what the cloud said. `regional`: it was asked of a region."""

    what: str
    code: str
    why: str
    regional: bool = False


Permission = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Facts:
    """`taken` are the ARM types whose name is not to be had, `free_names` what could be had
    instead. `endpoints` are names of online endpoints in the region, outside our workspace.
    `locations` are regions with the
    geography that each is in, `offered` regions by lower-case type, `sizes` by lower-case name, `usages` by service
    (``compute``, ``network``, ``ml``) and lower-case counter. `zone_links` are links of other
    zones of those names. `permissions` are the (actions,
    notActions) of one role each. None, or an empty mapping, is what was not read."""

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
