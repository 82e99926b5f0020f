"""The sign-in methods for Entra, each an azure-identity credential, and why one failed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import urlsplit

from amlwizard.cloud import github
from amlwizard.cloud.entra_codes import OAUTH, code_in, code_of, reason
from amlwizard.cloud.interactive_user import InteractiveUser
from amlwizard.cloud.interruption import CONNECT_SECONDS
from amlwizard.cloud.profile import CloudProfile
from amlwizard.cloud.trust import UntrustedCertificateError, causes
from amlwizard.cloud.wire import LostAnswerError, WebPageError, session, transport
from amlwizard.errors import InvalidInputError, OperationCancelledError, SignInError
from amlwizard.json_types import ODD, parsed
from amlwizard.language import _
from amlwizard.secret import hide, remember

if TYPE_CHECKING:
    from azure.core.pipeline.transport import HttpRequest, HttpResponse, RequestsTransport
    from azure.identity import (
        AuthenticationRecord,
        AzureCliCredential,
        ClientAssertionCredential,
        DeviceCodeCredential,
        EnvironmentCredential,
        InteractiveBrowserCredential,
        ManagedIdentityCredential,
        TokenCachePersistenceOptions,
        WorkloadIdentityCredential,
    )

    IdentityCredential: TypeAlias = (
        AzureCliCredential
        | ClientAssertionCredential
        | DeviceCodeCredential
        | EnvironmentCredential
        | InteractiveBrowserCredential
        | ManagedIdentityCredential
        | WorkloadIdentityCredential
    )

DEVICE_CODE, BROWSER = "device-code", "browser"
ASKING = (DEVICE_CODE, BROWSER)  # the methods that prompt a user
# The methods that need no user, in the order tried. What is configured for this process comes
# before what happens to be on the machine.
UNATTENDED = ("environment", "workload-identity", "managed-identity", "azure-cli")
IMDS = "http://169.254.169.254"
CLI_SECONDS = 30


class NotAvailableError(Exception):
    """A sign-in method that is not set up here; the message says what is missing."""


def credential(
    profile: CloudProfile,
    login: str,
    tenant: str,
    user: InteractiveUser,
    record: AuthenticationRecord | None,
    cache: TokenCachePersistenceOptions | None,
) -> IdentityCredential:
    """The azure-identity credential of a sign-in method. Raises NotAvailableError if it is not set
    up.

    `record` names the account that signed in before; `cache` says where its tokens are stored, or
    is None.
    """
    makers: Mapping[str, Callable[..., IdentityCredential]] = {
        DEVICE_CODE: _device_code,
        BROWSER: _browser,
        "environment": _environment,
        "workload-identity": _workload_identity,
        "managed-identity": _managed_identity,
        "azure-cli": _azure_cli,
    }
    profile.must_allow(profile.authority)
    try:
        return makers[login](profile, tenant, user, record, cache)
    except ValueError as error:
        raise NotAvailableError(str(error)) from None


def not_set_up(profile: CloudProfile, login: str) -> str:
    """What a sign-in method without a user lacks here; empty if it lacks nothing. Contacts no
    cloud."""
    nobody = cast(InteractiveUser, None)  # such a method prompts no user
    try:
        credential(profile, login, "organizations", nobody, None, None)
    except NotAvailableError as error:
        return str(error)
    except InvalidInputError as error:
        return error.what
    return ""


def _shared(profile: CloudProfile) -> dict[str, object]:
    return {
        "authority": profile.authority,
        "disable_instance_discovery": not profile.instance_discovery,
        "transport": transport(profile),
    }


def _asking(
    profile: CloudProfile,
    tenant: str,
    user: InteractiveUser,
    record: AuthenticationRecord | None,
    cache: TokenCachePersistenceOptions | None,
) -> dict[str, object]:
    """The options shared by the methods that prompt a user."""
    options = _shared(profile)
    if record and record.authority == urlsplit(profile.authority).netloc:
        # The record contains the authority, and azure-identity fails if it is given twice.
        del options["authority"]
        options["authentication_record"] = record
    if cache:
        options["cache_persistence_options"] = cache
    return {
        **options,
        "tenant_id": tenant,
        "additionally_allowed_tenants": ["*"],
        "disable_automatic_authentication": True,
        "transport": _stoppable(user, profile),
    }


def _device_code(
    profile: CloudProfile,
    tenant: str,
    user: InteractiveUser,
    record: AuthenticationRecord | None,
    cache: TokenCachePersistenceOptions | None,
) -> IdentityCredential:
    from azure.identity import DeviceCodeCredential

    options = _asking(profile, tenant, user, record, cache)
    return DeviceCodeCredential(prompt_callback=user.prompt, **options)


def _browser(
    profile: CloudProfile,
    tenant: str,
    user: InteractiveUser,
    record: AuthenticationRecord | None,
    cache: TokenCachePersistenceOptions | None,
) -> IdentityCredential:
    from amlwizard.cloud.browser import BrowserCredential

    return BrowserCredential(user, **_asking(profile, tenant, user, record, cache))


def _environment(profile: CloudProfile, *_unused: object) -> IdentityCredential:
    from azure.identity import EnvironmentCredential

    lacking = [name for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID") if not os.environ.get(name)]
    proofs = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD")
    if not any(os.environ.get(name) for name in proofs):
        lacking.append(_("AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH"))
    if lacking:
        raise NotAvailableError(_("{names} not set", names=", ".join(lacking)))
    for name in ("AZURE_CLIENT_SECRET", "AZURE_PASSWORD"):
        remember(os.environ.get(name))
    return EnvironmentCredential(**_shared(profile))


def _workload_identity(profile: CloudProfile, *_unused: object) -> IdentityCredential:
    from azure.identity import ClientAssertionCredential, WorkloadIdentityCredential

    names = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"]
    if github.here() and profile.allows(os.environ[github.URL]):
        names.pop()
    lacking = [name for name in names if not os.environ.get(name)]
    if lacking:
        raise NotAvailableError(_("{names} not set", names=", ".join(lacking)))
    if len(names) == 2:
        # A file would hold an expired token: it lasts minutes, and a run needs it for much longer.
        return ClientAssertionCredential(
            *(os.environ[name] for name in names),
            lambda: github.assertion(profile),
            **_shared(profile),
        )
    return WorkloadIdentityCredential(**_shared(profile))


def _managed_identity(profile: CloudProfile, *_unused: object) -> IdentityCredential:
    from azure.identity import ManagedIdentityCredential

    endpoint = next(
        (
            os.environ[name]
            for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
            if os.environ.get(name)
        ),
        IMDS,
    )
    if not profile.allows(endpoint):
        raise NotAvailableError(
            _(
                "{endpoint} is not on this machine, and the cloud {cloud} is",
                endpoint=endpoint,
                cloud=profile.name,
            )
        )
    # As DefaultAzureCredential does: probe for one second whether anything responds, instead of
    # waiting a minute for an address that does not exist outside Azure; leave workload identity to
    # the method of that name.
    return ManagedIdentityCredential(
        client_id=os.environ.get("AZURE_CLIENT_ID"),
        _enable_imds_probe=True,
        _exclude_workload_identity_credential=True,
        transport=transport(profile),
    )


def _azure_cli(profile: CloudProfile, tenant: str, *_unused: object) -> IdentityCredential:
    from azure.identity import AzureCliCredential

    own = "" if tenant == "organizations" else tenant
    _must_be_set_to(profile)
    return AzureCliCredential(
        tenant_id=own, additionally_allowed_tenants=["*"], process_timeout=CLI_SECONDS
    )


def _must_be_set_to(profile: CloudProfile) -> None:
    """Raises NotAvailableError unless az is set to this cloud: it signs in to the cloud that it was
    last set to, which may be another one."""
    az = shutil.which("az.cmd") or shutil.which("az")
    if az is None:
        raise NotAvailableError(_("the Azure CLI (az) is not on the PATH"))
    query = ["cloud", "show", "--query", "endpoints.resourceManager", "--output", "json"]
    try:
        done = subprocess.run(
            [az, *query],
            capture_output=True,
            text=True,
            timeout=CLI_SECONDS,
            stdin=subprocess.DEVNULL,
            check=True,
        )
        endpoint = str(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NotAvailableError(
            _("az cloud show failed: {error}", error=type(error).__name__)
        ) from None
    if endpoint.rstrip("/").lower() != profile.arm.rstrip("/").lower():
        raise NotAvailableError(
            _(
                "az is set to the cloud at {endpoint}, and this one is at {expected} (az cloud set)",
                endpoint=endpoint,
                expected=profile.arm,
            )
        )


# -- failures


def refused(login: str, error: Exception, service: str = "") -> SignInError:
    """The SignInError for Entra's refusal (ClientAuthenticationError), or for not reaching Entra at
    all. `service` is the one that the token was for, if the user had already signed in."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    for cause in causes(error):
        if isinstance(cause, UntrustedCertificateError | WebPageError):
            return SignInError(cause.what, why=cause.why, fix=cause.fix)
        if isinstance(cause, SignInError):
            return cause
        if isinstance(cause, ServiceRequestError | ServiceResponseError | LostAnswerError):
            return SignInError(
                _("Entra cannot be reached ({login}).", login=login),
                why=first_line(full_text(error)),
                fix=_(
                    "Check your network and proxy. For a local sandbox, check that it is still running."
                ),
            )
    code, words = code_of(full_text(error)), first_line(full_text(error))
    wanted = _("a token for {service}", service=service) if service else _("the sign-in")
    if code is None:
        return SignInError(
            _("Entra refused {wanted} ({login}).", wanted=wanted, login=login),
            why=words,
            fix=_("Sign in again. If that does not help, ask the tenant's administrators."),
        )
    why, fix = reason(code, login, words)
    if code in OAUTH.values():
        return SignInError(_("Sign-in failed."), code=f"AADSTS{code}", why=why, fix=fix)
    what = _(
        "Entra refused {wanted} ({login}): AADSTS{code}.", wanted=wanted, login=login, code=code
    )
    return SignInError(what, code=f"AADSTS{code}", why=why, fix=fix)


