"""Runs the sandbox cloud. Prints one line of JSON, its description, once it answers."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import ssl
import sys
import tempfile
import threading
import time
from pathlib import Path

import trustme
from filelock import FileLock, Timeout

from amlwizard.sandbox.capture import Capture
from amlwizard.sandbox.clock import Clock
from amlwizard.sandbox.regions import REGIONS
from amlwizard.sandbox.server import Server
from amlwizard.sandbox.state import State, StateFileError, private_folder, private_write

# The host names that the sandbox's certificate is valid for.
NAMES = (
    "127.0.0.1", "localhost", "*.blob.core.windows.net", "*.file.core.windows.net",
    "*.vault.azure.net", "*.azurecr.io",
    *(f"*.{region}.data.azurecr.io" for region in REGIONS),
    *(f"*.{region}.notebooks.azure.net" for region in REGIONS),
    *(f"*.workspace.{region}.api.azureml.ms" for region in REGIONS),
    *(f"*.workspace.{region}.cert.api.azureml.ms" for region in REGIONS),
)  # fmt: skip
CA, DESCRIPTION, HOLDER = "ca.pem", "sandbox.json", "holder"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amlwizard sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--clock", choices=("instant", "polls", "real"), default="real")
    parser.add_argument("--speed", type=float, default=60)
    parser.add_argument("--approve", action="store_true")
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--until-eof", action="store_true")
    return parser.parse_args()


async def _serve(
    given: argparse.Namespace, state: State, folder: Path, capture: Capture | None
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    if given.until_eof:
        _watch_parent(loop, stopped)
    authority = trustme.CA()
    private_write(folder / CA, authority.cert_pem.bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*NAMES).configure_cert(tls)  # the private key stays in memory

    server = Server(
        state, tls, folder / CA, approve=given.approve, capture=capture, stop=stopped.set
    )
    await server.start(given.port)
    description = {**server.description, "description": str(folder / DESCRIPTION)}
    private_write(folder / DESCRIPTION, json.dumps(description).encode())
    state.save()
    print(json.dumps(description), flush=True)
    await stopped.wait()
    await server.stop()
    state.save()


def _watch_parent(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=watch, daemon=True).start()


def _tell_who(folder: Path) -> None:
    """Write who holds the lock, for those who find it held."""
    clock = time.strftime("%H:%M")
    text = f"process {os.getpid()}, started by process {os.getppid()} at {clock}"
    private_write(folder / HOLDER, text.encode())


def _held(folder: Path, state: Path) -> str:
    """That another sandbox uses the state, and which."""
    try:
        who = (folder / HOLDER).read_text(encoding="utf-8", errors="replace")[:100]
    except OSError:
        return f"another sandbox is using {state}"
    return f"another sandbox ({who}) is using {state}"


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until it serves: nothing stays behind
    given = _arguments()
    os.umask(0o077)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    if given.state:
        given.state = given.state.absolute()
        folder = given.state.parent / f"{given.state.name}.d"
    else:
        folder = Path(tempfile.mkdtemp(prefix="amlwizard-sandbox-"))
    lock = FileLock(folder / "lock")
    try:
        private_folder(folder)
        lock.acquire(timeout=20)
        _tell_who(folder)
    except Timeout:
        print(_held(folder, given.state), file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"{problem.filename or folder}: {problem.strerror}", file=sys.stderr)
        return 1
    try:
        capture = Capture(given.capture) if given.capture else None
        os.chdir(folder)  # paths of Unix sockets have to be short
        state = State.open(folder, given.state, Clock(given.clock, given.speed))
        asyncio.run(_serve(given, state, folder, capture))
    except OSError as problem:
        print(f"{problem.filename or 'the sandbox'}: {problem.strerror}", file=sys.stderr)
        return 1
    except StateFileError as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        for name in (CA, DESCRIPTION, HOLDER):  # none is valid any more
            (folder / name).unlink(missing_ok=True)
        lock.release()
        if not given.state:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
