"""The platform to tear down, restored before every test, and the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import Json, Ran, running
from support.standing import QUICKSTART, Destroy, Standing

from amlwizard.cli import main


@pytest.fixture(scope="session")
def standing_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with running("--approve", "--clock", "instant") as box:
        made = Standing(box, tmp_path_factory.mktemp("home"))
        with pytest.MonkeyPatch.context() as patch:
            made.stand_before(patch)
            assert main(["replay", QUICKSTART, "--target", "sandbox", "--until", "provision"]) == 0
        made.built = box.state
        yield made


@pytest.fixture
def platform(standing_once: Standing, monkeypatch: pytest.MonkeyPatch) -> Standing:
    standing_once.stand_before(monkeypatch)
    standing_once.reset()
    return standing_once


@pytest.fixture(scope="session")
def torn_once(standing_once: Standing) -> Json:
    """The state of the cloud after a teardown without a purge."""
    standing_once.reset()
    with pytest.MonkeyPatch.context() as patch:
        standing_once.stand_before(patch)
        assert main(["destroy", QUICKSTART, "--target", "sandbox", "--yes"]) == 0
    return standing_once.state


@pytest.fixture
def torn(torn_once: Json, platform: Standing) -> Standing:
    """The platform after that teardown; the names of vault and workspace are kept."""
    platform.sandbox.control("state", torn_once, "PUT")
    return platform


@pytest.fixture
def destroy(platform: Standing, capsys: pytest.CaptureFixture[str]) -> Destroy:
    def run(*options: str, command: str = "destroy") -> Ran:
        capsys.readouterr()
        code = main([command, QUICKSTART, "--target", "sandbox", *options])
        return Ran(code, *capsys.readouterr())

    return run
