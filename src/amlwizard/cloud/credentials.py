"""Signing in to Entra: one credential for ARM, Databricks and Machine Learning."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event as Flag
from typing import Any

from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.refusals import hide
from amlwizard.errors import Cancelled, SignInFailed

AskCode = Callable[[str, str, float], None]

FIXES = {
    "expired": ("The device code expired before anybody entered it.", "Start again and enter the new code in time."),
    "declined": ("The sign-in was declined in the browser.", "Start again and choose Continue."),
}  # fmt: skip


@dataclass(frozen=True)
class Account:
    """Who signed in, and where the platform will be built."""

    name: str
    tenant: str
    subscription: str
    subscription_name: str


def credential(profile: CloudProfile, login: str, tenant: str, ask: AskCode, cancel: Flag) -> Any:
    """An azure-identity credential for the given way to sign in."""
    from azure import identity

    shared: dict[str, Any] = {
        "authority": profile.authority,
        "disable_instance_discovery": not profile.instance_discovery,
    }
    if profile.ca:
        shared["connection_verify"] = profile.ca
    profile.must_allow(profile.authority)
    if login == "device-code":

        def prompt(url: str, user_code: str, expires_on: Any) -> None:
            ask(url, user_code, expires_on.timestamp())

        return identity.DeviceCodeCredential(
            tenant_id=tenant,
            prompt_callback=prompt,
            transport=_stoppable(cancel, profile.ca),
            **shared,
        )
    if login == "environment":
        return identity.EnvironmentCredential(**shared)
    if login == "managed-identity":
        return identity.ManagedIdentityCredential()
    if login == "workload-identity":
        return identity.WorkloadIdentityCredential(**shared)
    own = "" if tenant == "organizations" else tenant
    return identity.AzureCliCredential(tenant_id=own)


def sign_in(profile: CloudProfile, given: Any, scope: str) -> dict[str, Any]:
    """Get a first token; answer its claims. Raises SignInFailed with what Entra said."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError

    try:
        return claims(given.get_token(scope).token)
    except CredentialUnavailableError as error:
        raise SignInFailed(
            "This way to sign in is not available here.",
            why=hide(str(error.message))[:500],
            fix="Choose another sign_in.login, or set up what it needs.",
        ) from None
    except ClientAuthenticationError as error:
        text = hide(str(error.message))
        for word, (why, fix) in FIXES.items():
            if word in text:
                raise SignInFailed("Sign-in failed.", why=why, fix=fix) from None
        raise SignInFailed(
            "Entra refused the sign-in.",
            why=text[:500],
            fix="Check sign_in.tenant and the account.",
        ) from None


def claims(token: str) -> dict[str, Any]:
    """What a token says of its owner. Not verified: it is only shown."""
    try:
        body = token.split(".")[1]
        given = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return given if isinstance(given, dict) else {}


def _stoppable(cancel: Flag, ca: str | None) -> Any:
    """A transport that gives up waiting for the person once `cancel` is set."""
    from azure.core.pipeline.transport import RequestsTransport

    class Stoppable(RequestsTransport):
        def send(self, request: Any, **options: Any) -> Any:
            if cancel.is_set():
                raise Cancelled("cancelled while waiting for the sign-in")
            return super().send(request, **options)

        def sleep(self, duration: float) -> None:
            cancel.wait(duration)

    return Stoppable(connection_verify=ca) if ca else Stoppable()
