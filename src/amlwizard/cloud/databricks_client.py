"""The SDK's client of a Databricks workspace, with our sign-in, our connections and our pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from amlwizard.cloud import interruption
from amlwizard.cloud.databricks_errors import translated
from amlwizard.cloud.import_lock import one_at_a_time
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.session import TenantCredential
from amlwizard.cloud.wire import prepared

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

RETRY_SECONDS = 60
HTTP_SECONDS = 60.0


def connected(
    profile: CloudProfile, credential: TenantCredential, workspace_url: str, workspace_id: str
) -> WorkspaceClient:
    """A client of the workspace at a host name; `workspace_id` is its ARM id, if that is known."""
    with one_at_a_time:
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.clock import RealClock
        from databricks.sdk.core import Config
        from databricks.sdk.credentials_provider import CredentialsStrategy

    class ConfigWithoutLookup(Config):
        def _resolve_host_metadata(self) -> None:
            """Send no request for the host's metadata: we already know what it is."""

        @classmethod
        def attributes(cls) -> object:
            return Config.attributes()  # it inspects only the class that it is called on

    class InterruptibleClock(RealClock):
        def sleep(self, seconds: float) -> None:
            """The pause between two attempts."""
            interruption.pause(seconds)

    class EntraStrategy(CredentialsStrategy):
        def auth_type(self) -> str:
            return "entra"

        def __call__(self, config: Config) -> Callable[[], dict[str, str]]:
            return lambda: _headers(profile, credential, workspace_id)

    url = profile.must_allow(f"https://{workspace_url}")
    with translated("Databricks"):
        client = WorkspaceClient(
            config=ConfigWithoutLookup(
                host=url,
                credentials_strategy=EntraStrategy(),
                retry_timeout_seconds=RETRY_SECONDS,
                http_timeout_seconds=min(HTTP_SECONDS, profile.silence),
                clock=InterruptibleClock(),
            )
        )
    prepared(client.api_client._api_client._session, profile)
    return client


def _headers(
    profile: CloudProfile, credential: TenantCredential, workspace_id: str
) -> dict[str, str]:
    token = credential.get_token(profile.databricks_scope).token
    given = {"Authorization": f"Bearer {token}"}
    # A new workspace has no users: with its id in the header, Databricks adds whoever may manage it
    # in ARM. A service principal must also prove that, with a second token.
    if workspace_id:
        given["X-Databricks-Azure-Workspace-Resource-Id"] = workspace_id
    if workspace_id and not credential.session.identity.is_user:
        management = credential.get_token(profile.arm_scope).token
        given["X-Databricks-Azure-SP-Management-Token"] = management
    return given
