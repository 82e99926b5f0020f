"""Translates Databricks' errors into `amlwizard.errors`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from amlwizard.cloud.errors import not_let_in
from amlwizard.errors import CloudError, OperationCancelledError, SignInError
from amlwizard.run_control import cleanup
from amlwizard.secret import hide

# Databricks' messages for denied access, and the fix for each; the first match applies.
DENIED = (
    (
        re.compile(r"user not authorized|not a (user|member)|unauthorized access to org", re.I),
        "Give the account the role Contributor or Owner on the Databricks workspace, or have one of "
        "its administrators add it, then replay.",
    ),
    (
        re.compile(r"ip acl|ip access list|network access to workspace", re.I),
        "The workspace's IP access list or network policy keeps this address out: have its "
        "administrators add it, or run this from a network that they let in, then replay.",
    ),
    (
        re.compile(r"authorized to create clusters", re.I),
        'Have an administrator of the workspace give the account the entitlement "Unrestricted cluster '
        'creation", then replay.',
    ),
)
OTHERWISE = (
    "Have an administrator of the Databricks workspace give the account that permission, then replay: "
    "it continues from here."
)


def _opened_by(said: str) -> str:
    return next((fix for pattern, fix in DENIED if pattern.search(said)), OTHERWISE)


@contextmanager
def tidying() -> Iterator[None]:
    """Suppress errors of cleanup: they must not hide the result or failure before it, and
    Databricks ends what is left over by itself."""
    with (
        suppress(CloudError, SignInError, OperationCancelledError),
        cleanup(),
        translated("tidy up"),
    ):
        yield


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn errors of the Databricks SDK into CloudError or SignInError; `doing` is part of the
    message."""
    from databricks.sdk.errors import DatabricksError, PermissionDenied, Unauthenticated

    try:
        yield
    except Unauthenticated as error:
        said = (error.error_code or "", str(error))
        raise not_let_in(f"Databricks, {doing}", said) from None
    except DatabricksError as error:
        raise CloudError(
            f"Databricks, {doing}: {error.error_code or type(error).__name__}.",
            code=error.error_code or type(error).__name__,
            why=hide(str(error))[:500],
            fix=_opened_by(str(error))
            if isinstance(error, PermissionDenied)
            else "Replay continues from here once the cause is gone.",
        ) from None
    except OSError as error:  # includes the errors of requests
        raise CloudError(
            f"Databricks, {doing}: no answer.",
            code=type(error).__name__,
            why=hide(str(error))[:500],
            fix="Check the network, then replay.",
        ) from None
