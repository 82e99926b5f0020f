"""The MLflow server behind a workspace of the sandbox: how it comes to its port."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from amlwizard.sandbox.entra import Tokens
from amlwizard.sandbox.tracking import Tracking
from amlwizard.sandbox.world import Clock, World


class Rivals:
    """In the place of `Children`: the first server finds its port taken, and ends."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ports = folder, list[str]()
        (folder / "health").write_text("OK")

    async def guarded(self, command: list[str], *_: Any) -> asyncio.subprocess.Process:
        port = command[command.index("--port") + 1]
        self.ports.append(port)
        serving = ("-m", "http.server", "--bind", "127.0.0.1", "--directory", str(self.folder))
        arguments = ("-c", "") if len(self.ports) == 1 else (*serving, port)
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
