"""The cloud interface for steps: protocols that `cloud.Cloud` implements, and the values they
exchange.

Calls block. They raise CloudError if a service refuses, StepError if an operation fails, and
OperationCancelledError once their `cancel` is set. Durations are in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as CancelEvent
from typing import Protocol

from amlwizard.accounts import Account
from amlwizard.events import Attachment
from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document, JsonObject, JsonValue, MutableDocument
from amlwizard.recipe import SignIn
from amlwizard.secret import Secret

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class ReportProgress(Protocol):
    """How a step reports progress; `payload` is one of `payloads`, and holds no secret."""

    def __call__(self, message: str, payload: JsonRecord | None = None) -> None: ...


class DeviceCodePrompt(Protocol):
    """Prompts the user to sign in with a device code (`expires_at`: epoch seconds); `done` reports
    that they did."""

    def __call__(self, url: str, user_code: str, expires_at: float) -> None: ...

    def done(self, account: str) -> None: ...


# -- values


@dataclass(frozen=True)
class ProbeResult:
    """The outcome of a request: status and the service's own code, or the kind of error."""

    status: int = 0
    code: str = ""
    error: str = ""


@dataclass(frozen=True)
class PackageRelease:
    """A pinned requirement. `is_there`: the index has this version. `python` is the specifier of the
    Python versions that it is for, empty for any; `tags` are those of its wheels (``cp312``,
    ``py3``), `from_source` says that it can be built."""

    requirement: str
    is_there: bool = True
    python: str = ""
    tags: frozenset[str] = frozenset()
    from_source: bool = True


@dataclass(frozen=True)
class CellResult:
    """What a cell printed; `data` is the JSON of its last line that starts with ``amlwizard:``,
    `files` are those of its lines ``amlwizard-file:NAME BYTES BASE64``, `lost` names those that are
    incomplete. `cut`: Databricks dropped the middle of the output."""

    text: str
    data: MutableDocument
    seconds: float
    files: tuple[Attachment, ...] = ()
    lost: tuple[str, ...] = ()
    cut: bool = False


@dataclass(frozen=True)
class Frontend:
    """`certificate` is the PEM file that was given to the load balancer. The server must present
    it, so its issuer need not be trusted here. `named`: the DNS name leads to the address."""

    name: str
    address: str
    certificate: Path
    named: bool = False

    @property
    def record(self) -> str:
        """The DNS record that the name needs."""
        return f"{self.name} A {self.address}"

    @property
    def host(self) -> str:
        return self.name if self.named else self.address

    @property
    def pem(self) -> str:
        """The certificates in the file, without a private key that the file may also hold."""
        return "\n".join(CERTIFICATE.findall(self.certificate.read_text(errors="replace")))


@dataclass(frozen=True)
class EndpointAnswer:
    """A response of any status. `body` is its JSON, or its text if it is not JSON; `ran`: the
    model's own server sent it; `page`: it is an HTML page, which no endpoint sends, so it came from
    something in between."""

    status: int
    body: JsonValue
    seconds: float
    ran: bool = False
    page: bool = False


# -- clients


class Profile(Protocol):
    """What steps may use of a cloud's profile: its name and its timeouts."""

    @property
    def name(self) -> str: ...
    @property
    def polling(self) -> float: ...
    @property
    def retry(self) -> float: ...
    @property
    def lag(self) -> float: ...
    @property
    def propagation(self) -> float: ...
    @property
    def lease(self) -> float: ...
    @property
    def settle(self) -> float: ...


class ArmPort(Protocol):
    """Azure Resource Manager, in one subscription. Paths and ids begin with ``/subscriptions``."""

    def get(self, resource_id: str, api_version: str) -> Document | None: ...

    def every(self, path: str, api_version: str) -> Sequence[Document]:
        """All items of a collection, from all its pages."""

    def send(
        self, method: str, path: str, api_version: str, body: Document | None = None
    ) -> Document: ...

    def query(self, path: str, api_version: str, body: Document, *keys: str) -> Document:
        """The answer to a question that is a POST, which has at least one of `keys`."""

    def post(self, path: str, api_version: str, body: Document | None = None) -> Document: ...

    def put(
        self,
        resource_id: str,
        api_version: str,
        body: Document,
        say: ReportProgress,
        cancel: CancelEvent,
    ) -> Document:
        """Create or update, wait for the operation, return the resource."""

    def wait(
        self, resource_id: str, api_version: str, say: ReportProgress, cancel: CancelEvent
    ) -> Document:
        """Wait for an operation that another client started, return the resource."""

    def delete(
        self,
        resource_id: str,
        api_version: str,
        say: ReportProgress,
        cancel: CancelEvent,
        query: Mapping[str, str] = ...,
    ) -> bool:
        """Delete, and wait until it is gone. False if there was nothing."""

    def await_gone(
        self, resource_id: str, api_version: str, say: ReportProgress, cancel: CancelEvent
    ) -> None: ...

    def await_there(
        self, resource_id: str, api_version: str, cancel: CancelEvent
    ) -> Document | None:
        """Wait for a resource that should exist by now; None if it does not appear in time."""

    def purge_vault(
        self, deleted_id: str, api_version: str, say: ReportProgress, cancel: CancelEvent
    ) -> None: ...

    def registrations(self, namespaces: Iterable[str]) -> Mapping[str, str]:
        """Registration state by namespace of a resource provider."""

    def register(
        self, namespaces: Iterable[str], say: ReportProgress, cancel: CancelEvent
    ) -> None: ...


