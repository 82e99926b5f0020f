"""The MLflow server behind a workspace of the sandbox: how it comes to its port and database."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from amlwizard.sandbox.entra import Tokens
from amlwizard.sandbox.tracking import Tracking
from amlwizard.sandbox.world import Clock, World


class Rivals:
    """In the place of `Children`: the first server finds its port taken, and ends; so does every one
    that finds a database which is broken."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ports = folder, list[str]()
        self.database = folder / "mlflow" / "guid" / "mlflow.db"
        self.database.parent.mkdir(parents=True)
        (folder / "health").write_text("OK")

    @property
    def broken(self) -> bool:
        return self.database.exists() and self.database.read_text() == "half made"

    async def guarded(self, command: list[str], *_: Any) -> asyncio.subprocess.Process:
        port = command[command.index("--port") + 1]
        self.ports.append(port)
        serving = ("-m", "http.server", "--bind", "127.0.0.1", "--directory", str(self.folder))
        ends = len(self.ports) == 1 or self.broken
        arguments = ("-c", "") if ends else (*serving, port)
        return await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
        )


async def test_a_port_that_others_took_is_left_for_another(tmp_path: Path) -> None:
    world = World.open(tmp_path, None, Clock("instant", 1))
    rivals = Rivals(tmp_path)
    tracking = Tracking(world, Tokens(world), rivals)  # type: ignore[arg-type]
    try:
        assert await tracking.url("guid") == f"http://127.0.0.1:{rivals.ports[-1]}"
        assert len(rivals.ports) == 2
    finally:
        tracking.stop()


async def test_a_database_that_was_never_whole_is_made_anew(tmp_path: Path) -> None:
    """Whoever made it was killed."""
    world, rivals = World.open(tmp_path, None, Clock("instant", 1)), Rivals(tmp_path)
    rivals.database.write_text("half made")
    tracking = Tracking(world, Tokens(world), rivals)  # type: ignore[arg-type]
    try:
        assert await tracking.url("guid") and not rivals.database.exists()
    finally:
        tracking.stop()


async def test_a_database_that_was_served_is_never_thrown_away(tmp_path: Path) -> None:
    world, rivals = World.open(tmp_path, None, Clock("instant", 1)), Rivals(tmp_path)
    tracking = Tracking(world, Tokens(world), rivals)  # type: ignore[arg-type]
    try:
        await tracking.url("guid")
        tracking.stop()
        rivals.database.write_text("half made")
        with pytest.raises(RuntimeError, match=r"server\.log"):
            await tracking.url("guid")
        assert rivals.broken
    finally:
        tracking.stop()
