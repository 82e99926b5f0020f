"""The MLflow server behind a workspace of the sandbox: its socket and its database."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from amlwizard.sandbox.children import Child
from amlwizard.sandbox.clock import Clock
from amlwizard.sandbox.entra import Tokens
from amlwizard.sandbox.ml.tracking import Tracking
from amlwizard.sandbox.sockets import short
from amlwizard.sandbox.state import State

SERVER = """
import http.server, socketserver, sys

class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def address_string(self):
        return "a socket"

    def log_message(self, *_): ...

socketserver.UnixStreamServer(sys.argv[1], Answers).serve_forever()
"""


class Servers:
    """In the place of `Children`: every server that finds a database which is broken ends."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "mlflow" / "guid" / "mlflow.db"
        self.database.parent.mkdir(parents=True)

    @property
    def broken(self) -> bool:
        return self.database.exists() and self.database.read_text() == "half made"

    async def guarded(self, command: list[str], env: dict[str, str], log: Path, cwd: Path) -> Child:
        address = command[command.index("--bind") + 1].removeprefix("unix:")
        (cwd / address).unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "" if self.broken else SERVER, address, start_new_session=True,
            cwd=cwd, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return Child(process)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the sandbox is: in its own folder."""
    monkeypatch.chdir(tmp_path)


def tracking_of(world: State, servers: Any) -> Tracking:
    """`servers` are as many of Servers' functions as the tests need."""
    return Tracking(world, Tokens(world), servers)


async def test_a_database_that_was_never_whole_is_made_anew(tmp_path: Path) -> None:
    """Whoever made it was killed."""
    world, servers = State.open(tmp_path, None, Clock("instant", 1)), Servers(tmp_path)
    servers.database.write_text("half made")
    tracking = tracking_of(world, servers)
    try:
        assert await tracking.url("guid") and not servers.database.exists()
    finally:
        tracking.stop()


async def test_a_database_that_was_served_is_never_thrown_away(tmp_path: Path) -> None:
    world, servers = State.open(tmp_path, None, Clock("instant", 1)), Servers(tmp_path)
    tracking = tracking_of(world, servers)
    try:
        await tracking.url("guid")
        tracking.stop()
        servers.database.write_text("half made")
        with pytest.raises(RuntimeError, match=r"server\.log"):
            await tracking.url("guid")
        assert servers.broken
    finally:
        tracking.stop()


def test_a_path_that_no_socket_can_have_is_told(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    with pytest.raises(OSError, match="too long for the address of a socket"):
        short(deep / "socket")
    assert short(tmp_path / "socket") == "socket"
