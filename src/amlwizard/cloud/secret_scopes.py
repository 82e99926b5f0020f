"""The secret scopes of a Databricks workspace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from amlwizard.cloud.databricks_errors import retried
from amlwizard.language import _

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


class SecretScopes:
    """Implements `cloud_port.SecretScopesPort`."""

    def __init__(self, client: WorkspaceClient) -> None:
        self._api = client.secrets

    def put(self, scope: str, key: str, value: str) -> None:
        """Store a secret; creates its scope if necessary."""
        store = partial(self._api.put_secret, scope, key, string_value=value)
        if not retried(_("store a secret"), lambda: _if_there(store)):
            retried(_("create a secret scope"), partial(self._create, scope))
            retried(_("store a secret"), store)

    def _create(self, scope: str) -> None:
        from databricks.sdk.errors import ResourceAlreadyExists

        # A request whose response was lost may have created it.
        with suppress(ResourceAlreadyExists):
            self._api.create_scope(scope)

    def delete(self, scope: str, key: str) -> None:
        """Delete a secret, if it exists."""
        retried(
            _("delete a secret"), lambda: _if_there(partial(self._api.delete_secret, scope, key))
        )

    def delete_scope(self, scope: str) -> None:
        """Delete a secret scope and what is in it, if it exists."""
        retried(
            _("delete a secret scope"), lambda: _if_there(partial(self._api.delete_scope, scope))
        )

    def keys(self, scope: str) -> set[str]:
        """The keys in a scope; empty if the scope does not exist."""
        return retried(_("list secrets"), partial(self._keys, scope))

    def _keys(self, scope: str) -> set[str]:
        from databricks.sdk.errors import NotFound

        try:
            return {str(secret.key) for secret in self._api.list_secrets(scope)}
        except NotFound:
            return set()


def _if_there(call: Callable[[], None]) -> bool:
    """Whether what it is about exists."""
    from databricks.sdk.errors import NotFound

    try:
        call()
    except NotFound:
        return False
    return True
