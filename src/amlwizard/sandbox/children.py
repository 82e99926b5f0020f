"""Child processes, which never outlive the sandbox, even if it is killed.

Each has a pipe to the sandbox as its standard input, and exits when the pipe closes. Run as a module,
this is a supervisor for programs that do not read their input: it runs a command in its own process
group, and kills the group when its own input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue

STOP_SECONDS = 5
FOREIGN = ("AZURE", "MLFLOW_", "DATABRICKS_", "AMLWIZARD_", "HTTP_PROXY", "HTTPS_PROXY")
LONGEST_LINE = 2**25
INTERRUPT: Mapping[str, object] = {"op": "interrupt"}


class Child:
    """A running process; messages are lines of JSON in both directions."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> None:
        await self._process.wait()

    async def send(self, body: Mapping[str, object]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(body).encode() + b"\n")
        await self._process.stdin.drain()

    async def receive(self) -> bytes:
        """The next line of output; empty once the process has ended."""
        assert self._process.stdout
        return await self._process.stdout.readline()

    async def interrupt(self) -> None:
        """As Ctrl-C does, once it takes `requests`."""
        await self.send(INTERRUPT)

    def kill(self) -> None:
        """Kill the process and its descendants."""
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


class Children:
    """Starts processes, each in its own process group, with a folder for temporary files."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "tmp"
        self._processes: list[Child] = []
        self._empty()

    def _empty(self) -> None:
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(mode=0o700)

    async def piped(
        self,
        module: str,
        *arguments: str,
        env: dict[str, str],
        cwd: Path,
        log: Path = Path(os.devnull),
    ) -> Child:
        """A module of the sandbox that takes `requests` and answers on its standard output; its standard
        error goes to `log`."""
        command = [sys.executable, "-m", module, *arguments]
        return await self._start(command, env, log, cwd, asyncio.subprocess.PIPE)

    async def guarded(self, command: list[str], env: dict[str, str], log: Path, cwd: Path) -> Child:
        """Any command, under the supervisor; its standard output and error go to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        return await self._start([sys.executable, "-m", __name__, *command], env, log, cwd, None)

    async def _start(
        self, command: list[str], env: dict[str, str], log: Path, cwd: Path, stdout: int | None
    ) -> Child:
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(FOREIGN)}
        own = {"PYTHONUNBUFFERED": "1", "TMPDIR": str(self.temporary)}
        with log.open("ab") as written:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=written if stdout is None else stdout,
                stderr=written,
                env={**kept, **own, **env},
                cwd=str(cwd),
                limit=LONGEST_LINE,
                start_new_session=True,
            )
        child = Child(process)
        self._processes.append(child)
        return child

    async def stop(self) -> None:
        """Kill all processes, wait for them, and remove their temporary files."""
        for child in self._processes:
            child.kill()
        waiting = [asyncio.ensure_future(child.wait()) for child in self._processes]
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_SECONDS)
        shutil.rmtree(self.temporary, ignore_errors=True)


def program(file: Path, module: str, *arguments: str) -> None:
    """Make an executable file that runs a module with these arguments before its own."""
    file.parent.mkdir(parents=True)
    command = shlex.join([sys.executable, "-m", module, *arguments])
    file.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    file.chmod(0o700)


def requests() -> Iterator[str]:
    """Lines of standard input. When it closes, this process and its children are killed. INTERRUPT
    is a SIGINT for the main thread."""
    waiting: SimpleQueue[str] = SimpleQueue()
    main = threading.main_thread().ident
    assert main

    def read() -> None:
        for line in sys.stdin:
            if line.strip() == json.dumps(INTERRUPT):
                signal.pthread_kill(main, signal.SIGINT)
            else:
                waiting.put(line)
        _end()

    threading.Thread(target=read, daemon=True).start()
    return iter(waiting.get, None)


def _end() -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def main() -> None:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        _end()

    threading.Thread(target=watch, daemon=True).start()
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
