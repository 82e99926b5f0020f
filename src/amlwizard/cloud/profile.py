"""A cloud profile: the only difference between Azure, the sandbox, and any private cloud."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from amlwizard.capture.recording import Recorder
from amlwizard.cloud.throttling import Throttle
from amlwizard.command_line import command_line
from amlwizard.errors import AmlwizardError, InvalidInputError
from amlwizard.json_types import parsed
from amlwizard.language import _

DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"


@dataclass(frozen=True)
class CloudProfile:
    """The endpoints, API scopes and timeouts of a cloud.

    All durations are in seconds. `polling` is the interval between polls of an operation, `retry`
    the interval between attempts that Azure says to repeat, `patience` how long such attempts
    continue. `lag` is how long one service may take to see another's change, `propagation` how long
    all of them may take to see a role, `longest` how long an operation that another client started
    may take. `silence` is how long a service may say nothing before a request counts as lost, `whole` how long one
    may take from the first byte sent to the last one received. `lease` is how long a run holds a platform unless it renews that, `settle` how long a
    change to it takes at most. `accounts` is the folder that remembers who signed in, None if nothing may outlive the
    process. `resolver` is the URL of its public DNS over HTTPS (JSON form), None for this machine's
    own resolver; `packages` that of the package index, `prices` that of Azure's price list. `billed` says whether what is
    built is charged for. `recorder` receives every exchange, and `throttle` paces the requests of all
    clients. `proxy` is the route to addresses that are not on this machine, for a cloud that is
    confined to it.
    """

    name: str
    arm: str
    authority: str
    ca: str | None = None
    loopback_only: bool = False
    polling: float = 10
    retry: float = 10
    patience: float = 900
    lag: float = 180
    propagation: float = 600
    longest: float = 3600
    silence: float = 120  # ARM's own gateway gives up after 60
    whole: float = 300
    lease: float = 600
    settle: float = 5
    instance_discovery: bool = True
    accounts: Path | None = None
    resolver: str | None = None
    proxy: str | None = None
    arm_scope: str = "https://management.azure.com/.default"
    packages: str = "https://pypi.org"
    prices: str = "https://prices.azure.com"
    billed: bool = True
    ml_scope: str = "https://ml.azure.com/.default"
    databricks_scope: str = f"{DATABRICKS}/.default"
    recorder: Recorder | None = field(default=None, compare=False, repr=False)
    throttle: Throttle = field(default_factory=Throttle, compare=False, repr=False)

    def scope(self, audience: str) -> str:
        """The OAuth scope of ``arm``, ``ml`` or ``databricks``."""
        return {"arm": self.arm_scope, "ml": self.ml_scope, "databricks": self.databricks_scope}[
            audience
        ]

    def allows(self, url: str) -> bool:
        """Whether a client of this cloud may connect there: anywhere, unless the cloud is confined
        to this machine."""
        return not self.loopback_only or _host(url) in ("127.0.0.1", "::1", "localhost")

    def must_allow(self, url: str) -> str:
        """`url`. Raises AmlwizardError if this cloud is confined to this machine and the URL leads
        elsewhere."""
        if not self.allows(url):
            raise AmlwizardError(
                _(
                    "{host} is not on this machine, but the cloud {cloud} is confined to it.",
                    host=_host(url),
                    cloud=self.name,
                ),
                why=_("A client was about to leave this machine; nothing was sent."),
                fix=_("Report this: a client of amlwizard ignored its endpoint."),
            )
        return url


def _host(url: str) -> str | None:
    return urlsplit(url if "//" in url else f"//{url}").hostname


def _address(value: object) -> str:
    """Raises TypeError or ValueError if it is none."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no address")
    urlsplit(value)
    return value


def azure_public(accounts: Path | None = None) -> CloudProfile:
    """The profile of public Azure; `accounts` as in `CloudProfile`."""
    return CloudProfile(
        name="azure",
        arm="https://management.azure.com",
        authority="https://login.microsoftonline.com",
        accounts=accounts,
    )


def from_description(path: Path) -> CloudProfile:
    """The profile of a cloud that described itself in a JSON file: arm, authority, ca. Raises
    InvalidInputError if the file is missing or not such a description."""
    try:
        given = parsed(path.read_text())
        arm, authority = _address(given["arm"]), _address(given["authority"])
        ca = None if given["ca"] is None else _address(given["ca"])
        resolver = _address(given.get("resolver") or f"{arm}/dns-query")
        proxy = _address(given["proxy"]) if given.get("proxy") else None
        packages = _address(given.get("packages") or f"{arm}/packages")
        prices = _address(given.get("prices") or f"{arm}/prices")
    except FileNotFoundError:
        raise InvalidInputError(
            _("No sandbox is running at {path}.", path=path),
            why=_("A sandbox deletes this file when it stops."),
            fix=_(
                "Start one with `{command}` and set AMLWIZARD_SANDBOX to what it prints, or unset "
                "the variable.",
                command=command_line("sandbox"),
            ),
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(
            _("{path} does not describe a sandbox.", path=path),
            why=f"{type(error).__name__}: {error}",
            fix=_(
                "Set AMLWIZARD_SANDBOX to what `{command}` prints, or unset it.",
                command=command_line("sandbox"),
            ),
        ) from None
    profile = CloudProfile(
        name="sandbox",
        arm=arm,
        authority=authority,
        ca=ca,
        loopback_only=True,
        polling=0.25,
        retry=0.25,
        patience=60,
        lag=1,
        propagation=60,
        lease=60,
        settle=0.5,
        instance_discovery=False,
        resolver=resolver,
        proxy=proxy,
        packages=packages,
        prices=prices,
        billed=False,
    )
    for url in filter(None, (arm, authority, profile.proxy)):
        profile.must_allow(url)
    return profile
