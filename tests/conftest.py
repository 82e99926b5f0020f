"""Fixtures: sandboxes and commands that stop with their test."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

os.environ["AMLWIZARD_LANG"] = "en"  # before any text is read: tests expect English everywhere
# Before Textual is imported: nobody watches, and what changes at about the same time is drawn once.
os.environ["TEXTUAL_FPS"] = "10"

import pytest
from hypothesis import settings
from support import Command, Ran, Sandbox, amlwizard, forking, running
from support.guarded import guarded, guarded_once
from support.journeys import article, embedded, private, quickstart, rerun, second, untrained
from support.platforms import built, platform
from xdist.scheduler import LoadScopeScheduling

__all__ = [
    "article",
    "built",
    "embedded",
    "guarded",
    "guarded_once",
    "platform",
    "private",
    "quickstart",
    "rerun",
    "second",
    "untrained",
]


class _Groups(LoadScopeScheduling):
    """Keeps the tests of an xdist_group on one worker, since they share expensive fixtures.

    Needed because pytest-xdist 3.8 marks node ids in a place where pytest 9.2 no longer reads
    them. A module has one group.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return _group(module) or nodeid


@cache
def _group(module: str) -> str:
    found = re.search(r'xdist_group\("(\w+)"\)', (Path(__file__).parents[1] / module).read_text())
    return found[1] if found else ""


def pytest_configure() -> None:
    """The process that starts the workers owns what they share. Commands have no width but that of
    their terminal: workers of pytest-xdist are given one."""
    os.environ.pop("COLUMNS", None)
    forking.shared()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return _Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that tear down a platform last: other tests use it. Files of whole replays come first,
    so that no worker is left with one when the others have ended."""
    items.sort(
        key=lambda item: (
            "torn_down" in getattr(item, "fixturenames", ()),
            _module(item).get_closest_marker("journey") is None,
        )
    )


def _module(item: pytest.Item) -> pytest.Module:
    module = item.getparent(pytest.Module)
    assert module
    return module


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: the garbage collector need not look
    through it again and again."""
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Nor need it look through what is left of the tests when all is over."""
    gc.freeze()


# A busy machine must not fail a test.
settings.register_profile("breadth", deadline=None)
settings.register_profile("test", settings.get_profile("breadth"), max_examples=25)
settings.load_profile("test")


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where a test names no state folder, the user's own stays as it is."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture
def sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes that approve every sign-in; each stops with the test."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(running("--approve", *options))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs the command with a separate state folder."""

    def run(*arguments: str, **environment: str) -> Ran:
        return amlwizard(*arguments, **{"AMLWIZARD_HOME": str(tmp_path / "home"), **environment})

    return run
