"""How the notebook signs in to the workspace: service principal, device code, lent token."""

from __future__ import annotations

import json

import pytest
from support import Ran
from support.journeys import CLIENT_SECRET, PERSON, USER_CODE, Journey

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]


def cells(ran: Ran) -> list[str]:
    return [e["message"] for e in ran.of("step-progress", "train")]


def held(journey: Journey) -> set[str]:
    """Keys of the recipe's secret scope after the run."""
    [workspace] = journey.sandbox.control("state", method="GET")["databricks"].values()
    [scope] = workspace["scopes"].values()
    return set(scope)


def test_signed_in_as_a_service_principal_the_notebook_is_one_too(article: Journey) -> None:
    assert any("as a service principal" in message for message in cells(article.ran))
    assert held(article) == {"tenant-id", "client-id", "client-secret"}
    assert CLIENT_SECRET not in json.dumps(article.sandbox.control("state", method="GET"))


def test_signed_in_by_a_person_it_is_lent_a_token(quickstart: Journey) -> None:
    """Which is taken back when it has done its work."""
    assert any("with the token" in message for message in cells(quickstart.ran))
    assert held(quickstart) == set()


def test_a_notebook_may_ask_for_a_sign_in_of_its_own(quickstart: Journey, rerun: Ran) -> None:
    assert rerun.code == 0, rerun.err
    asked = [(e["kind"], e["step"]) for e in rerun.events if e["kind"].startswith("login")]
    assert asked == [
        (kind, step)
        for step in ("sign-in", "train", "fit-to-serve", "register")
        for kind in ("login-needed", "login-done")
    ]
    [done] = rerun.of("login-done", "train")
    assert done["account"] == PERSON
    assert USER_CODE not in rerun.out and USER_CODE not in quickstart.capture.read_text()
    assert rerun.err.count("Sandbox: signed in as") == len(asked) // 2
    assert rerun.final("train")["outputs"]["metrics"]["mse"] == pytest.approx(3424.857, abs=0.001)
