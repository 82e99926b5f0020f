"""Translates Databricks' errors into `amlwizard.errors`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from amlwizard.cloud.errors import NO_ANSWER, not_let_in, repeated
from amlwizard.cloud.wire import LostAnswerError
from amlwizard.errors import CloudError, OperationCancelledError, SignInError
from amlwizard.json_types import ODD
from amlwizard.language import _
from amlwizard.run_control import CLEANUP_SECONDS, cleanup
from amlwizard.secret import hide

T = TypeVar("T")

PASSING = ("InternalError", "TemporarilyUnavailable", "TooManyRequests", "DeadlineExceeded")
UNREADABLE = "likely a bug in the Databricks SDK"  # what the SDK makes of an answer that is no JSON
# Databricks' messages for denied access, and the fix for each; the first match applies.
DENIED = (
    (
        re.compile(r"user not authorized|not a (user|member)|unauthorized access to org", re.I),
        _(
            "Give the account the role Contributor or Owner on the Databricks workspace, or have "
            "one of its administrators add it, then replay."
        ),
    ),
    (
        re.compile(r"ip acl|ip access list|network access to workspace", re.I),
        _(
            "The workspace's IP access list or network policy keeps this address out: have its "
            "administrators add it, or run this from a network that is allowed, then replay."
        ),
    ),
    (
        re.compile(r"authorized to create clusters", re.I),
        _(
            'Have an administrator of the workspace give the account the entitlement "Unrestricted '
            'cluster creation", then replay.'
        ),
    ),
)
MODE = re.compile(r"data_security_mode")
OTHER_MODE = _(
    "The cluster policy demands another access mode than dedicated: choose one that allows "
    "SINGLE_USER as training.cluster_policy, or none, then replay."
)
OTHERWISE = _(
    "Have an administrator of the Databricks workspace give the account that permission, "
    "then replay: it continues from here."
)


def _fix(said: str, denied: bool) -> str:
    if denied:
        return next((fix for pattern, fix in DENIED if pattern.search(said)), OTHERWISE)
    if MODE.search(said):
        return OTHER_MODE
    return _("Once the cause is gone, replay: it continues from here.")


@contextmanager
def tidying(seconds: float = CLEANUP_SECONDS) -> Iterator[None]:
    """Suppress errors of cleanup: they must not hide the result or failure before it, and
    Databricks ends what is left over by itself. `seconds` as in `cleanup`."""
    with (
        suppress(CloudError, SignInError, OperationCancelledError),
        cleanup(seconds),
        translated(_("clean up")),
    ):
        yield


def retried(doing: str, call: Callable[[], T]) -> T:
    """The result of `call`, repeated if its answer is lost or cannot be read: `call` must be safe to
    repeat."""

    def once() -> T:
        with translated(doing):
            return call()

    return repeated(once, (NO_ANSWER, LostAnswerError.__name__, *PASSING))


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn errors of the Databricks SDK into CloudError or SignInError; `doing` is part of the
    message."""
    from databricks.sdk.errors import DatabricksError, PermissionDenied, Unauthenticated

    try:
        yield
    except Unauthenticated as error:
        unsaid = UNREADABLE in str(error)
        said = (error.error_code or "", _("It gave no reason.") if unsaid else str(error))
        raise not_let_in(_("Databricks, {doing}", doing=doing), said) from None
    except DatabricksError as error:
        if UNREADABLE in str(error):
            raise _no_answer(doing, _("A gateway or a proxy answered in its place.")) from None
        kind = type(error).__name__
        code = error.error_code or kind
        raise CloudError(
            _("Databricks, {doing}: {code}.", doing=doing, code=code),
            code=kind if kind in PASSING else code,
            why=hide(str(error))[:500],
            fix=_fix(str(error), isinstance(error, PermissionDenied)),
        ) from None
    except OSError as error:  # includes the errors of requests
        if isinstance(error, LostAnswerError):
            raise CloudError(
                _("Databricks, {doing}: the answer was lost.", doing=doing),
                code=LostAnswerError.__name__,
                why=_(
                    "The connection was lost or went silent. Whether the request was carried out is not "
                    "known."
                ),
                fix=_("Check the network, then replay: it first looks at what was done."),
            ) from None
        cause = error.__cause__ or error  # the SDK itself only says for how long it has tried
        raise _no_answer(doing, hide(str(cause))[:500]) from None
    except ODD:
        raise _no_answer(doing, _("Its response does not answer the request.")) from None


def _no_answer(doing: str, why: str) -> CloudError:
    fix = _("Check the network and its proxy, then replay: it continues from here.")
    return CloudError(
        _("Databricks, {doing}: no answer.", doing=doing), code=NO_ANSWER, why=why, fix=fix
    )
