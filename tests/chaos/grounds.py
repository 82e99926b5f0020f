"""Where runs are broken: while they provision, train and register, deploy and score, or verify."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from support import RECIPES, Json, Sandbox, amlwizard

PLENTY = {"cores": 100_000, "family_cores": 100_000, "ml_cores": 100_000}
RECIPE = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox")
ANY_RESULT = ("--set", "expect.metrics={}", "--set", "expect.predictions=null")


@dataclass(frozen=True)
class Ground:
    """`command` gives the command of a trial by its number. `state` is that of the cloud before
    each trial, if it is always the same; `calls` are regular expressions for ``METHOD path``: the
    kinds of requests that an undisturbed run makes, in its order."""

    name: str
    command: Callable[[int], tuple[str, ...]]
    calls: Sequence[str]
    state: Json | None = None

    def ready(self, cloud: Sandbox) -> None:
        if self.state is not None:
            cloud.control("state", self.state, "PUT")


def provision(number: int) -> tuple[str, ...]:
    """A platform of its own."""
    prefix = f"names.prefix=chaos{number:03}"
    return ("replay", *RECIPE, "--until", "provision", "--set", prefix, "--json")


def train(number: int) -> tuple[str, ...]:
    """A training of its own, on the platform that all share."""
    alpha = f"training.parameters.alpha={0.2 + number / 1000:.3f}"
    return ("replay", *RECIPE, "--until", "register", "--set", alpha, *ANY_RESULT, "--json")


def score(number: int) -> tuple[str, ...]:
    return ("replay", *RECIPE, "--until", "score", "--json")


def verify(number: int) -> tuple[str, ...]:
    return ("verify", *RECIPE)


def provisioning(cloud: Sandbox, around: dict[str, str]) -> Ground:
    return Ground("provision", provision, _kinds(cloud, provision(0), around))


def training(cloud: Sandbox, around: dict[str, str]) -> Ground:
    built = amlwizard("replay", *RECIPE, "--until", "provision", "--json", **around)
    assert built.code == 0, built.err
    return Ground("train", train, _new(_kinds(cloud, train(0), around)))


def scoring(cloud: Sandbox, around: dict[str, str]) -> Ground:
    trained = amlwizard("replay", *RECIPE, "--until", "register", "--json", **around)
    assert trained.code == 0, trained.err
    state = cloud.state
    return Ground("score", score, _new(_kinds(cloud, score(0), around)), state)


def verifying(cloud: Sandbox, around: dict[str, str]) -> Ground:
    return Ground("verify", verify, _kinds(cloud, verify(0), around))


GROUNDS = (provisioning, training, scoring, verifying)
BEFORE = re.compile(
    r"(GET|POST) /subscriptions/(?!.*(MachineLearning.*/(models|onlineEndpoints|locations)))|"
    r".*(token|devicecode|openid-configuration|/tenants|/subscriptions)$"
)


def _new(kinds: Sequence[str]) -> list[str]:
    """Without what every run reads before it comes to its own work."""
    return [kind for kind in kinds if not BEFORE.match(kind.replace("\\", ""))]


def _kinds(cloud: Sandbox, command: tuple[str, ...], around: dict[str, str]) -> list[str]:
    """A regular expression for every kind of request that this command makes."""
    before = len(cloud.calls)
    ran = amlwizard(*command, **around)
    assert ran.code == 0, ran.err
    return list(dict.fromkeys(map(_kind, cloud.calls[before:])))


def _kind(line: str) -> str:
    """The request with names and ids left open."""
    method, _, path = line.partition(" ")
    parts = [
        "[^/]+" if re.search(r"chaos|[0-9a-f]{8}", part) else re.escape(part)
        for part in path.split("/")
    ]
    return f"{method} {'/'.join(parts)}"
