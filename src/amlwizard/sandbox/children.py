"""Processes of the sandbox that must never outlive it, not even when it is killed.

Run as a module, this is the guardian: it starts the command that follows in its own process group
and, once its standard input ends (the sandbox is gone), kills the whole group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


async def guarded(command: list[str], env: Mapping[str, str], log: Path) -> Any:
    """Start a command under the guardian; its standard output and error go to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "amlwizard.sandbox.children",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=out,
            env=dict(env),
            start_new_session=True,
        )


def kill_group(process: Any) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def clean_environment(**more: str) -> dict[str, str]:
    """The environment for a child: ours without anything that points at a cloud or a proxy."""
    drop = ("AZURE", "MLFLOW_", "DATABRICKS_", "AMLWIZARD_", "HTTP_PROXY", "HTTPS_PROXY")
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(drop)}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def main() -> None:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def watch() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
