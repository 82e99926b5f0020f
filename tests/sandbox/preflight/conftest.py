"""The subscription that preflight examines, and the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy

import pytest
from support import Json, running
from support.preflights import QUESTIONS, QUICKSTART, Cloud, Preflight

from amlwizard import cli
from amlwizard.steps.foundation import PROVIDERS


@pytest.fixture(scope="session")
def registered() -> Iterator[Cloud]:
    with running("--approve", "--clock", "instant") as sandbox:
        arm = sandbox.cloud().arm
        for namespace in PROVIDERS:
            arm.post(
                f"/subscriptions/{arm.subscription}/providers/{namespace}/register", "2021-04-01"
            )
        yield Cloud(sandbox, sandbox.control("state", method="GET"))


@pytest.fixture
def cloud(registered: Cloud) -> Iterator[Cloud]:
    yield registered
    registered.sandbox.control("state", deepcopy(registered.start), method="PUT")
    registered.sandbox.control("faults", method="DELETE")


@pytest.fixture
def preflight(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Preflight:
    """The command; answers its findings, after making sure that it only asked."""
    monkeypatch.setenv("AMLWIZARD_SANDBOX", str(cloud.sandbox.file))

    def run(*options: str, recipe: str = QUICKSTART) -> list[Json]:
        before = len(cloud.sandbox.calls)
        capsys.readouterr()
        code = cli.main(
            ["preflight", recipe, "--target", "sandbox", "--approve", "--json", *options]
        )
        told = json.loads(capsys.readouterr().out)
        for call in cloud.sandbox.calls[before:]:
            method, path = call.split()
            reads = method == "GET" or path.endswith(QUESTIONS) or "/oauth2/v2.0/" in path
            assert reads, call
        assert cloud.sandbox.unknown == []
        errors = [f for f in told["findings"] if f["severity"] == "error"]
        assert (told["errors"], told["warnings"]) == (
            len(errors),
            len(told["findings"]) - len(errors),
        )
        assert code == (2 if errors else 0)
        return list(told["findings"])

    return run
