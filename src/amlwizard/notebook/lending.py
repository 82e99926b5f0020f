"""Secrets that cells need for a while: put into a Databricks secret scope, and taken back.

Every key names the process that lent it, so that two processes do not take each other's, and the
next one finds what a killed one has left.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from amlwizard import processes
from amlwizard.cloud_port import SecretScopesPort
from amlwizard.errors import AmlwizardError
from amlwizard.run_control import cleanup

PURPOSES = ("tracking-token", "probe-token", "scoring-key", "code-upload")
CONTEXT = "context"
"""No secret, but a note of an execution context, which is closed before its key goes."""
KEY = re.compile(
    rf"(?P<purpose>{'|'.join((*PURPOSES, CONTEXT))})"
    r"(?:-(?P<at>\d+)-(?P<process>[\w.]+))?(?:-(?P<part>\w+))?"
)
LONGEST_SECONDS = 6 * 3600.0
"""How long another machine's secret is left alone: as long as a cell may take."""


class Lending:
    """Secrets lent to cells under keys that begin with `key`."""

    def __init__(self, secrets: SecretScopesPort, scope: str, purpose: str) -> None:
        self._secrets, self._scope = secrets, scope
        self.key = f"{purpose}-{int(time.time())}-{processes.current()}"
        self._lent: dict[str, str] = {}

    def put(self, secret: str, part: str = "") -> None:
        """Lend a secret, or another value of it: under the key, or under ``KEY-PART``."""
        key = f"{self.key}-{part}" if part else self.key
        if self._lent.get(key) != secret:
            self._lent[key] = secret  # first: an answer may be lost after the effect
            self._secrets.put(self._scope, key, secret)

    def sweep(self) -> None:
        """Remove what processes have left that ended before they could."""
        found = abandoned_keys(self._secrets, self._scope)
        self._delete(key[0] for key in found if key["purpose"] != CONTEXT)

    def take_back(self) -> None:
        self._delete(iter(self._lent))

    def _delete(self, keys: Iterator[str]) -> None:
        for key in keys:
            # An error here must not hide the result or another error: the next run tries again.
            with suppress(AmlwizardError), cleanup():
                self._secrets.delete(self._scope, key)


@contextmanager
def lending(secrets: SecretScopesPort, scope: str, purpose: str) -> Iterator[Lending]:
    """For secrets of one of the PURPOSES; they are taken back at the end of the block."""
    lent = Lending(secrets, scope, purpose)
    lent.sweep()
    try:
        yield lent
    finally:
        lent.take_back()


def abandoned_keys(secrets: SecretScopesPort, scope: str) -> Iterator[re.Match[str]]:
    """The keys in a scope, as matches of KEY, whose processes have ended before they could remove
    them."""
    for key in secrets.keys(scope):
        found = KEY.fullmatch(key)
        if found and _has_ended(found):
            yield found


def _has_ended(key: re.Match[str]) -> bool:
    process = processes.parse(key["process"] or "")
    return not process or process.ended or time.time() - int(key["at"]) > LONGEST_SECONDS
