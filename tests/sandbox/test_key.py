"""The command that prints an endpoint's key, where there is none. With one: `test_journeys`."""

from __future__ import annotations

from collections.abc import Callable

from support import RECIPES, Command, Sandbox


def test_without_an_endpoint_it_says_which_and_prints_nothing(
    command: Command, sandbox: Callable[..., Sandbox]
) -> None:
    there = sandbox("--clock", "instant").environment
    recipe = str(RECIPES / "quickstart.yaml")
    ran = command("key", recipe, "--target", "sandbox", "--approve", **there)
    assert (ran.code, ran.out) == (2, "")
    assert "There is no endpoint mle-mlquick01 in the workspace mlw-mlquick01." in ran.err
