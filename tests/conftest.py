"""Fixtures: sandboxes and commands that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from journeys import article, embedded, private, quickstart, rerun, second
from platforms import built, platform
from support import Command, Ran, Sandbox, amlwizard, running

__all__ = ["article", "built", "embedded", "platform", "private", "quickstart", "rerun", "second"]

settings.register_profile("busy", deadline=None)  # a busy machine is no failure
settings.load_profile("busy")


@pytest.fixture
def sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes that agree to every sign-in; each stops with the test."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(running("--approve", *options))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The command, with a state folder of its own."""

    def run(*arguments: str, **environment: str) -> Ran:
        return amlwizard(*arguments, **{"AMLWIZARD_HOME": str(tmp_path / "home"), **environment})

    return run
