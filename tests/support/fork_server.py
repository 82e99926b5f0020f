"""A process that has imported what others need, and forks for each of them (see `forking`).

Run by its path, with its name and the id of the process whose end is its own; its standard input is the
socket on which it listens.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import runpy
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMANDS, SERVICES = "commands", "services"
LARGEST = 1 << 20
AFRESH = "CHILDREN_AFRESH"
"""The variable of a process whose children are to start anew, with nothing imported yet."""
SCORER = "amlwizard.sandbox.ml.scorer"
PACKAGE = "amlwizard"
SANDBOX = "amlwizard.sandbox"
IMPORTED = {
    COMMANDS: (
        "azure.ai.ml", "azure.identity", "azure.mgmt.databricks", "azure.mgmt.network",
        "azure.mgmt.resource.resources", "azureml.mlflow", "databricks.sdk", "httpcore._sync", "mlflow",
        "msal_extensions", "questionary", "requests", "rich.progress", "rich.traceback",
    ),
    # What they read of their environment when they are imported, no test and no sandbox sets. MLflow's
    # server and gunicorn, which forks, are left out.
    SERVICES: (
        "alembic.command", "azure.core.pipeline.policies", "azure.identity",
        "azure.monitor.opentelemetry.exporter", "azure.storage.blob", "azureml.ai.monitoring",
        "azureml_inference_server_http.server", "cloudpickle", "databricks.sdk", "docker", "flask_cors", "git",
        "google.protobuf.json_format", "graphene", "httpx",
        "inference_schema.parameter_types.pandas_parameter_type", "matplotlib.pyplot",
        "mlflow.pyfunc.scoring_server", "mlflow.sklearn", "msrest.authentication", "msrest.serialization",
        "opentelemetry.sdk.trace.export", "pandas", "pydantic_settings", "requests", "scipy.stats",
        "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection", "sklearn.pipeline",
        "sqlalchemy.orm", "sqlparse", "trustme", "uvicorn",
    ),
}  # fmt: skip
INTERPRETER = "amlwizard.sandbox.ml.interpreter"
RUN = ("amlwizard.sandbox.children", "amlwizard.sandbox.databricks.node", INTERPRETER, SCORER)
"""Modules that are run: Python warns where one was imported before."""
NEVER = ("amlwizard.notebook", "amlwizard.serving.score", "amlwizard.tui")
"""Not imported in advance: cells and the scoring script, which run elsewhere, and the app, which reads its terminal when it
is imported."""
RECIPE = Path(__file__).parents[2] / "recipes" / "quickstart.yaml"
DECLARED = ("mlflow", "scikit-learn", "azureml-inference-server-http", "azureml-ai-monitoring")
READ_EARLY = {
    "GIT_PYTHON_REFRESH": "quiet", "JE_ARROW_MALLOC_CONF": "background_thread:false", "MPLBACKEND": "Agg",
    "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip
"""What libraries read when they are imported: what a cluster's driver has, and that there are no
threads, which a fork would lose."""


def import_all(server: str) -> None:
    """Everything that the processes of this server import, of ours and of libraries."""
    import amlwizard

    for module in pkgutil.walk_packages(amlwizard.__path__, "amlwizard."):
        name = module.name
        ours = name.startswith(SANDBOX) == (server == SERVICES) and not name.startswith(NEVER)
        if ours and not name.endswith(("__main__", "mlflow_app", "no_code")) and name not in RUN:
            importlib.import_module(name)
    for name in IMPORTED[server]:
        importlib.import_module(name)
    if server == SERVICES:
        _read_metadata()
        _build_shapes()
        _make_a_database()
    else:
        _read_a_recipe()
    gc.freeze()  # no process looks through what was imported


def _read_metadata() -> None:
    """Of what a container's environment declares, which it looks up when it starts, and of all that is
    installed, which MLflow goes through for every model that it saves or loads."""
    from mlflow.utils import requirements_utils

    from amlwizard.sandbox.ml import user_environment

    user_environment.UserEnvironment(DECLARED).files()
    requirements_utils._init_modules_to_packages_map()


def _build_shapes() -> None:
    """Of the bodies of requests; a sandbox builds the validator of each when it needs it first."""
    from amlwizard.sandbox.resource_types.shapes import Shape

    left = [Shape]
    for shape in left:
        shape.model_rebuild()
        left += shape.__subclasses__()


def _make_a_database() -> None:
    """For MLflow's server, which a sandbox starts for a training."""
    from amlwizard.sandbox.ml import tracking_database

    tracking_database.empty()


def _read_a_recipe() -> None:
    """As every command does: what Python and pydantic note at the first time, they have noted then."""
    from amlwizard import rules
    from amlwizard.recipe import load, sections_of

    rules.check(sections_of(load(RECIPE)))


