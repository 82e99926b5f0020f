"""Imports once what every worker of the tests, their fork servers and MLflow's server import, so that
each finds its bytecode compiled: run as a module before they start.

What cannot be imported, the tests themselves say.
"""

from __future__ import annotations

import importlib
import os
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from support.fork_server import COMMANDS, READ_EARLY, SERVICES, import_all

MLFLOWS_SERVER = (
    "amlwizard.sandbox.ml.mlflow_app",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.sync",
)
TESTS = Path(__file__).parents[1]


def main() -> None:
    os.environ.update(READ_EARLY)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        pytest.main(["-n", "0", "--collect-only", str(TESTS)])
    for server in (COMMANDS, SERVICES):
        import_all(server)
    for name in MLFLOWS_SERVER:
        importlib.import_module(name)


if __name__ == "__main__":
    main()
