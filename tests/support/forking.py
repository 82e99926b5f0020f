"""Commands as processes that start with everything imported.

A command imports Azure's SDKs for seconds and then works for a few hundredths: a server that
imports them once, and forks for each command, saves hundreds of tests those seconds. What a command
does when it starts is covered by tests that start a new process (`process` of `support`).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

HEAVY = (
    "azure.ai.ml", "azure.identity", "azure.mgmt.databricks", "azure.mgmt.network",
    "azure.mgmt.resource.resources", "databricks.sdk", "httpcore._sync", "msal_extensions",
    "questionary", "requests", "rich.progress", "rich.traceback",
)  # fmt: skip
LATER = ("amlwizard.sandbox", "amlwizard.notebook", "amlwizard.tui")
"""Not imported in advance: what does not run in the command's own process, and the app, which reads
its terminal when it is imported."""
LARGEST = 1 << 20
CARRIED = (
    "HOME", "LANG", "LC_ALL", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED",
    "COVERAGE_PROCESS_CONFIG",
)  # fmt: skip
"""The only variables that the server inherits: it outlives the test that started it."""


# -- the server, in a process of its own


def _import_all() -> None:
    import amlwizard

    for module in pkgutil.walk_packages(amlwizard.__path__, "amlwizard."):
        if not module.name.startswith(LATER) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in HEAVY:
        importlib.import_module(name)
    gc.freeze()  # no command looks through what was imported


def _serve(asked: socket.socket) -> Sequence[str]:
    """Fork for every message. Returns only in the child: the arguments of its command. Ends when
    the process that sends the messages ends."""
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        ready, _, _ = select.select([asked.fileno(), *running], [], [])
        for handle in ready:
            if handle == asked.fileno():
                message, files, _, _ = socket.recv_fds(asked, LARGEST, 4)
                if not message:
                    raise SystemExit
                child = os.fork()
                if not child:
                    for other, (_, answers) in running.items():
                        os.close(other)
                        answers.close()
                    return _become(json.loads(message), files)
                answers = socket.socket(fileno=files[3])
                for file in files[:3]:
                    os.close(file)
                answers.send(str(child).encode())
                running[os.pidfd_open(child)] = child, answers
            else:
                child, answers = running.pop(handle)
                os.close(handle)
                code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                with suppress(OSError):
                    answers.send(str(code).encode())
                answers.close()


def _become(command: dict[str, Any], files: Sequence[int]) -> Sequence[str]:
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    # New streams, since a text stream remembers what kind of file it had.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["env"])
    return list(command["arguments"])


def serve() -> None:
    """Like Python, a command runs what was registered for its end, but then it is gone: taking apart
    all modules that were imported takes longer than most commands."""
    code = 1

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(end)  # what is registered first runs last
    asked = socket.socket(fileno=int(sys.argv[1]))
    _import_all()
    arguments = _serve(asked)
    asked.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from amlwizard.cli import main

    sys.argv = ["amlwizard", *arguments]
    code = _code(main)


def _code(main: Callable[[], int]) -> int:
    try:
        return main()
    except SystemExit as error:
        return int(error.code or 0)


# -- in the tests


class Forked:
    """A running command, with the interface of `subprocess.Popen`."""

    def __init__(
        self, arguments: Sequence[str], stdout: int | IO[Any], stderr: IO[Any], cwd: Path,
        env: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.stdout: IO[str] | None = None
        self.returncode: int | None = None
        self._ends, given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        out = stdout
        if stdout == subprocess.PIPE:
            reads, out = os.pipe()
            self.stdout = os.fdopen(reads, encoding="utf-8")
        number = out if isinstance(out, int) else out.fileno()
        with Path(os.devnull).open("rb") as nothing:
            message = {"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}
            files = [nothing.fileno(), number, stderr.fileno(), given.fileno()]
            socket.send_fds(_server(), [json.dumps(message).encode()], files)
        given.close()
        if isinstance(out, int):
            os.close(out)
        self.pid = int(self._ends.recv(64))

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._ends.settimeout(timeout)
            try:
                self.returncode = int(self._ends.recv(64))
            except TimeoutError:
                raise subprocess.TimeoutExpired("amlwizard", timeout or 0) from None
            self._ends.close()
        return self.returncode


@cache
def _server() -> socket.socket:
    """The socket of the server: one per test process, which it does not outlive."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    its.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGEST)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST)
    subprocess.Popen(
        [sys.executable, __file__, str(its.fileno())],
        pass_fds=[its.fileno()],
        stdin=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name in CARRIED},
        start_new_session=True,
    )
    its.close()
    return ours


if __name__ == "__main__":
    serve()