@dataclass
class _Running:
    """A forked process, and the connection of the one who asked for it."""

    pid: int
    ended: int
    client: socket.socket
    wanted: bool = True

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # it may not lead its group yet
            os.killpg(self.pid, signal.SIGKILL)
        self.signal(signal.SIGKILL)


class _Server:
    """Forks for every connection, whose message says what to run. A process whose connection closes is
    killed with its group."""

    def __init__(self, name: str, listening: socket.socket, owner: int) -> None:
        self.name, self.listening, self.owner = name, listening, os.pidfd_open(owner)
        self.running: list[_Running] = []

    def serve(self) -> Sequence[str]:
        """Returns only in a forked process: what it is to run. Ends when the owner does."""
        while True:
            clients = [one.client for one in self.running if one.wanted]
            ended = [one.ended for one in self.running]
            watched: list[int | socket.socket] = [self.owner, self.listening, *clients, *ended]
            ready, _, _ = select.select(watched, [], [])
            if self.owner in ready:
                for one in self.running:
                    one.kill()
                raise SystemExit
            for one in [one for one in self.running if one.client in ready]:
                self._heard(one)
            for one in [one for one in self.running if one.ended in ready]:
                self._tell(one)
            if self.listening in ready and (asked := self._fork()):
                return asked

    def _fork(self) -> Sequence[str]:
        client, _ = self.listening.accept()
        message, files = b"", list[int]()
        with suppress(OSError):
            message, files, _, _ = socket.recv_fds(client, LARGEST, 3)
        if not message:
            client.close()
            return ()
        if PACKAGE not in sys.modules:
            import_all(self.name)
        child = os.fork()
        if not child:
            for one in (self.listening, client, *(one.client for one in self.running)):
                one.close()
            for handle in (self.owner, *(one.ended for one in self.running)):
                os.close(handle)
            return _become(json.loads(message), files)
        for file in files:
            os.close(file)
        with suppress(OSError):  # it may be gone
            client.send(str(child).encode())
        self.running.append(_Running(child, os.pidfd_open(child), client))
        return ()

    def _heard(self, one: _Running) -> None:
        """A signal to pass on, or the end of the connection."""
        number = b""
        with suppress(OSError):
            number = one.client.recv(16)
        if number:
            one.signal(int(number))
        else:
            one.wanted = False
            one.kill()

    def _tell(self, one: _Running) -> None:
        self.running.remove(one)
        os.close(one.ended)
        code = os.waitstatus_to_exitcode(os.waitpid(one.pid, 0)[1])
        with suppress(OSError):
            one.client.send(str(code).encode())
        one.client.close()


def _become(asked: dict[str, Any], files: Sequence[int]) -> Sequence[str]:
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in files:
        if file > 2:
            os.close(file)
    # New streams, since a text stream remembers what kind of file it had.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    os.chdir(asked["cwd"])
    os.umask(asked["umask"])
    os.environ.clear()
    os.environ.update(asked["env"])
    tempfile.tempdir = None  # what was asked of the environment before
    random.seed()
    return list(asked["arguments"])


def _leave_the_undeclared(folder: Path) -> None:
    """What the environment of a model does not declare is not imported in its container."""
    from amlwizard.sandbox.ml import user_environment

    _, lines = user_environment.declared(folder)
    finder = user_environment.DeclaredPackagesOnly(user_environment.UserEnvironment(lines).files())
    for name, module in list(sys.modules.items()):
        file = finder._installed(getattr(module, "__file__", None) or "")
        if not (file is None or file in finder.files or file.startswith(user_environment.OURS)):
            del sys.modules[name]


def main() -> None:
    """Like Python, a process runs what was registered for its end, but then it is gone: taking apart
    all modules that were imported takes longer than most commands."""
    code = 1

    def end() -> None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)

    name, owner = sys.argv[1], int(sys.argv[2])
    os.environ.update(READ_EARLY)
    listening = socket.socket(fileno=0)
    atexit.register(end)  # what is registered first runs last
    python = sys.executable
    sys.executable = str(Path(listening.getsockname()).with_name("bin") / "python")
    module, *arguments = _Server(name, listening, owner).serve()
    if os.environ.pop(AFRESH, ""):
        sys.executable = python
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if module == SCORER and (not arguments[2:] or Path(arguments[2], "conda.yaml").exists()):
        _leave_the_undeclared(Path(arguments[2] if arguments[2:] else arguments[0]))
    if module == INTERPRETER and arguments[0]:
        _leave_the_undeclared(Path(arguments[0]))
    if module in RUN:
        sys.modules.pop(module, None)
    sys.argv = [module, *arguments]
    code = _code(module)


def _code(module: str) -> int:
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
            return 1
        return error.code or 0
    return 0


if __name__ == "__main__":
    main()
