"""The cloud as the steps see it. The only package that knows Azure's and Databricks' SDKs."""

from __future__ import annotations

from threading import Event as Flag
from threading import Lock
from typing import Any

from amlwizard.cloud.profile import CloudProfile, azure_public, from_description
from amlwizard.cloud.secret import Secret
from amlwizard.errors import CloudError, SignInFailed

__all__ = ["Cloud", "CloudProfile", "Secret", "azure_public", "from_description"]


class Cloud:
    """One cloud, one sign-in; clients are made when they are first needed."""

    def __init__(self, profile: CloudProfile) -> None:
        self.profile = profile
        self._credential: Any = None
        self._arm: Any = None
        self._databricks: dict[str, Any] = {}
        self._ml: dict[str, Any] = {}
        self._lock = Lock()

    def sign_in(self, given: Any, ask: Any, cancel: Flag) -> Any:
        """Sign in as the recipe says (`recipe.SignIn`); answer the Account.

        Raises SignInFailed, and InvalidInput where the subscription must be chosen.
        """
        from amlwizard.cloud import credentials
        from amlwizard.cloud.arm import Arm
        from amlwizard.cloud.subscriptions import choose

        self._credential = credentials.credential(
            self.profile, given.login, given.tenant, ask, cancel
        )
        claims = credentials.sign_in(self.profile, self._credential, self.profile.arm_scope)
        try:
            seen = Arm(self.profile, self._credential).subscriptions()
        except CloudError as error:
            if error.status not in (401, 403):
                raise
            raise SignInFailed(
                "Azure Resource Manager does not accept the sign-in.",
                why=f"{error.code}: {error.why}",
                fix="Check sign_in.tenant, sign_in.login and the account.",
            ) from None
        chosen = choose(seen, given.subscription)
        self._arm = Arm(self.profile, self._credential, chosen["subscriptionId"])
        return credentials.Account(
            name=str(claims.get("upn") or claims.get("appid") or claims.get("oid") or "unknown"),
            tenant=chosen["tenantId"],
            subscription=chosen["subscriptionId"],
            subscription_name=chosen["displayName"],
        )

    @property
    def arm(self) -> Any:
        assert self._arm, "sign_in comes first"
        return self._arm

    def databricks(self, workspace_url: str) -> Any:
        from amlwizard.cloud.databricks import Databricks

        with self._lock:
            if workspace_url not in self._databricks:
                self._databricks[workspace_url] = Databricks(
                    self.profile, self._credential, workspace_url
                )
            return self._databricks[workspace_url]

    def ml(self, workspace_id: str) -> Any:
        from amlwizard.cloud.ml import MachineLearning

        with self._lock:
            if workspace_id not in self._ml:
                self._ml[workspace_id] = MachineLearning(
                    self.profile, self._credential, workspace_id
                )
            return self._ml[workspace_id]

    def access_token(self, audience: str) -> Secret:
        """A token for ``arm``, ``ml`` or ``databricks``."""
        return Secret(self._credential.get_token(self.profile.scope(audience)).token)

    def score(self, uri: str, key: Secret, body: dict[str, Any]) -> Any:
        from amlwizard.cloud.scoring import score

        return score(self.profile, uri, key, body)
