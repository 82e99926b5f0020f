"""Translates Azure's errors, in one place: what happened, why, what to do next."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from amlwizard.cloud.import_lock import one_at_a_time
from amlwizard.cloud.interruption import HEARTBEAT_SECONDS, pause
from amlwizard.cloud.policies import of_refusal
from amlwizard.cloud.wire import LostAnswerError
from amlwizard.command_line import RECIPE, TARGET, command_line
from amlwizard.errors import AmlwizardError, CloudError, SignInError
from amlwizard.json_types import Document, parsed
from amlwizard.language import _
from amlwizard.run_control import current_report
from amlwizard.secret import hide

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

T = TypeVar("T")

NO_ANSWER = "NoAnswer"
LOST_ANSWERS = 3  # attempts, in addition to those of the SDKs

# Codes for which Azure says, or practice has shown, that the same request succeeds later.
RETRYABLE = frozenset(
    {
        "AnotherOperationInProgress",
        "RetryableError",
        "AKSOperationPreempted",
        "ReferencedResourceNotProvisioned",
        "PrincipalNotFound",
        "ClusterNotReady",
        "LinkedAuthorizationFailed",
        "StorageAccountOperationInProgress",
        NO_ANSWER,
        "ResourceGroupBeingDeleted",
        "StorageAccountIsNotProvisioned",
        "GatewayOperationFailedRetry",
        "VmssGatewayDeploymentFailed",
        "GetVnetError",
    }
)
# HTTP statuses of a throttled or unavailable service, whatever the error code.
PASSING = frozenset({429, 502, 503, 504})

# How services report that they do not see a role yet: an assignment takes up to ten minutes to
# propagate, and Machine Learning gives no code (azure-sdk-for-python#33611).
UNSEEN_ROLES = (
    "ACRTokenExchangeForbidden",
    "ACRTokenExchangeFailed",
    "ACRSecretError",
    "ImagePullBackOff",
    "AuthorizationPermissionMismatch",
    "unauthorized: authentication required",
)

# Errors of a deletion shortly after the last dependent was deleted: its service has yet to let go.
LINGERING = frozenset(
    {
        "InUseSubnetCannotBeDeleted",
        "InUseNetworkSecurityGroupCannotBeDeleted",
        "InUseNatGatewayCannotBeDeleted",
        "PublicIPAddressCannotBeDeleted",
        "CannotDeleteResource",
    }
)

# By status: codes of a service that does not see yet what another one has just created, or the rights
# that the preflight has seen.
UNSEEN = {
    403: ("AuthorizationFailed",),
    404: ("ResourceNotFound", "NotFound", "ParentResourceNotFound", "ResourceGroupNotFound"),
}

PURGE = _(
    "Purge it: `{command}`.",
    command=command_line("destroy", RECIPE, "--target", TARGET, "--purge"),
)
FIXES = {
    "AuthorizationFailed": _(
        "Ask for a role that allows this action, or sign in with another account. A role that "
        "was given in the last minutes may not have taken effect everywhere: then run it again."
    ),
    "LinkedAuthorizationFailed": _("Give the identity Network Contributor on the subnet."),
    "MissingSubscriptionRegistration": _(
        "Register the namespace: az provider register -n NAMESPACE."
    ),
    "NetcfgSubnetRangesOverlap": _("Choose ranges that do not overlap."),
    "NetcfgInvalidSubnet": _("Choose a range inside the VNET."),
    "ServiceCidrOverlapExistingSubnetsCidr": _("Choose a service range outside every subnet."),
    "StorageAccountAlreadyTaken": _("Choose another name: it must be unique in all of Azure."),
    "VaultAlreadyExists": _("Choose another name: it must be unique in all of Azure."),
    "AlreadyInUse": _("Choose another name: it must be unique in all of Azure."),
    "ConflictError": _(
        "{purge} Or recover the vault (az keyvault recover), or choose another name.", purge=PURGE
    ),
    "ScopeLocked": _("Remove the lock (az lock list, az lock delete), then run the command again."),
    "CannotDeleteResource": _("First delete what is inside it, which amlwizard did not create."),
    "InUseNetworkSecurityGroupCannotBeDeleted": _("First remove it from the subnets that use it."),
    "InUseNatGatewayCannotBeDeleted": _("First remove it from the subnets that use it."),
    "PublicIPAddressCannotBeDeleted": _("First delete what uses the address."),
    "DenyAssignmentAuthorizationFailed": _(
        "Azure Databricks protects this group: it is deleted together with its workspace."
    ),
    "ErrCode_InsufficientVCPUQuota": _("Ask for more quota, or choose fewer or smaller nodes."),
    "SubnetMissingRequiredDelegation": _("Delegate the subnet to Microsoft.Databricks/workspaces."),
    "RequestDisallowedByPolicy": _("Ask the owner of the policy for an exemption."),
    "InUseSubnetCannotBeDeleted": _("First delete what is in the subnet."),
    "ExtensionOperationFailed": _(
        "See what its health check found: kubectl describe configmap arcml-healthcheck -n azureml."
    ),
}
# By message text, where the code alone does not say what is wrong.
FIXES_BY_TEXT = {
    "Soft-deleted workspace exists": _(
        "{purge} Or purge or recover it in the portal (Azure Machine Learning, Recently "
        "deleted), or choose another name.",
        purge=PURGE,
    ),
}
ROLES_UNSEEN = _(
    "Wait some minutes, then run it again: the roles of its identity have not taken effect yet."
)
RESUME = _("Run it again once the cause is gone: it continues from here.")


class UnreadableAnswerError(ValueError):
    """An answer that is empty, or not what it must be: it says nothing."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn errors of the Azure SDKs into `amlwizard.errors`; `doing` begins the message."""
    with one_at_a_time:
        from azure.core.exceptions import AzureError, DecodeError, HttpResponseError

    try:
        yield
    except AmlwizardError:
        raise
    except (DecodeError, json.JSONDecodeError, UnreadableAnswerError):
        raise no_answer(doing, _("The response is not one that Azure gives.")) from None
    except HttpResponseError as error:
        if type(error.__cause__).__name__ == "BadResponse":  # its module is slow to import
            raise no_answer(doing, _("A response does not say how far the operation is.")) from None
        if error.status_code is None:
            raise no_answer(
                doing, _("The connection was lost in the middle of a response.")
            ) from None
        if error.status_code == 401:
            raise not_let_in(doing, code_and_words(error)) from None
        raise from_response(doing, error) from None
    except LostAnswerError as error:
        raise no_answer(doing, hide(str(error))[:500]) from None
    except AzureError as error:
        raise no_answer(doing, hide(str(error.message or error))[:500]) from None


