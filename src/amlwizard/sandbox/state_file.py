"""The schema of the state file, which the control API reads and writes, too. Secrets are sealed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from amlwizard.sandbox.documents import JsonObject


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignedInUser(Part):
    """The user who signs in; `oid` is the object id."""

    name: str = "engineer@sandbox.example"
    oid: str


class TenantState(Part):
    """`second_factor`: a refresh token of another tenant does not suffice to sign in."""

    name: str
    domain: str
    second_factor: bool = False


class SubscriptionEntry(Part):
    """`tenant` is empty for the home tenant."""

    name: str
    state: str = "Enabled"
    tenant: str = ""


class Principal(Part):
    """A principal of the directory. A service principal signs in as `client_id`, with what is sealed
    in `secret` or `assertion`; others, of which only the id counts, may have any members."""

    model_config = ConfigDict(extra="ignore")

    client_id: str = ""
    secret: str = ""
    assertion: str = ""


class Polls(Part):
    """Responses to polls of an operation.

    `status` and `word` are HTTP status and operation status while it runs. `tells` are members of
    the body: `id`, `name`, `startTime`, and `endTime` and `percentComplete` once it has ended.
    `done` is the HTTP status of the last poll of a Location without a document. `worded`: polls of a
    Location have the operation status, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: int = 200
    word: str = "InProgress"
    tells: tuple[str, ...] = ()
    done: int = 200
    worded: bool = False


class Operation(Part):
    """`resource` is the id (lower case) of the locked document, `of` that of the resource. `started`
    and `ended` are seconds since 1970; `seconds` is the duration on Azure. `error` is the error with
    which it ends. `states` are the successive provisioning states of the resource."""

    resource: str
    of: str
    verb: str
    started: float
    ended: float | None = None
    seconds: float
    polls: int = 0
    status: Literal["InProgress", "Succeeded", "Failed"] = "InProgress"
    error: JsonObject | None = None
    states: list[str] = []
    tells: Polls = Polls()

    @model_validator(mode="before")
    @classmethod
    def _of_the_document(cls, sent: object) -> object:
        """State files of earlier versions have no `of`."""
        return {"of": sent.get("resource"), **sent} if isinstance(sent, dict) else sent

    @property
    def is_running(self) -> bool:
        return self.status == "InProgress"


class Limits(Part):
    """Quotas of a subscription: cores per region, in total, per family and of Machine Learning.
    `PublicIPAddresses` None means no limit. `not_offered` lists regions by resource type.
    `role_looks` is how often a service checks before it sees a new role assignment. `requests`
    has the size of the bucket of each kind of request, and how many are added to it a second."""

    cores: int = 100
    family_cores: int = 100
    ml_cores: int = 100
    PublicIPAddresses: int | None = None
    VirtualNetworks: int = 1000
    NetworkSecurityGroups: int = 1000
    NatGateways: int = 1000
    PrivateEndpoints: int = 1000
    sizes_not_offered: list[str] = []
    not_offered: dict[str, list[str]] = {}
    role_looks: int = 0
    requests: dict[Literal["reads", "writes", "deletes"], tuple[float, float]] = {
        "reads": (250, 25),
        "writes": (200, 10),
        "deletes": (200, 10),
    }


class RoleSighting(Part):
    """When a role assignment was created, and how often services have checked for it."""

    since: float
    looks: int = 0


class DatabricksData(Part):
    """Of a workspace: object ids of its users, clusters, instance pools and cluster policies by id,
    sealed secrets by scope and key."""

    users: list[str] = []
    clusters: dict[str, JsonObject] = {}
    pools: dict[str, JsonObject] = {}
    policies: dict[str, JsonObject] = {}
    scopes: dict[str, dict[str, str]] = {}


class StateFile(Part):
    """Dictionaries are keyed by lower-case ids, except as noted.

    `providers` has the registration operation of each namespace, by subscription; `protected` the
    sealed settings of extensions; `contents` the properties of deleted vaults; `logs` deleted Log
    Analytics workspaces; `assigned` recent role assignments; `ports` port numbers by
    ``service|resource id``. `allowed` None allows all actions. `no_code`: Kubernetes endpoints take
    an MLflow model without a scoring script.
    """

    tenant: str
    person: SignedInUser
    subscriptions: dict[str, SubscriptionEntry]
    principals: dict[str, Principal] = {}
    tenants: dict[str, TenantState] = {}
    providers: dict[str, dict[str, str]] = {}
    resources: dict[str, JsonObject] = {}
    operations: dict[str, Operation] = {}
    deleted: dict[str, JsonObject] = {}
    contents: dict[str, JsonObject] = {}
    logs: dict[str, JsonObject] = {}
    protected: dict[str, str] = {}
    assigned: dict[str, RoleSighting] = {}
    databricks: dict[str, DatabricksData] = {}
    ports: dict[str, Annotated[int, Field(ge=1, le=65535)]] = {}
    public_dns: dict[str, list[str]] = {}
    taken: list[str] = []
    limits: Limits = Field(default_factory=Limits)
    allowed: list[str] | None = None
    denied: list[str] = []
    policies: list[JsonObject] = []
    tracking_audience: str = ""
    no_code: bool = True

    def to_json(self) -> JsonObject:
        return self.model_dump(mode="json")