def by_entra(refusal: SignInError) -> bool:
    """Whether Entra itself refused, and not a service that received its token."""
    return not refusal.code or code_in(refusal.code) is not None


def full_text(error: Exception) -> str:
    """The full text of an azure-identity error, or of the Entra response behind it; secrets
    masked."""
    text = str(getattr(error, "message", "") or error)
    response = getattr(error, "response", None)
    try:
        words = parsed(response.text())["error_description"] if response is not None else ""
    except ODD:
        words = ""
    return hide(str(words or text))


def not_available(login: str, reason: str) -> SignInError:
    return SignInError(
        _("The sign-in {login} is not available here.", login=login),
        why=f"{login}: {reason}.",
        fix=_("Provide what it needs, or choose another sign_in.login."),
    )


def none_worked(reasons: dict[str, str]) -> SignInError:
    """The error if no method without a user worked; `reasons` by method, in the order tried."""
    return SignInError(
        _("You are not signed in, and no sign-in method works here without you."),
        why="\n".join(f"{login}: {reason}." for login, reason in reasons.items()),
        fix=_(
            "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run az login. To "
            "sign in yourself, set sign_in.login: device-code or browser."
        ),
    )


def first_line(text: str) -> str:
    """The first line, at most 400 characters, without its full stop."""
    lines = text.strip().splitlines()
    return lines[0].rstrip(".")[:400] if lines else _("no reason was given")


def _stoppable(user: InteractiveUser, profile: CloudProfile) -> RequestsTransport:
    """A transport that stops waiting for the user once they, or the run, cancelled."""
    from azure.core.pipeline.transport import RequestsTransport

    class Stoppable(RequestsTransport):
        def send(self, request: HttpRequest, **options: object) -> HttpResponse:
            # Tokens that need no prompt are still needed after a cancellation, for cleanup.
            if user.waited_for and user.cancel.is_set():
                raise OperationCancelledError(_("cancelled while waiting for the sign-in"))
            return super().send(request, **options)

        def sleep(self, duration: float) -> None:
            user.cancel.wait(duration)

    return Stoppable(
        session=session(profile),
        connection_timeout=CONNECT_SECONDS,
        read_timeout=profile.silence,
    )
