"""Remembers who signed in, so that the same user need not sign in for every command.

azure-identity stores the tokens, and only where the platform encrypts them (Keychain, DPAPI,
libsecret); elsewhere nothing outlives the process. The record beside them names the account and
holds no secret.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from amlwizard.cloud.import_lock import made_once
from amlwizard.paths import private_folder, write

if TYPE_CHECKING:
    from azure.identity import AuthenticationRecord, TokenCachePersistenceOptions

CACHE_NAME = "amlwizard"


class AuthRecords:
    """`folder` is None if this cloud stores nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @made_once
    def cache(self) -> TokenCachePersistenceOptions | None:
        """azure-identity's options for a persistent cache, or None if there must not be one."""
        if self.folder is None or not encrypted_store(self.folder):
            return None
        from azure.identity import TokenCachePersistenceOptions

        return TokenCachePersistenceOptions(name=CACHE_NAME, allow_unencrypted_storage=False)

    def _file(self, tenant: str) -> Path:
        assert self.folder
        return self.folder / f"{hashlib.sha256(tenant.lower().encode()).hexdigest()[:16]}.json"

    def read(self, tenant: str) -> AuthenticationRecord | None:
        """The azure-identity AuthenticationRecord of the last sign-in to `tenant`, or None."""
        if self.cache is None:
            return None
        from azure.identity import AuthenticationRecord

        try:
            return AuthenticationRecord.deserialize(self._file(tenant).read_text())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def keep(self, tenant: str, record: AuthenticationRecord) -> None:
        """Save an azure-identity AuthenticationRecord, readable only by its owner. Where that cannot
        be, the next sign-in asks again."""
        if self.cache is None:
            return
        file = self._file(tenant)
        with suppress(OSError):
            private_folder(file.parent)
            write(file, record.serialize())


def encrypted_store(folder: Path) -> bool:
    """Whether this platform stores secrets encrypted: the same check that azure-identity makes."""
    from msal_extensions import build_encrypted_persistence

    try:
        return bool(build_encrypted_persistence(str(folder / CACHE_NAME)).is_encrypted)
    except Exception:  # noqa: BLE001
        # No library, no session bus, no keyring: msal-extensions raises a different exception for each.
        return False
