"""The execution contexts of a recipe's cluster: a killed run leaves its own open, maybe with a cell
that runs, and the next run closes it.

Databricks lists no contexts. So each one is noted in the recipe's secret scope before it is used, by
the name of a key, which says whose it is as those of lent secrets do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

from amlwizard.cloud_port import DatabricksPort, SecretScopesPort
from amlwizard.errors import AmlwizardError
from amlwizard.notebook.lending import CONTEXT, Lending, abandoned_keys

NOTE = (
    "noted by amlwizard"  # no word of a notebook: Databricks blots secrets out of what cells print
)


def noting(
    client: DatabricksPort, scope: str, cluster_id: str
) -> Callable[[str], AbstractContextManager[None]]:
    """Sweeps, and returns what notes a context, by its id, for the duration of a block."""
    sweep(client, scope, cluster_id)
    return partial(_noted, client.secrets, scope)


def sweep(client: DatabricksPort, scope: str, cluster_id: str) -> None:
    """Close the contexts that killed runs have left open, and remove the secrets that they lent."""
    with suppress(AmlwizardError):  # the next run tries again
        for key in abandoned_keys(client.secrets, scope):
            if key["purpose"] == CONTEXT:
                client.close_context(cluster_id, str(key["part"]))
            client.secrets.delete(scope, key[0])


@contextmanager
def _noted(secrets: SecretScopesPort, scope: str, context_id: str) -> Iterator[None]:
    note = Lending(secrets, scope, CONTEXT)
    with suppress(AmlwizardError):
        note.put(NOTE, context_id)
    try:
        yield
    finally:
        note.take_back()
