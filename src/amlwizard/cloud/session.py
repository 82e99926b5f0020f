"""One sign-in for ARM, Databricks and Machine Learning: the credential that every client uses.

No client stores a token: it asks here for each request, and gets one that is still valid. Tokens
are refreshed silently; the user is prompted again only if Entra insists, and only once, however
many threads wait.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

from amlwizard.cloud import credentials
from amlwizard.cloud.auth_records import AuthRecords
from amlwizard.cloud.credentials import ASKING, UNATTENDED, NotAvailableError
from amlwizard.cloud.entra_codes import NOT_ENABLED, can_ask, code_in
from amlwizard.cloud.interactive_user import InteractiveUser
from amlwizard.cloud.profile import CloudProfile
from amlwizard.errors import OperationCancelledError, SignInError
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.run_control import bound, current_cancel
from amlwizard.secret import hide, remember

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

# A token that expires sooner is replaced, as azure-core and MSAL do.
EARLY_SECONDS = 300
SERVICES = {
    "arm": "Azure Resource Manager",
    "databricks": "Azure Databricks",
    "ml": "Azure Machine Learning",
}


# The same challenge within this time was meant for the previous token.
CHALLENGE_SECONDS = 300

Key = tuple[tuple[str, ...], str | None]  # scopes, and the tenant if it is not the account's own


_prompted: ContextVar[InteractiveUser] = ContextVar("prompted")


def prompting(user: InteractiveUser) -> AbstractContextManager[None]:
    """Within the block, it is `user` who is prompted if Entra insists on another sign-in."""
    return bound(_prompted, user)


@dataclass(frozen=True)
class Identity:
    """Who signed in. `is_user` is false for service principals and managed identities."""

    name: str
    tenant: str
    is_user: bool


class CloudSession:
    """An azure-core TokenCredential for the account's own tenant. `asked_tenant` is the one given
    to the sign-in, or ``organizations``."""

    def __init__(
        self,
        profile: CloudProfile,
        login: str,
        asked_tenant: str,
        user: InteractiveUser,
        records: AuthRecords,
    ) -> None:
        self.profile, self.login, self.asked_tenant = profile, login, asked_tenant
        self.user, self.records = user, records
        self.identity = Identity("", "", False)
        self._lock = RLock()
        self._kept: dict[Key, AccessToken] = {}
        self._met: dict[Key, tuple[str, float]] = {}
        self._refusal: SignInError | None = None
        self._inner = credentials.credential(
            profile,
            login,
            asked_tenant,
            user,
            records.read(asked_tenant) if login in ASKING else None,
            records.cache if login in ASKING else None,
        )

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, **_: object
    ) -> AccessToken:
        """A token that is still valid for a while (azure-core AccessToken). `claims` is the claims
        challenge of a service. Raises SignInError that explains Entra's refusal, or
        OperationCancelledError."""
        from azure.core.exceptions import ClientAuthenticationError

        try:
            return self._token(scopes, claims, tenant_id)
        except ClientAuthenticationError as error:
            _raise_if_cancelled()
            raise credentials.refused(self.login, error, self._service(scopes)) from None

    def _service(self, scopes: tuple[str, ...]) -> str:
        """The service that a token was for; empty for the first sign-in."""
        if not self.identity.name:
            return ""
        known = {self.profile.scope(audience): name for audience, name in SERVICES.items()}
        return next((known[scope] for scope in scopes if scope in known), scopes[0])

    def _token(
        self,
        scopes: tuple[str, ...],
        claims: str | None = None,
        tenant_id: str | None = None,
        quiet: bool = False,
    ) -> AccessToken:
        """`quiet`: do not prompt. Raises azure-identity's errors."""
        tenant = None if tenant_id == self.identity.tenant else tenant_id
        key = (scopes, tenant)
        # Check without the lock first: its holder may be waiting for the user to sign in.
        if kept := self._lasting(key, claims):
            return kept
        with self._lock:
            if kept := self._lasting(key, claims):
                return kept
            token = self._fresh(scopes, claims, tenant, quiet)
            remember(token.token)
            self._kept[key] = token
            if claims:  # last: until then, whoever meets the challenge waits for the lock
                self._met[key] = (claims, time.monotonic())
            return token

    def _lasting(self, key: Key, claims: str | None) -> AccessToken | None:
        """The cached token, if it is still valid and meets the challenge; otherwise None."""
        kept = self._kept.get(key)
        lasts = kept and kept.expires_on - time.time() > EARLY_SECONDS
        return kept if lasts and (not claims or self._just_met(key, claims)) else None

    def _just_met(self, key: Key, claims: str) -> bool:
        """Whether a token was just fetched for this challenge: every request that was in flight
        with the previous token receives it."""
        met, when = self._met.get(key, ("", 0.0))
        return met == claims and time.monotonic() - when < CHALLENGE_SECONDS

    def _fresh(
        self, scopes: tuple[str, ...], claims: str | None, tenant: str | None, quiet: bool
    ) -> AccessToken:
        from azure.identity import AuthenticationRequiredError

        given = {"claims": claims, "tenant_id": tenant}
        options = {name: value for name, value in given.items() if value}
        try:
            token: AccessToken = self._inner.get_token(*scopes, **options)
        except AuthenticationRequiredError as error:
            if quiet or (self.identity.name and not can_ask(code_in(credentials.full_text(error)))):
                raise
            self._ask_once(scopes, options)
            token = self._inner.get_token(*scopes, **options)
        return token

    def _ask_once(self, scopes: tuple[str, ...], options: dict[str, str]) -> None:
        """Prompt once, however many threads need it; the outcome applies to all of them."""
        from azure.core.exceptions import ClientAuthenticationError

        if self._refusal:
            raise self._refusal
        try:
            self._ask_the_person(scopes, options)
        except (ClientAuthenticationError, SignInError) as error:
            self._refusal = credentials.refused(self.login, error, self._service(scopes))
            raise self._refusal from None

    def _ask_the_person(self, scopes: tuple[str, ...], options: dict[str, str]) -> None:
        from azure.core.exceptions import ClientAuthenticationError

        again = bool(self.identity.name)
        prompted = _prompted.get(self.user)
        self.user.ask, self.user.cancel = prompted.ask, prompted.cancel
        self.user.waited_for = True
        try:
            if self.user.cancel.is_set():
                raise OperationCancelledError(_("cancelled before the sign-in"))
            record = self._inner.authenticate(scopes=scopes, **options)
        except ClientAuthenticationError:
            # azure-identity wraps any exception that ends its wait, including ours.
            if self.user.cancel.is_set():
                raise OperationCancelledError(
                    _("cancelled while waiting for the sign-in")
                ) from None
            raise
        finally:
            self.user.waited_for = False
        self.records.keep(self.asked_tenant, record)
        if again:
            self.user.ask.done(self.identity.name)

    def start(self) -> None:
        """Get the first token and read the identity from it.

        Raises NotAvailableError for a method that is not set up, SignInError if Entra refused.
        """
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import CredentialUnavailableError

        try:
            token = self._token((self.profile.arm_scope,))
        except CredentialUnavailableError as error:
            raise NotAvailableError(credentials.first_line(hide(str(error.message)))) from None
        except ClientAuthenticationError as error:
            _raise_if_cancelled()
            raise credentials.refused(self.login, error) from None
        said = claims(token.token)
        named = ("upn", "unique_name", "preferred_username")
        name = next((said[key] for key in named if said.get(key)), "")
        self.identity = Identity(
            name=str(name or said.get("app_displayname") or said.get("appid") or said.get("oid")),
            tenant=str(said.get("tid") or self.asked_tenant),
            is_user=bool(name) and said.get("idtyp") != "app",
        )
        wanted = self.asked_tenant.lower()
        if _is_id(wanted) and self.identity.tenant.lower() != wanted:
            raise SignInError(
                _(
                    "The sign-in ({login}) is to the tenant {tenant}.",
                    login=self.login,
                    tenant=self.identity.tenant,
                ),
                why=_("The recipe names the tenant {tenant}.", tenant=self.asked_tenant),
                fix=_("Correct sign_in.tenant, or sign in to that tenant."),
            )

    def reach(self, tenant: str) -> str | None:
        """The id of a tenant (given by id or domain) for which tokens can be had without a prompt;
        None if it requires a separate sign-in."""
        from azure.core.exceptions import ClientAuthenticationError

        if tenant.lower() in (self.identity.tenant.lower(), self.asked_tenant.lower()):
            return self.identity.tenant
        try:
            token = self._token((self.profile.arm_scope,), tenant_id=tenant, quiet=True)
        except ClientAuthenticationError:
            _raise_if_cancelled()
            return None
        return str(claims(token.token).get("tid") or tenant)

    def go_on(self) -> None:
        """Serve another run, which may prompt the user again."""
        self._refusal = None


