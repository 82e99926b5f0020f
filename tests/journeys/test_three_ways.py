"""A session in the app, the same answers at the prompts, and the recipe replayed headlessly give the
same recipe and, times and ids aside, the same journal."""

from __future__ import annotations

import asyncio
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pexpect
import pytest
from support import amlwizard_in, running
from support.asked import SlowLink, terminal, through
from support.walks import from_nothing_to_three_predictions

from amlwizard.draft import new

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("three_ways")]

PREFIX = "mlthree01"
SAVED = Path("recipes") / f"{PREFIX}.yaml"
LOGIN = {"sign_in.login": "device-code"}
ROW = "235.114, 246.801, 163.685"


@dataclass
class Way:
    """What one way left: the recipe that was saved, and the journal of its run; of the prompts, also
    what they showed."""

    recipe: str
    journal: list[dict[str, Any]]
    shown: str = ""


@contextmanager
def place(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """An empty folder to be in, and a sandbox of its own where nothing was built."""
    folder = factory.mktemp(name)
    with running("--approve", "--clock", "instant") as sandbox:
        yield folder, {"AMLWIZARD_HOME": str(folder / "home"), **sandbox.environment}


def left(folder: Path) -> Way:
    (journal,) = (folder / "home" / "runs").glob("*/journal.jsonl")
    lines = journal.read_text(encoding="utf-8").splitlines()
    return Way((folder / SAVED).read_text(), [json.loads(line) for line in lines])


@pytest.fixture(scope="module")
def in_the_app(tmp_path_factory: pytest.TempPathFactory) -> Way:
    folder = tmp_path_factory.mktemp("app")
    sessions = folder / "home" / "sessions"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMLWIZARD_HOME", str(folder / "home"))
        patch.chdir(folder)
        asyncio.run(from_nothing_to_three_predictions(PREFIX, LOGIN["sign_in.login"], sessions))
    assert not list(sessions.glob("*.json")), "what is done is not offered again"
    return left(folder)


@pytest.fixture(scope="module")
def at_the_prompts(tmp_path_factory: pytest.TempPathFactory) -> Way:
    with place(tmp_path_factory, "ask") as (folder, environment):
        (folder / SAVED).parent.mkdir()
        arguments = ("-o", str(SAVED), "--target", "sandbox", "--plain")
        on, shown = {**environment, "NO_COLOR": ""}, io.StringIO()
        with terminal(folder, *arguments, link=SlowLink, **on) as child:
            child.logfile_read = shown
            through(child, new(), PREFIX, LOGIN)
            child.expect("Start now on sandbox")
            child.sendline("y")
            child.expect("Using the subscription Sandbox as ")
            child.expect(r"Scoring request: done in ")
            child.expect(ROW)
            child.expect(pexpect.EOF)
            child.wait()
            assert child.exitstatus == 0
        return replace(left(folder), shown=shown.getvalue())


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory, at_the_prompts: Way) -> Way:
    with place(tmp_path_factory, "replay") as (folder, environment):
        (folder / SAVED).parent.mkdir()
        (folder / SAVED).write_text(at_the_prompts.recipe)
        ran = amlwizard_in(folder, "replay", str(SAVED), "--target", "sandbox", **environment)
        assert ran.code == 0, ran.err
        return left(folder)


ASIDE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d{6}-[0-9a-f]{8}\b"), "<cluster>"),
    (re.compile(r"\b(adb-)?\d{16,}\b"), "<number>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<host>"),
    (re.compile(r"\b(10\.100\.100|198\.51\.100)\.\d+\b(?!/)"), "<address>"),  # dealt out as asked
    (re.compile(r"(after|in) \d+\.\d+ s"), "<time>"),
)
TIMES = ("seconds", "boot_seconds", "at")


def plain(value: Any) -> Any:
    """A value without times and ids."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        for pattern, name in ASIDE:
            value = pattern.sub(name, value)
    return value


def told(way: Way) -> dict[str, list[Any]]:
    """What a journal tells of each step, in its order. Steps overlap as they will; what is said
    while one waits is a matter of time, and who has signed in before is not asked again."""
    steps: dict[str, list[Any]] = defaultdict(list)
    for event in way.journal:
        waits = event["kind"] == "step-progress" and not event["data"]
        if waits or event["kind"] in ("login-needed", "login-done"):
            continue
        kept = {k: v for k, v in event.items() if k not in ("seq", "at", "run", "expires_at")}
        steps[event.get("step", "run")].append(plain(kept))
    return dict(steps)


WAYS = ("in_the_app", "at_the_prompts", "replayed")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.getfixturevalue(request.param)
    return found


def test_each_way_ends_with_the_three_predictions(way: Way) -> None:
    score = next(e for e in way.journal if e["kind"] == "step-finished" and e["step"] == "score")
    assert ", ".join(f"{p:.3f}" for p in score["outputs"]["predictions"]) == ROW


def test_plain_prompts_tell_every_state_in_words_and_in_order(at_the_prompts: Way) -> None:
    """As a screen reader has it: nothing is drawn, let alone drawn over."""
    shown = at_the_prompts.shown
    assert "\x1b" not in shown and "\r" not in shown.replace("\r\n", "")
    last = 0
    for words in (
        "Enter keeps the value in brackets", "Section 1 of ", ", Sign-in: ", "Section 2 of ",
        "Fields to change", "The recipe is in ", "Platform  ", " to create, ", " to run",
        "The run will take about ", "Start now on sandbox?", "Sandbox: signed in as ",
        "Using the subscription ", "Run ", "] Sign in: done in ", "] VNET with its subnets: created in ",
        "] Training run: done in ", "] Registered model: done in ", "] Deployment: created in ",
        "Run finished: ", "Predictions", ROW,
    ):  # fmt: skip
        place = shown.find(words, last)
        assert place >= last, f"{words!r} is not said, or not in this order"
        last = place


def test_the_recipes_are_equal(in_the_app: Way, at_the_prompts: Way, replayed: Way) -> None:
    assert in_the_app.recipe == at_the_prompts.recipe == replayed.recipe
    assert f"prefix: {PREFIX}" in replayed.recipe


def test_the_journals_are_equal(in_the_app: Way, at_the_prompts: Way, replayed: Way) -> None:
    app, prompts, headless = told(in_the_app), told(at_the_prompts), told(replayed)
    assert list(app) and app.keys() == prompts.keys() == headless.keys()
    for step in headless:
        assert app[step] == headless[step]
        assert prompts[step] == headless[step]


def test_the_comparison_sees_a_difference(replayed: Way) -> None:
    other = Way(replayed.recipe, json.loads(json.dumps(replayed.journal)))
    finished = next(
        e for e in other.journal if e["kind"] == "step-finished" and e["step"] == "train"
    )
    finished["outputs"]["metrics"]["mse"] += 0.001
    assert told(other) != told(replayed)
