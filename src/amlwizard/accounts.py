"""The account that signs in, and what it can see."""

from __future__ import annotations

from dataclasses import dataclass

from amlwizard.plain_text import PlainText


@dataclass(frozen=True)
class Subscription(PlainText):
    """`state` is Azure's: Enabled, Warned and PastDue can be built in; Disabled and Deleted
    cannot."""

    id: str
    name: str
    state: str
    tenant: str


@dataclass(frozen=True)
class Tenant(PlainText):
    """A tenant that an account belongs to. `note` says why its subscriptions are unknown."""

    id: str
    name: str
    domain: str
    subscriptions: tuple[Subscription, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Account(PlainText):
    """Who signed in, and where the platform will be built."""

    name: str
    tenant: str
    subscription: str
    subscription_name: str