def retried(doing: str, call: Callable[[], T], again_every: float = 0) -> T:
    """The result of `call`, repeated if a response is lost: `call` must be safe to repeat.

    `again_every`, in seconds, is for questions that are POSTs: the SDK repeats few of those, so
    they are repeated here as well if the service is throttled or unavailable.
    """

    def once() -> T:
        with translated(doing):
            return call()

    def passed(error: CloudError) -> bool:
        return bool(again_every) and error.status in PASSING

    return repeated(once, (NO_ANSWER,), passed, again_every)


def repeated(
    call: Callable[[], T],
    again: Collection[str],
    also: Callable[[CloudError], bool] = lambda error: False,
    every: float = 0,
) -> T:
    """The result of `call`, which is repeated, after `every` seconds, for errors with a code in
    `again` and those that `also` names."""
    began = monotonic()
    for _attempt in range(LOST_ANSWERS - 1):
        try:
            return call()
        except CloudError as error:
            if error.code not in again and not also(error):
                raise
            if monotonic() - began >= HEARTBEAT_SECONDS:
                current_report()(_("{code}: trying again", code=error.code or error.status))
        pause(every)
    return call()


def no_answer(doing: str, why: str) -> CloudError:
    fix = _(
        "Check the network and the proxy. Run it again once the cause is gone: it continues from here."
    )
    return CloudError(_("{doing}: no answer.", doing=doing), code=NO_ANSWER, why=why, fix=fix)


def passes(error: CloudError) -> bool:
    """Whether the same request may succeed later."""
    return error.code in RETRYABLE or error.status in PASSING


def code_and_words(error: HttpResponseError) -> tuple[str, str]:
    """The code and message of an HttpResponseError. The SDK cannot parse a body with nulls that it
    does not expect, and some services omit the envelope: then the body itself is parsed."""
    parsed = getattr(error, "error", None)
    code, words = getattr(parsed, "code", None), getattr(parsed, "message", None)
    if not code:
        inner = _inner(error)
        code, words = inner.get("code"), inner.get("message") or words
    return str(code or ""), str(words or error.message)


def _inner(error: HttpResponseError) -> Document:
    try:
        body = parsed(error.response.text())
    except (AttributeError, ValueError):
        return {}
    inner = body.get("error", body) if isinstance(body, dict) else {}
    return inner if isinstance(inner, dict) else {}


def _details(error: HttpResponseError, message: str) -> Iterator[str]:
    """What the details of an error say beyond its message, such as that a request is not valid."""
    for detail in getattr(getattr(error, "error", None), "details", None) or ():
        said = str(getattr(detail, "message", None) or "")
        if said and said not in message:
            yield f"{detail.code}: {said}" if detail.code else said


def not_let_in(doing: str, said: tuple[str, str]) -> SignInError:
    """The error for a service that rejects a token issued by Entra: revoked since, or too weak for
    the request."""
    code, words = said
    return SignInError(
        _("{doing}: the sign-in is no longer accepted ({code}).", doing=doing, code=code or 401),
        code=code,
        why=hide(words)[:500],
        fix=_(
            "Run it again and sign in again: it continues from here. If that does not help, the "
            "tenant's policies require more than this sign_in.login provides."
        ),
    )


def from_response(doing: str, error: HttpResponseError) -> CloudError:
    """The CloudError for an HttpResponseError, with the fix for its code or message."""
    code, message = code_and_words(error)
    message = " ".join([message, *_details(error, message)])
    status = error.status_code or 0
    met = "; ".join(objection.said for objection in of_refusal(getattr(error, "error", None)))
    message = (
        _("{message} It refuses this: {objections}.", message=message, objections=met)
        if met
        else message
    )
    by_text = next((fix for text, fix in FIXES_BY_TEXT.items() if text in message), RESUME)
    if any(text in message for text in UNSEEN_ROLES):
        by_text = ROLES_UNSEEN
    return CloudError(
        _failed(doing, code, status),
        code=code,
        status=status,
        why=hide(message)[:1500],
        fix=FIXES.get(code, by_text),
    )


def _failed(doing: str, code: str, status: int) -> str:
    if code or status >= 400:
        return _("{doing}: {code}.", doing=doing, code=code or status)
    return _("{doing}: it failed.", doing=doing)


def is_of_unseen_roles(error: CloudError) -> bool:
    """Whether the cause is a role assignment that has not propagated yet."""
    return any(text in f"{error.code} {error.why}" for text in UNSEEN_ROLES)
