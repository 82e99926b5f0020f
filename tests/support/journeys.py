"""Complete replays of the shipped recipes, each made once and used by many tests.

Every secret that the sandbox issues during them is a canary, and the arguments of every process of
the machine are recorded: `test_secrets` looks for the canaries wherever they must not be.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from amlwizard.cloud import Cloud
from amlwizard.errors import AmlwizardError
from amlwizard.plan import Context
from amlwizard.plan.outputs import Outputs
from amlwizard.recipe import read
from amlwizard.steps import steps_for
from support import (
    RECIPES,
    Asked,
    Json,
    Ran,
    Sandbox,
    amlwizard,
    existing,
    replaying,
    replaying_afresh,
    running,
)

SCORING_KEY = "canaryKeyQ7fW2zR9mK4tB8vX1pL6"
ACCESS_TOKEN = "canaryTokenH3jD8sN5gC2yU7aE4oI9"
USER_CODE = "CANARYX7Q"
DOMAIN = "kanariaworks.example"
PERSON = f"ada.lovelace@{DOMAIN}"
CLIENT_SECRET = "canarySecretT6bM1rV8kZ3nF5wJ2"
LOOKS = 20
"""How often the arguments of one process are read: it has its last ones soon after it was forked."""
CLIENT_ID = "7d0b1c52-3a6e-4f7c-9d55-0f2f3c3b9a11"


@dataclass
class Arguments:
    """The arguments of every process of the machine while the block runs, one text per process."""

    seen: set[str] = field(default_factory=set)

    @contextmanager
    def watched(self) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            looks: dict[str, int] = {}
            while not over.wait(0.05):  # as cheap as can be: twenty times a second
                there = filter(str.isdigit, os.listdir("/proc"))  # noqa: PTH208
                looks = {process: looks.get(process, 0) + 1 for process in there}
                for process in (name for name, times in looks.items() if times <= LOOKS):
                    with suppress(OSError):
                        said = Path("/proc", process, "cmdline").read_bytes()
                        self.seen.add(said.replace(b"\0", b" ").decode(errors="replace"))

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@dataclass
class Journey:
    """A recipe, where it was replayed, and the result."""

    recipe: str
    sandbox: Sandbox
    home: Path
    capture: Path
    ran: Ran
    arguments: Arguments
    environment: dict[str, str]

    def command(self, name: str, *options: str) -> Ran:
        return amlwizard(
            name, str(RECIPES / f"{self.recipe}.yaml"), "--target", "sandbox", *options,
            **self.environment,
        )  # fmt: skip

    @property
    def recorded(self) -> Path:
        """What the replay of quickstart recorded itself, by `--capture`."""
        return recorded_in(self.home.parent)

    def output(self, step: str) -> Json:
        return dict(self.ran.final(step)["outputs"])


def recorded_in(folder: Path) -> Path:
    return folder / "recorded.jsonl"


@contextmanager
def journey(recipe: str, folder: Path, clock: str, *options: str, **more: str) -> Iterator[Journey]:
    """Replay a recipe on a sandbox with that clock; AssertionError if the replay fails."""
    capture, home, arguments = folder / "capture.jsonl", folder / "home", Arguments()
    state = folder / "cloud" / "state.json"
    state.parent.mkdir()
    with running(
        "--approve", "--clock", clock, "--state", str(state), "--capture", str(capture)
    ) as sandbox:
        sandbox.control(
            "plant",
            {"scoring_key": SCORING_KEY, "access_token": ACCESS_TOKEN, "user_code": USER_CODE,
             "principal": {"client_id": CLIENT_ID, "secret": CLIENT_SECRET}},
        )  # fmt: skip
        sandbox.change(person={**sandbox.state["person"], "name": PERSON})
        environment = {"AMLWIZARD_HOME": str(home), **sandbox.environment, **more}
        options = (str(RECIPES / f"{recipe}.yaml"), "--target", "sandbox", *options)
        # AKS is held until the training has started: a run that waited for it first would never end.
        sandbox.hold("Microsoft.ContainerService")
        # On the clock of users in a process like theirs, with nothing imported yet.
        start = replaying_afresh if clock == "real" else replaying
        with arguments.watched(), start(*options, **environment) as replay:
            replay.until("step-started", "train")
            sandbox.clear()
            ran = replay.end()
        assert ran.code == 0, ran.out[-2000:] + ran.err
        yield Journey(recipe, sandbox, home, capture, ran, arguments, environment)


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """On the clock that users get by default, recorded."""
    folder = tmp_path_factory.mktemp("quickstart")
    recording = ("--capture", str(recorded_in(folder)))
    with journey("quickstart", folder, "real", *recording) as done:
        yield done


@pytest.fixture(scope="session")
def second(quickstart: Journey) -> tuple[Ran, list[str]]:
    """The same replay again, and the requests that it made."""
    before = len(quickstart.sandbox.calls)
    ran = quickstart.command("replay", "--json")
    return ran, quickstart.sandbox.calls[before:]


@pytest.fixture(scope="session")
def rerun(quickstart: Journey, second: object) -> Ran:
    """A third replay, which repeats the training with a notebook that asks for a sign-in of its own."""
    return quickstart.command(
        "replay", "--json", "--until", "score", "--rerun", "train", "--approve",
        "--set", "sign_in.notebook_login=device-code",
    )  # fmt: skip


@pytest.fixture(scope="session")
def article(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """Signed in as a service principal."""
    with journey(
        "article",
        tmp_path_factory.mktemp("article"),
        "instant",
        "--set",
        "sign_in.login=environment",
        AZURE_CLIENT_ID=CLIENT_ID,
        AZURE_CLIENT_SECRET=CLIENT_SECRET,
        AZURE_TENANT_ID="organizations",
    ) as done:
        yield done


@pytest.fixture(scope="session")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with journey("private", tmp_path_factory.mktemp("private"), "instant") as done:
        yield done


@dataclass
class Embedded:
    """A replay, a plan and a second replay of quickstart, each of which starts its own sandbox."""

    home: Path
    first: Ran
    plan: Ran
    second: Ran

    @property
    def environment(self) -> dict[str, str]:
        return {"AMLWIZARD_HOME": str(self.home)}


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    home = tmp_path_factory.mktemp("embedded") / "home of mine"
    options = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--clock", "instant")
    first, plan, second = (
        amlwizard(name, *options, "--json", AMLWIZARD_HOME=str(home))
        for name in ("replay", "plan", "replay")
    )
    return Embedded(home, first, plan, second)


@dataclass(frozen=True)
class Untrained:
    """A platform without a model: its sandbox, a client, and what its steps told."""

    sandbox: Sandbox
    cloud: Cloud
    outputs: Outputs

    def failure(self, recipe: Path) -> AmlwizardError:
        """Of the training of a recipe, as a replay tells it: that step alone is run."""
        read_anew = existing(read(recipe).recipe)
        [train] = [step for step in steps_for(read_anew) if step.id == "train"]
        ctx = Context(read_anew, self.cloud, self.outputs, threading.Event(), Asked())
        with pytest.raises(AmlwizardError) as error:
            train.apply(ctx, lambda *_, **__: None)
        return error.value


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Untrained]:
    folder = tmp_path_factory.mktemp("built")
    with running("--approve", "--clock", "instant") as sandbox:
        built = amlwizard(
            "replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--until",
            "provision", "--json", AMLWIZARD_HOME=str(folder), **sandbox.environment,
        )  # fmt: skip
        assert built.code == 0, built.err
        outputs = {event["step"]: event["outputs"] for event in built.of("step-finished")}
        yield Untrained(sandbox, sandbox.cloud(), Outputs(outputs))