class TenantCredential:
    """A credential for one of the tenants that a session reaches. If Entra insists on another
    sign-in, `user` is prompted."""

    def __init__(
        self, session: CloudSession, tenant: str, user: InteractiveUser | None = None
    ) -> None:
        self.session, self.tenant, self.user = session, tenant, user

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, **_: object
    ) -> AccessToken:
        with prompting(self.user) if self.user else nullcontext():
            return self.session.get_token(*scopes, claims=claims, tenant_id=self.tenant)

    def prove(self, audiences: Iterable[str]) -> list[str]:
        """Get the tokens that a run will need, while the user is present. Returns the audiences
        that the tenant does not know yet: registering their providers adds them."""
        unknown = []
        for audience in audiences:
            try:
                self.get_token(self.session.profile.scope(audience))
            except SignInError as refusal:
                if audience == "arm" or code_in(refusal.code) not in NOT_ENABLED:
                    raise
                unknown.append(audience)
        return unknown


def signed_in(
    profile: CloudProfile,
    login: str | None,
    tenant: str,
    user: InteractiveUser,
    records: AuthRecords,
) -> CloudSession:
    """A session that holds a token. With `login` None it tries the methods that need no user; if
    none works, the error names each of them and the reason. A method that is set up but refused
    ends the search: the identity must not change silently."""
    if login is not None:
        try:
            session = CloudSession(profile, login, tenant, user, records)
            session.start()
            return session
        except NotAvailableError as reason:
            raise credentials.not_available(login, str(reason)) from None
    reasons: dict[str, str] = {}
    for way in UNATTENDED:
        try:
            session = CloudSession(profile, way, tenant, user, records)
            session.start()
            return session
        except NotAvailableError as reason:
            reasons[way] = str(reason)
        except SignInError as refusal:
            tried = "".join(f"\n{name}: {reason}." for name, reason in reasons.items())
            refusal.why = f"{way}: {refusal.why}{tried}"
            raise
    raise credentials.none_worked(reasons)


def _raise_if_cancelled() -> None:
    """azure-identity wraps any exception that ends its requests, including ours."""
    if current_cancel().is_set():
        raise OperationCancelledError(_("cancelled while signing in"))


def claims(token: str) -> Document:
    """The claims in a token. Not verified: for display only."""
    try:
        body = token.split(".")[1]
        given = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return given if isinstance(given, dict) else {}


def _is_id(tenant: str) -> bool:
    from uuid import UUID

    try:
        UUID(tenant)
    except ValueError:
        return False
    return True
