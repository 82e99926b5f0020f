"""Processes of the sandbox that must never outlive it, not even when it is killed.

Each has a pipe to the sandbox as its standard input, and ends with it. Run as a module, this is the
guardian of one that does not look at its input: it starts the command that follows in its own
process group and, once its own input ends (the sandbox is gone), kills the whole group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

STOP_SECONDS = 5
FOREIGN = ("AZURE", "MLFLOW_", "DATABRICKS_", "AMLWIZARD_", "HTTP_PROXY", "HTTPS_PROXY")
LONGEST_LINE = 2**25


class Children:
    """Starts them, each in a process group of its own, with a folder for their temporary files."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "tmp"
        self._processes: list[Any] = []
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
    ) -> Any:
        """A module of ours that takes `requests` and answers on its standard output; its standard
        error goes to `log`."""
        with log.open("ab") as written:
            return await self._start(
                [sys.executable, "-m", module, *arguments],
                env,
                stdout=asyncio.subprocess.PIPE,
                stderr=written,
                cwd=str(cwd),
                limit=LONGEST_LINE,
            )

    async def guarded(self, command: list[str], env: dict[str, str], log: Path, cwd: Path) -> Any:
        """Any command, under the guardian; its standard output and error go to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            return await self._start(
                [sys.executable, "-m", __name__, *command],
                env,
                stdout=out,
                stderr=out,
                cwd=str(cwd),
            )

    async def _start(self, command: list[str], env: dict[str, str], **options: Any) -> Any:
        kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(FOREIGN)}
        ours = {"PYTHONUNBUFFERED": "1", "TMPDIR": str(self.temporary)}
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            env={**kept, **ours, **env},
            start_new_session=True,
            **options,
        )
        self._processes.append(process)
        return process

    async def stop(self) -> None:
        """Kill them all, see them gone, and take their temporary files away."""
        for process in self._processes:
            kill_group(process)
        waiting = [asyncio.ensure_future(process.wait()) for process in self._processes]
        if waiting:
            await asyncio.wait(waiting, timeout=STOP_SECONDS)
        shutil.rmtree(self.temporary, ignore_errors=True)


def kill_group(process: Any) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def requests() -> Iterator[str]:
    """Lines of standard input. Once it ends, this process and its children end, however busy."""
    waiting: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
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
