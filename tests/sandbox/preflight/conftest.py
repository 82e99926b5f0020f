"""The subscription that preflight examines, and preflight: by the command, and without its surroundings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace

import pytest
from support import Json, recipe_of, running
from support.preflights import QUESTIONS, QUICKSTART, Cloud, Judge, Preflight

from amlwizard import cli, engine
from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.cli.recipe_argument import changes, usable_recipe
from amlwizard.errors import Finding
from amlwizard.preflight import findings, survey
from amlwizard.run_control import RunControl
from amlwizard.steps import steps_for
from amlwizard.steps.foundation import PROVIDERS, signed_in


@pytest.fixture(scope="session")
def registered() -> Iterator[Cloud]:
    with running("--approve", "--clock", "instant") as sandbox:
        arm = sandbox.cloud().arm
        for namespace in PROVIDERS:
            arm.post(
                f"/subscriptions/{arm.subscription}/providers/{namespace}/register", "2021-04-01"
            )
        yield Cloud(sandbox, sandbox.control("state", method="GET"))


@pytest.fixture(scope="session")
def application(registered: Cloud) -> Iterator[Application]:
    """On that subscription; it signs in once for all tests."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Application(Choice(approve=True, attended=True)) as application,
    ):
        patch.setenv("AMLWIZARD_SANDBOX", str(registered.sandbox.file))
        with application.using("sandbox"):
            patch.undo()
            yield application


@pytest.fixture
def cloud(registered: Cloud) -> Iterator[Cloud]:
    yield registered
    registered.sandbox.control("state", deepcopy(registered.start), method="PUT")
    registered.sandbox.control("faults", method="DELETE")


@contextmanager
def only_asking(cloud: Cloud) -> Iterator[None]:
    """AssertionError if the block wrote anything, or asked what the sandbox does not know."""
    before = len(cloud.sandbox.calls)
    yield
    told = cloud.sandbox.control("requests", method="GET")
    for call in told["calls"][before:]:
        method, path = call.split()
        reads = method == "GET" or path.endswith(QUESTIONS) or "/oauth2/v2.0/" in path
        assert reads, call
    assert told["unknown"] == []


def as_told(found: Sequence[Finding]) -> list[Json]:
    return list(json.loads(json.dumps([finding.to_json() for finding in found])))


@pytest.fixture
def preflight(cloud: Cloud, application: Application) -> Preflight:
    """Its findings, after making sure that it only asked."""

    def run(*options: str, recipe: str = QUICKSTART) -> list[Json]:
        settings = [option for option in options if option != "--set"]
        given = usable_recipe(recipe, changes(settings))
        with only_asking(cloud):
            found = application.preflight(given, lambda event: None, RunControl().cancelled, recipe)
        return as_told(found)

    return run


@pytest.fixture
def commanded(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Preflight:
    """The same by the command, after making sure that it counts and ends as it has found."""
    monkeypatch.setenv("AMLWIZARD_SANDBOX", str(cloud.sandbox.file))

    def run(*options: str, recipe: str = QUICKSTART) -> list[Json]:
        capsys.readouterr()
        with only_asking(cloud):
            code = cli.main(
                ["preflight", recipe, "--target", "sandbox", "--approve", "--json", *options]
            )
        told = json.loads(capsys.readouterr().out)
        errors = [f for f in told["findings"] if f["severity"] == "error"]
        assert (told["errors"], told["warnings"]) == (
            len(errors),
            len(told["findings"]) - len(errors),
        )
        assert code == (2 if errors else 0)
        return list(told["findings"])

    return run


@pytest.fixture(scope="session")
def judge(registered: Cloud, application: Application) -> Judge:
    """What the checks say of other settings in the subscription as it is at first, which is read once:
    for checks that read nothing that depends on these settings."""
    recipe, control = recipe_of("quickstart"), RunControl()
    account = application.sign_in(recipe.sign_in, lambda event: None, control.cancelled)
    outputs = {"sign-in": signed_in(account)}
    job = engine.Job(recipe, QUICKSTART, application.target.cloud, "sandbox")
    situation = survey(engine.context(job, outputs, control.cancelled), steps_for(recipe))

    def judged(**changes: str) -> list[Json]:
        return as_told(findings(replace(situation, recipe=recipe_of("quickstart", **changes))))

    return judged
