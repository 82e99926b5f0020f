"""Processes that start with what they import imported already.

A command imports Azure's SDKs for seconds and then works for a few hundredths; a cluster's driver, the
tracking server and a container import data libraries for as long. Two servers import these once and
fork for each process (`fork_server`): one for commands, one for sandboxes and what these start. What a
process does when it starts is covered by tests that start a new one (`process` of `support`).

The servers are started when first needed, are shared by all test processes, and end with the one that
first called `shared`.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

from support import fork_server, stand_in
from support.fork_server import COMMANDS, LARGEST, SERVICES

COMMAND = "amlwizard"
CARRIED = (
    "HOME", "LANG", "LC_ALL", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED",
    "COVERAGE_PROCESS_CONFIG",
)  # fmt: skip
"""The only variables that a server inherits: it outlives the test that started it."""
STAND_IN = "bin/python"
"""Below the folder of the servers' sockets."""
FOLDER = "FORK_SERVERS"
"""The variable that names the folder of the servers' sockets."""
OWNER = "FORK_SERVERS_OWNER"
"""The variable with the id of the process whose end is theirs."""


def shared() -> Path:
    """The folder of the servers' sockets; with the first call, they are to end with this process."""
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="forks-")
        os.environ[OWNER] = str(os.getpid())
        atexit.register(shutil.rmtree, os.environ[FOLDER], ignore_errors=True)
        python = Path(os.environ[FOLDER], STAND_IN)
        python.parent.mkdir()
        command = shlex.join([sys.executable, "-IS", stand_in.__file__, os.environ[FOLDER]])
        python.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        python.chmod(0o700)
    return Path(os.environ[FOLDER])


def python() -> str:
    """A Python that has our command, a sandbox, and what a sandbox starts forked."""
    _start()
    return str(shared() / STAND_IN)


@contextmanager
def stood_in_for() -> Iterator[None]:
    """A sandbox that is started in the block is forked, and so is what it starts."""
    with patch("sys.executable", python()):
        yield


def _start() -> None:
    with (shared() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for server in (COMMANDS, SERVICES):
            address = shared() / server
            if address.exists():
                continue
            with (
                socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening,
                (shared() / f"{server}.log").open("ab") as log,
            ):
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGEST)
                listening.bind(str(address))
                listening.listen(64)
                subprocess.Popen(
                    [sys.executable, fork_server.__file__, server, os.environ[OWNER]],
                    stdin=listening.fileno(),
                    env={name: value for name, value in os.environ.items() if name in CARRIED},
                    stderr=log,
                    start_new_session=True,
                )


class Forked:
    """A running command, with the interface of `subprocess.Popen`."""

    def __init__(
        self, arguments: Sequence[str], stdout: int | IO[Any], stderr: IO[Any], cwd: Path,
        env: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.stdout: IO[str] | None = None
        self.returncode: int | None = None
        out = stdout
        if stdout == subprocess.PIPE:
            reads, out = os.pipe()
            self.stdout = os.fdopen(reads, encoding="utf-8")
        number = out if isinstance(out, int) else out.fileno()
        _start()
        with Path(os.devnull).open("rb") as nothing:
            files = [nothing.fileno(), number, stderr.fileno()]
            address = str(shared() / COMMANDS)
            self._server = stand_in.ask(address, [COMMAND, *arguments], env, str(cwd), files)
        if isinstance(out, int):
            os.close(out)
        self.pid = int(self._server.recv(16))

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = int(self._server.recv(16))
            except TimeoutError:
                raise subprocess.TimeoutExpired("amlwizard", timeout or 0) from None
            self._server.close()
        return self.returncode
