"""Cloud clients for the steps. The only package that imports the Azure and Databricks SDKs."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from threading import Event as CancelEvent
from threading import RLock
from typing import TYPE_CHECKING

from amlwizard.accounts import Account, Tenant
from amlwizard.cloud.profile import CloudProfile, azure_public, from_description
from amlwizard.cloud.shared_sign_ins import SharedSignIns
from amlwizard.cloud_port import (
    DeviceCodePrompt,
    EndpointAnswer,
    Frontend,
    PackageRelease,
    ProbeResult,
)
from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.recipe import SignIn
from amlwizard.secret import Secret

if TYPE_CHECKING:
    from amlwizard.cloud.arm import Arm
    from amlwizard.cloud.databricks import Databricks
    from amlwizard.cloud.interactive_user import InteractiveUser
    from amlwizard.cloud.ml import MachineLearning
    from amlwizard.cloud.session import CloudSession, TenantCredential

__all__ = ["Cloud", "CloudProfile", "Secret", "SharedSignIns", "azure_public", "from_description"]

DEVICE_CODE = "device-code"
FIRST = "sign_in comes first"


class Cloud:
    """One cloud, one sign-in and one subscription. Clients are created on first use.

    `attended`: a user is present to enter a device code, which is then the default sign-in method
    unless the recipe names another. `played`: the sandbox answers in the user's place. `shared` are
    sign-ins that other clouds use, too.
    """

    def __init__(
        self,
        profile: CloudProfile,
        *,
        attended: bool = False,
        played: bool = False,
        shared: SharedSignIns | None = None,
    ) -> None:
        self.profile, self.attended, self.played, self.shared = profile, attended, played, shared
        self._session: CloudSession | None = None
        self._credential: TenantCredential | None = None
        self._person: InteractiveUser | None = None
        self._arm: Arm | None = None
        self._databricks: dict[str, Databricks] = {}
        self._ml: dict[str, MachineLearning] = {}
        # Two locks: a sign-in may wait 15 minutes for the user, and must not block new clients.
        self._signing_in, self._making = RLock(), RLock()

    def sharing(self, shared: SharedSignIns) -> Cloud:
        """The same cloud for another run: with clients of its own, and `shared` sign-ins."""
        return Cloud(self.profile, attended=self.attended, played=self.played, shared=shared)

    # -- signing in

    def accounts(self, given: SignIn, ask: DeviceCodePrompt, cancel: CancelEvent) -> list[Tenant]:
        """Sign in as `given` says (`recipe.SignIn`) and return the tenants that the account can
        see."""
        from amlwizard.cloud.session import prompting
        from amlwizard.cloud.subscriptions import seen

        user = self._prompted(ask, cancel)
        with self._signing_in, prompting(user):
            return seen(self._signed_in(given, user), given.tenant)

    def sign_in(
        self,
        given: SignIn,
        ask: DeviceCodePrompt,
        cancel: CancelEvent,
        audiences: Collection[str] = (),
    ) -> Account:
        """Sign in as `given` says and choose the subscription. A user who has already signed in is
        not prompted again. Tokens for `audiences` are requested at once, so that a refusal by Entra
        shows now and not when a token is needed.

        Raises SignInError, and InvalidInputError if the subscription must be chosen.
        """
        from amlwizard.cloud.arm import Arm
        from amlwizard.cloud.session import TenantCredential, prompting
        from amlwizard.cloud.subscriptions import choose, seen

        user = self._prompted(ask, cancel)
        with self._signing_in, prompting(user):
            session = self._signed_in(given, user)
            tenants = seen(session, given.tenant, given.subscription)
            chosen = choose(tenants, given.subscription)
            credential = self._credential
            if self._arm is None or self._arm.subscription != chosen.id or credential is None:
                self._forget_clients()
                self._credential = credential = TenantCredential(session, chosen.tenant, user)
                self._arm = Arm(self.profile, credential, chosen.id)
            credential.prove(audiences)
            return Account(session.identity.name, chosen.tenant, chosen.id, chosen.name)

    def _prompted(self, ask: DeviceCodePrompt, cancel: CancelEvent) -> InteractiveUser:
        """The user whom all clients of this cloud prompt from now on."""
        from amlwizard.cloud.interactive_user import InteractiveUser

        if self._person is None:
            self._person = InteractiveUser(ask, cancel, played=self.played)
        self._person.ask, self._person.cancel = ask, cancel
        return self._person

    def _signed_in(self, given: SignIn, user: InteractiveUser) -> CloudSession:
        from amlwizard.cloud.auth_records import AuthRecords
        from amlwizard.cloud.session import signed_in

        login = given.login or (DEVICE_CODE if self.attended else None)
        known = self._session
        if (
            known
            and login in (None, known.login)
            and (given.tenant == "organizations" or known.reach(given.tenant))
        ):
            known.go_on()
            return known
        self._session = None
        self._forget_clients()
        records = AuthRecords(self.profile.accounts)
        sign_in = partial(signed_in, self.profile, login, given.tenant, replace(user), records)
        shared = self.shared
        self._session = shared.one((login, given.tenant), sign_in) if shared else sign_in()
        return self._session

    def _forget_clients(self) -> None:
        with self._making:
            self._arm = None
            self._databricks.clear()
            self._ml.clear()

    @property
    def login(self) -> str:
        """The sign-in method in use: ``environment``, ``device-code``..."""
        assert self._session, FIRST
        return str(self._session.login)

    @property
    def _signed(self) -> TenantCredential:
        assert self._credential, FIRST
        return self._credential

    # -- clients

    @property
    def arm(self) -> Arm:
        """The client for Azure Resource Manager; requires `sign_in` first."""
        assert self._arm, FIRST
        return self._arm

    def databricks(self, url: str, id: str = "") -> Databricks:
        """The client for the Databricks workspace at host name `url`; `id` is its ARM id."""
        from amlwizard.cloud.databricks import Databricks

        with self._making:
            if url not in self._databricks:
                self._databricks[url] = Databricks(self.profile, self._signed, url, id)
            return self._databricks[url]

    def ml(self, workspace_id: str) -> MachineLearning:
        """The client for the Machine Learning workspace with this ARM id."""
        from amlwizard.cloud.ml import MachineLearning

        with self._making:
            if workspace_id not in self._ml:
                self._ml[workspace_id] = MachineLearning(self.profile, self._signed, workspace_id)
            return self._ml[workspace_id]

    def access_token(self, audience: str) -> Secret:
        """A token for ``arm``, ``ml`` or ``databricks``, valid for at least five minutes."""
        return Secret(self._signed.get_token(self.profile.scope(audience)).token)

    def resolve(self, name: str) -> list[str]:
        """The IPv4 addresses that a name has outside any VNET; empty if it has none."""
        from amlwizard.cloud.probe import resolve

        return resolve(self.profile, name)

    def knock(
        self, method: str, url: str, body: JsonValue = None, token: Secret | None = None
    ) -> ProbeResult:
        """Send one request from this machine and return its `ProbeResult`."""
        from amlwizard.cloud.probe import knock

        return knock(self.profile, method, url, body, token)

    def releases(self, requirements: Sequence[str]) -> list[PackageRelease]:
        """What the package index has of ``name==version``; without those that it does not answer
        for."""
        from amlwizard.cloud.packages import release

        found = (release(self.profile, requirement) for requirement in requirements)
        return [one for one in found if one]

    def own_principal(self) -> dict[str, Secret] | None:
        """The credentials of a service principal that signed in with its secret: ``tenant-id``,
        ``client-id``, ``client-secret``. None for any other sign-in."""
        secret = os.environ.get("AZURE_CLIENT_SECRET")
        if self.login != "environment" or not secret:
            return None
        return {
            "tenant-id": Secret(os.environ["AZURE_TENANT_ID"]),
            "client-id": Secret(os.environ["AZURE_CLIENT_ID"]),
            "client-secret": Secret(secret),
        }

    def notebook_sign_in(self) -> JsonObject:
        """What a notebook needs to sign in to this cloud by itself; contains no secret."""
        return {
            "tenant": self._signed.tenant,
            "authority": self.profile.authority,
            "instance_discovery": self.profile.instance_discovery,
            "token_scopes": {"arm": self.profile.arm_scope, "ml": self.profile.ml_scope},
        }

    def score(
        self,
        uri: str,
        key: Secret,
        body: JsonObject,
        at: Frontend | None = None,
        deployment: str = "",
    ) -> EndpointAnswer:
        """Send a scoring request. `at` locates an endpoint that has its own DNS name; `deployment`
        is the one to ask, whichever gets the traffic."""
        from amlwizard.cloud.scoring import score

        return score(self.profile, uri, key, body, at, deployment)
