"""The cloud as steps see it: protocols that `cloud.Cloud` implements, and the values they exchange.

Calls block. They raise CloudError for what a service refuses, StepError where an operation ends
badly, and OperationCancelledError once their `cancel` is set. Durations are in seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import Any, Protocol

from amlwizard.accounts import Account
from amlwizard.events import Attachment
from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document, JsonObject, JsonValue
from amlwizard.recipe import SignIn
from amlwizard.secret import Secret

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class ReportProgress(Protocol):
    """How a step reports progress; `payload` is one of `payloads`, and holds no secret."""

    def __call__(self, message: str, payload: JsonRecord | None = None) -> None: ...


class DeviceCodePrompt(Protocol):
    """How a step has a person sign in with a device code (`expires_at`: epoch seconds), and says
    that somebody did."""

    def __call__(self, url: str, user_code: str, expires_at: float) -> None: ...

    def done(self, account: str) -> None: ...


# -- values


@dataclass(frozen=True)
class ProbeResult:
    """What a request came to: status and the service's own code, or the kind of error."""

    status: int = 0
    code: str = ""
    error: str = ""


@dataclass(frozen=True)
class CellResult:
    """What a cell printed; `data` is the JSON of its last line that starts with ``amlwizard:``,
    `files` those of its lines ``amlwizard-file:NAME BYTES BASE64``, `lost` the names of those that did
    not come through whole. `cut`: Databricks left out the middle of what it printed."""

    text: str
    data: dict[str, Any]
    seconds: float
    files: tuple[Attachment, ...] = ()
    lost: tuple[str, ...] = ()
    cut: bool = False


@dataclass(frozen=True)
class Frontend:
    """`certificate` is the PEM file that the load balancer was given: it is what it must show, so
    whoever issued it need not be known here. `named` says that the name leads to the address."""

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
        """The certificates in the file, and never a key that somebody keeps with them."""
        return "\n".join(CERTIFICATE.findall(self.certificate.read_text(errors="replace")))


@dataclass(frozen=True)
class EndpointAnswer:
    """An answer, of whatever status. `body` is its JSON, or its text where it is none; `ran` says
    that the model's own server gave it, `page` that it is one for a browser, which no endpoint
    answers: something in between did."""

    status: int
    body: JsonValue
    seconds: float
    ran: bool = False
    page: bool = False


# -- clients


class Profile(Protocol):
    """What steps may know of a cloud's profile: its name, and how patient it is."""

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


class ArmPort(Protocol):
    """Azure Resource Manager, in one subscription. Paths and ids begin with ``/subscriptions``."""

    def get(self, resource_id: str, api_version: str) -> Document | None: ...

    def every(self, path: str, api_version: str) -> Sequence[Document]:
        """Every item of a collection, over all its pages."""

    def send(
        self, method: str, path: str, api_version: str, body: Document | None = None
    ) -> Document: ...

    def post(self, path: str, api_version: str, body: Document | None = None) -> Document: ...

    def put(
        self, resource_id: str, api_version: str, body: Document, say: ReportProgress, cancel: Flag
    ) -> Document:
        """Create or update, wait for the operation, return the resource."""

    def wait(
        self, resource_id: str, api_version: str, say: ReportProgress, cancel: Flag
    ) -> Document:
        """Wait for an operation that somebody else started, return the resource."""

    def delete(
        self,
        resource_id: str,
        api_version: str,
        say: ReportProgress,
        cancel: Flag,
        query: Mapping[str, str] = ...,
    ) -> bool:
        """Delete, and wait until it is gone. False where there was nothing."""

    def await_gone(
        self, resource_id: str, api_version: str, say: ReportProgress, cancel: Flag
    ) -> None: ...

    def await_there(self, resource_id: str, api_version: str, cancel: Flag) -> Document | None:
        """What should be there by now; None where it does not show up in time."""

    def purge_vault(
        self, deleted_id: str, api_version: str, say: ReportProgress, cancel: Flag
    ) -> None: ...

    def registrations(self, namespaces: Iterable[str]) -> Mapping[str, str]:
        """Registration state by namespace of a resource provider."""

    def register(self, namespaces: Iterable[str], say: ReportProgress, cancel: Flag) -> None: ...


class DatabricksPort(Protocol):
    """A Databricks workspace."""

    def runtimes(self) -> Sequence[str]: ...

    def node_types(self) -> Sequence[str]: ...

    def find_cluster(self, name: str) -> Document | None: ...

    def create_cluster(self, spec: Document) -> str:
        """Create a cluster; returns its id."""

    def edit_cluster(self, cluster_id: str, spec: Document) -> None: ...

    def start_cluster(self, cluster_id: str) -> None: ...

    def state(self, cluster_id: str) -> str: ...

    def wait_cluster(self, cluster_id: str, say: ReportProgress, cancel: Flag) -> None: ...

    def library_status(self, cluster_id: str) -> Mapping[str, str]:
        """State by PyPI requirement."""

    def install_libraries(
        self, cluster_id: str, packages: Sequence[str], say: ReportProgress, cancel: Flag
    ) -> None: ...

    def put_secret(self, scope: str, key: str, value: str) -> None: ...

    def delete_secret(self, scope: str, key: str) -> None: ...

    def secret_keys(self, scope: str) -> Collection[str]: ...

    def run_cells(
        self,
        cluster_id: str,
        cells: Sequence[str],
        say: ReportProgress,
        cancel: Flag,
        *,
        ask: DeviceCodePrompt | None = None,
        before_each: Callable[[], None] = ...,
    ) -> Sequence[CellResult]:
        """Run cells one by one in one execution context; the first that fails ends it."""


class WorkspacePort(Protocol):
    """A Machine Learning workspace."""

    def tracking_uri(self) -> str: ...

    def model_versions(self, name: str) -> Sequence[Document]:
        """Versions of a registered model, newest first: version, tags, run_id, id."""

    def keys(self, endpoint: str) -> Secret:
        """The primary key of an online endpoint."""

    def last_exception(self, endpoint: str, deployment: str) -> str:
        """What went wrong last in the deployment's container; empty where it is not known."""


class CloudPort(Protocol):
    """One cloud, one sign-in."""

    @property
    def profile(self) -> Profile: ...

    @property
    def arm(self) -> ArmPort: ...

    def databricks(self, url: str, id: str = "") -> DatabricksPort:
        """The workspace at a host name; `id` is its ARM id."""

    def ml(self, workspace_id: str) -> WorkspacePort: ...

    def sign_in(
        self, given: SignIn, ask: DeviceCodePrompt, cancel: Flag, audiences: Collection[str] = ()
    ) -> Account:
        """Sign in and choose the subscription. SignInError, or InvalidInputError where the subscription
        must be chosen."""

    def access_token(self, audience: str) -> Secret:
        """A token for ``arm``, ``ml`` or ``databricks``."""

    def own_principal(self) -> Mapping[str, Secret] | None:
        """The service principal that is signed in, by its secret; None for everybody else."""

    def notebook_sign_in(self) -> JsonObject:
        """What a notebook needs to sign in to this cloud by itself; nothing secret."""

    def resolve(self, name: str) -> Sequence[str]:
        """The IPv4 addresses that a name has outside any VNET."""

    def knock(
        self, method: str, url: str, body: JsonValue = None, token: Secret | None = None
    ) -> ProbeResult: ...

    def score(
        self, uri: str, key: Secret, body: JsonObject, at: Frontend | None = None
    ) -> EndpointAnswer:
        """Send a scoring request. CloudError where no answer comes."""
