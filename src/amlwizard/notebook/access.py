"""How the notebook on Databricks accesses the Machine Learning workspace, which only admits
signed-in clients inside the VNET.

No secret is in a cell, in the cluster's configuration or in an event: secrets go through a
Databricks secret scope, a device code directly to the user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amlwizard.cloud_port import CloudPort, DatabricksPort
from amlwizard.errors import Finding, InvalidInputError
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.notebook.lending import lending
from amlwizard.plan import Context, Inside
from amlwizard.plan.outputs import DATABRICKS
from amlwizard.recipe import Recipe

SCOPE = "amlwizard"
PRINCIPAL_KEYS = ("tenant-id", "client-id", "client-secret")
AUDIENCES = ("arm", "ml")  # of tokens for the workspace, in the order in which they are tried
FIELDS = ("sign_in.notebook_login", "sign_in.notebook_secret_scope")


def scope_of(recipe: Recipe) -> str:
    """The Databricks secret scope of a recipe."""
    return f"{SCOPE}-{recipe.names.prefix}"


def principal_scope(recipe: Recipe) -> str:
    """The secret scope with the notebook's service principal: the one named, or the recipe's."""
    return str(recipe.sign_in.notebook_secret_scope or scope_of(recipe))


def scope_inside(recipe: Recipe) -> Inside:
    """The recipe's secret scope, which amlwizard has put into a Databricks workspace that may
    belong to someone else."""
    scope = scope_of(recipe)

    def client(ctx: Context, workspace: Document) -> DatabricksPort:
        return ctx.cloud.databricks(workspace["properties"]["workspaceUrl"], workspace["id"])

    def found(ctx: Context, workspace: Document) -> str:
        url = workspace["properties"].get("workspaceUrl")
        keys = client(ctx, workspace).secrets.keys(scope) if url else ()
        return _("its secret scope {scope}", scope=scope) if keys else ""

    def remove(ctx: Context, workspace: Document) -> None:
        client(ctx, workspace).secrets.delete_scope(scope)

    return Inside(found, remove)


@dataclass(frozen=True)
class Access:
    """`login` is how the notebook signs in, `parameters` what its cells receive, `keep_up` must be
    called before each cell."""

    login: str
    parameters: dict[str, Any]
    keep_up: Callable[[], None] = lambda: None

    @property
    def notebooks(self) -> tuple[str, str]:
        """The notebooks that sign in, and that connect to the workspace."""
        return f"sign_in/{self.login.replace('-', '_')}", "workspace"


@contextmanager
def access(ctx: Context, recipe: Recipe) -> Iterator[Access]:
    """The notebook's sign-in on the workspace of `ctx`; tokens lent for it are deleted at the end.
    Raises InvalidInputError if secrets of the notebook's service principal are missing."""
    made = ctx.outputs[DATABRICKS]
    client = ctx.cloud.databricks(made.url, made.id)
    login = login_of(ctx.cloud, recipe)
    parameters = {"scope": scope_of(recipe), **ctx.cloud.notebook_sign_in()}
    if login == "service-principal":
        parameters["scope"] = principal_scope(recipe)
        _put_principal(ctx.cloud, recipe, client)
    if login == "access-token":
        with lent_token(ctx.cloud, recipe, client, "tracking-token") as (key, keep_up):
            yield Access(login, {**parameters, "token_key": key}, keep_up)
    else:
        yield Access(login, parameters)


@contextmanager
def lent_token(
    cloud: CloudPort, recipe: Recipe, client: DatabricksPort, purpose: str
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Puts our own tokens for the workspace, one per audience, into the recipe's secret scope while
    the block runs. Yields what their keys begin with, and a function to call before each cell: a
    token may expire earlier."""
    with lending(client.secrets, scope_of(recipe), purpose) as lent:

        def keep_up() -> None:
            for audience in AUDIENCES:
                lent.put(cloud.access_token(audience).reveal(), audience)

        keep_up()
        yield lent.key, keep_up


def api_of(tracking_uri: str) -> str:
    """The URL at which MLflow 2 and 3 call a workspace without azureml-mlflow. Its tracking URI has
    ``v1.0``, which serves the calls of MLflow 1: azureml-mlflow rewrites it, too."""
    return tracking_uri.replace("azureml://", "https://").replace("/mlflow/v1.0/", "/mlflow/v2.0/")


def login_of(cloud: CloudPort, recipe: Recipe) -> str:
    """The recipe's choice; by default ``service-principal`` if we are signed in as one ourselves,
    else ``access-token``."""
    chosen = recipe.sign_in.notebook_login
    if chosen:
        return str(chosen)
    return "service-principal" if cloud.own_principal() else "access-token"


def lacking(cloud: CloudPort, recipe: Recipe, client: DatabricksPort) -> list[str]:
    """The service principal's keys that neither the secret scope nor our sign-in has."""
    held = client.secrets.keys(principal_scope(recipe))
    missing = [key for key in PRINCIPAL_KEYS if key not in held]
    ours = not recipe.sign_in.notebook_secret_scope and cloud.own_principal()
    return [] if ours else missing


def secrets_missing(recipe: Recipe, missing: list[str]) -> Finding:
    """The error for keys that the notebook's secret scope lacks."""
    scope = principal_scope(recipe)
    return Finding(
        "notebook-secrets",
        "error",
        FIELDS,
        _("The secret scope {scope} lacks {keys}.", scope=scope, keys=", ".join(missing)),
        why=_(
            "The notebook signs in to the workspace as a service principal whose secrets are there."
        ),
        fix=_(
            "Put them there, or sign in with login: environment and a client secret, whose service "
            "principal is then the notebook's too."
        ),
        command=" && ".join(f"databricks secrets put-secret {scope} {key}" for key in missing),
    )


def _put_principal(cloud: CloudPort, recipe: Recipe, client: DatabricksPort) -> None:
    missing = lacking(cloud, recipe, client)
    if missing:
        finding = secrets_missing(recipe, missing)
        raise InvalidInputError(finding.what, findings=[finding], why=finding.why, fix=finding.fix)
    own = cloud.own_principal()
    if own and not recipe.sign_in.notebook_secret_scope:
        for key in PRINCIPAL_KEYS:
            client.secrets.put(scope_of(recipe), key, own[key].reveal())