STOPPED = ("TERMINATED", "TERMINATING", "ERROR")
"""States of a Databricks cluster that neither runs nor is about to."""


class SecretScopesPort(Protocol):
    """The secret scopes of a Databricks workspace."""

    def put(self, scope: str, key: str, value: str) -> None:
        """Store a secret; creates its scope if necessary."""

    def delete(self, scope: str, key: str) -> None: ...

    def delete_scope(self, scope: str) -> None: ...

    def keys(self, scope: str) -> Collection[str]: ...


class DatabricksPort(Protocol):
    """A Databricks workspace."""

    @property
    def secrets(self) -> SecretScopesPort: ...

    def runtimes(self) -> Sequence[str]: ...

    def node_types(self) -> Sequence[str]: ...

    def instance_pools(self) -> Mapping[str, str]:
        """The ids of instance pools, by name."""

    def cluster_policies(self) -> Mapping[str, str]:
        """The ids of cluster policies, by name."""

    def find_cluster(self, name: str) -> Document | None: ...

    def create_cluster(self, spec: Document) -> str:
        """Create a cluster; returns its id."""

    def edit_cluster(self, cluster_id: str, spec: Document) -> None: ...

    def start_cluster(self, cluster_id: str) -> None: ...

    def state(self, cluster_id: str) -> str: ...

    def wait_cluster(self, cluster_id: str, say: ReportProgress, cancel: CancelEvent) -> None: ...

    def have_running(self, cluster_id: str, say: ReportProgress, cancel: CancelEvent) -> None:
        """Start a cluster that has terminated; wait until it runs with its libraries."""

    def library_status(self, cluster_id: str) -> Mapping[str, str]:
        """State by PyPI requirement."""

    def install_libraries(
        self, cluster_id: str, packages: Sequence[str], say: ReportProgress, cancel: CancelEvent
    ) -> None: ...

    def run_cells(
        self,
        cluster_id: str,
        cells: Sequence[str],
        say: ReportProgress,
        cancel: CancelEvent,
        *,
        ask: DeviceCodePrompt | None = None,
        before_each: Callable[[], None] = ...,
        closing: Callable[[str], str] | None = None,
        noted: Callable[[str], AbstractContextManager[None]] = ...,
    ) -> Sequence[CellResult]:
        """Run cells one after another in one execution context; stops at the first that fails.
        `before_each` is called before each cell, and every minute while one runs. After a failure the
        cell that `closing` gives for ``FAILED`` or ``KILLED`` runs. `noted` is entered with the id of
        the context."""

    def close_context(self, cluster_id: str, context_id: str) -> None:
        """Close an execution context, and end the cell that runs in it; suppresses errors."""


class WorkspacePort(Protocol):
    """A Machine Learning workspace."""

    def tracking_uri(self) -> str: ...

    def model_versions(self, name: str) -> Sequence[Document]:
        """Versions of a registered model, newest first: version, tags, run_id, id."""

    def keys(self, endpoint: str) -> Secret:
        """The primary key of an online endpoint."""

    def last_exception(self, endpoint: str, deployment: str, since: float | None = None) -> str:
        """The last error in the deployment's container since a time of the cloud (epoch seconds), or
        since its start; empty if unknown."""


class CloudPort(Protocol):
    """One cloud, one sign-in."""

    @property
    def profile(self) -> Profile: ...

    @property
    def arm(self) -> ArmPort: ...

    def databricks(self, url: str, id: str = "") -> DatabricksPort:
        """The Databricks workspace at a host name; `id` is its ARM id."""

    def ml(self, workspace_id: str) -> WorkspacePort: ...

    def sign_in(
        self,
        given: SignIn,
        ask: DeviceCodePrompt,
        cancel: CancelEvent,
        audiences: Collection[str] = (),
    ) -> Account:
        """Sign in and choose the subscription. Raises SignInError, or InvalidInputError if the
        subscription must be chosen."""

    def access_token(self, audience: str) -> Secret:
        """A token for ``arm``, ``ml`` or ``databricks``."""

    def own_principal(self) -> Mapping[str, Secret] | None:
        """The credentials of a service principal that signed in with its secret; None for any other
        sign-in."""

    def notebook_sign_in(self) -> JsonObject:
        """What a notebook needs to sign in to this cloud by itself; nothing secret."""

    def resolve(self, name: str) -> Sequence[str]:
        """The IPv4 addresses that a name has outside any VNET."""

    def releases(self, requirements: Sequence[str]) -> Sequence[PackageRelease]:
        """What the package index has of ``name==version``; without those that it does not answer
        for."""

    def knock(
        self, method: str, url: str, body: JsonValue = None, token: Secret | None = None
    ) -> ProbeResult: ...

    def score(
        self,
        uri: str,
        key: Secret,
        body: JsonObject,
        at: Frontend | None = None,
        deployment: str = "",
    ) -> EndpointAnswer:
        """Send a scoring request. Raises CloudError if there is no response."""
