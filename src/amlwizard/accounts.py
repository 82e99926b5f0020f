"""Who signs in, and what an account can see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subscription:
    """`state` is Azure's: Enabled, Warned, PastDue can be built in; Disabled, Deleted cannot."""

    id: str
    name: str
    state: str
    tenant: str


@dataclass(frozen=True)
class Tenant:
    """A tenant that an account belongs to. `note` says why its subscriptions are not known."""

    id: str
    name: str
    domain: str
    subscriptions: tuple[Subscription, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Account:
    """Who signed in, and where the platform will be built."""

    name: str
    tenant: str
    subscription: str
    subscription_name: str
