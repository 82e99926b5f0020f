"""What a state file holds, and what the control API may change of it: everything that survives a
restart. Secrets in it are sealed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from amlwizard.sandbox.documents import JsonObject


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Person(Part):
    """Who signs in; `oid` is their object id."""

    name: str = "engineer@sandbox.example"
    oid: str


class Tenant(Part):
    """`second_factor`: a token of another tenant is not enough to sign in."""

    name: str
    domain: str
    second_factor: bool = False


class SubscriptionEntry(Part):
    """`tenant` is empty for the person's own."""

    name: str
    state: str = "Enabled"
    tenant: str = ""


class Principal(Part):
    """A service principal; `secret` and `assertion` are sealed, empty where it has none."""

    client_id: str
    secret: str = ""
    assertion: str = ""


class Polls(Part):
    """What polls of an operation are answered.

    While it is under way: `status` with the word `word`. `tells` are members beside the word: `id`,
    `name`, `startTime`, and `endTime` and `percentComplete` once it is over. `done` is the status of
    the last poll of a Location that has no document to show. `worded`: a Location has the word too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: int = 200
    word: str = "InProgress"
    tells: tuple[str, ...] = ()
    done: int = 200
    worded: bool = False


class Operation(Part):
    """`resource` is the id (lower case) of the document that it holds, `of` that of the resource.
    `started` and `ended` are seconds since 1970, `seconds` is how long Azure takes. `error` is how
    it ends. The resource is in the `states` one after the other until then."""

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
        """State files of earlier versions do not say `of`."""
        return {"of": sent.get("resource"), **sent} if isinstance(sent, dict) else sent

    @property
    def is_running(self) -> bool:
        return self.status == "InProgress"


class Limits(Part):
    """Quotas of a subscription; cores per region, of all sizes and of one family, and of Machine
    Learning. `PublicIPAddresses` None is no limit. `not_offered` are regions by resource type.
    `role_looks` is how often a service looks before it sees a new role assignment."""

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


class RoleSighting(Part):
    """When a role assignment was made, and how often services looked for it since."""

    since: float
    looks: int = 0


class DatabricksData(Part):
    """Of a workspace: object ids of its users, clusters by id, and sealed secrets by scope and
    key."""

    users: list[str] = []
    clusters: dict[str, JsonObject] = {}
    scopes: dict[str, dict[str, str]] = {}


class StateFile(Part):
    """Keys of dictionaries are ids in lower case unless said otherwise.

    `providers` holds the operation that registered a namespace, by subscription; `protected` the
    sealed settings of extensions, `contents` the properties of deleted vaults, `logs` what stays of
    deleted Log Analytics workspaces, `assigned` new role assignments, `ports` numbers by
    ``service|resource id``. `allowed` None is every action.
    """

    tenant: str
    person: Person
    subscriptions: dict[str, SubscriptionEntry]
    principals: dict[str, Principal] = {}
    tenants: dict[str, Tenant] = {}
    providers: dict[str, dict[str, str]] = {}
    resources: dict[str, JsonObject] = {}
    operations: dict[str, Operation] = {}
    deleted: dict[str, JsonObject] = {}
    contents: dict[str, JsonObject] = {}
    logs: dict[str, JsonObject] = {}
    protected: dict[str, str] = {}
    assigned: dict[str, RoleSighting] = {}
    databricks: dict[str, DatabricksData] = {}
    ports: dict[str, int] = {}
    public_dns: dict[str, list[str]] = {}
    taken: list[str] = []
    limits: Limits = Field(default_factory=Limits)
    allowed: list[str] | None = None
    denied: list[str] = []
    policies: list[JsonObject] = []
    tracking_audience: str = ""

    def to_json(self) -> JsonObject:
        return self.model_dump(mode="json")
