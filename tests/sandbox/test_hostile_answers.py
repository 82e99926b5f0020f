"""Whatever a cloud writes into its answers is shown by every command, and obeyed by none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fuzz import answers
from fuzz.cloud import Cassette, Said
from fuzz.ending import folder
from hypothesis import HealthCheck, settings
from support.breadth import crossed
from support.hostile import ESCAPES, MARKUP, SCRIPT, obeyed
from support.platforms import Platform

pytestmark = pytest.mark.xdist_group("refusals")

LEADS = re.compile(
    r"(?i)(id|ids|name|state|status|type|location|kind|link|uri|url|value|scopes?|token|code|interval"
    r"|expires_in|version|actions?|tier|namespace|format|family|unit|prefix|prefixes|message)$"
)
"""Keys whose values decide how a command goes on."""
WORDS = f"{MARKUP}{ESCAPES}{SCRIPT}"
JSON = (("content-type", "application/json"), ("x-ms-error-code", "Hostile"))
SIGN_IN = re.compile(r"/oauth2/|/tenants\?|/subscriptions\?|openid-configuration|/discovery/")
COMMANDS = {**dict.fromkeys(answers.READING), "verify": "plan --json", "replay": "plan --json"}
"""Each with the command whose answers it gets; itself, where that is None."""
either = pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
every = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture(scope="module")
def tapes(built: Platform) -> answers.Tapes:
    return answers.recorded(built.sandbox, answers.READING)


@pytest.fixture(scope="module")
def description(built: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return answers.described(built.sandbox, tmp_path_factory.mktemp("described"))


def infected(value: Any, key: str = "") -> Any:
    """The value, hostile text before every text in it that leads nowhere."""
    if isinstance(value, dict):
        return {k: infected(inner, k) for k, inner in value.items()}
    if isinstance(value, list):
        return [infected(item, key) for item in value]
    return WORDS + value if isinstance(value, str) and not LEADS.search(key) else value


def refused(status: int) -> Said:
    detail = {"code": WORDS, "message": WORDS, "target": WORDS}
    body = {
        "error": {**detail, "details": [detail]},
        "error_code": WORDS,
        "error_description": WORDS,
    }
    return Said(status, JSON, b"").with_body({**body, "message": WORDS})


def is_text(command: str, terminal: bool, home: Path) -> None:
    """Nothing hostile is in what a command shows, as `ended` asserts, nor in any file of it."""
    capture = home / "capture.jsonl"
    said = answers.run(f"{command} --capture {capture}", terminal)
    assert "foresee" not in said.err and capture.exists()
    for path in home.rglob("*"):
        if path.is_file():
            assert obeyed(path.read_text(encoding="utf-8")) == [], path


@either
@every
def test_no_command_obeys_an_answer(
    tapes: answers.Tapes, description: Path, command: str, terminal: bool
) -> None:
    recorded = tapes[COMMANDS[command] or command]
    hostile = {
        asked: [said.with_body(infected(said.body)) if said.body else said for said in track]
        for asked, track in recorded.tracks.items()
    }
    other = Cassette(hostile, otherwise=refused(404))
    with folder(AMLWIZARD_SANDBOX=str(description)) as home, other.playing():
        is_text(command, terminal, home)


@pytest.mark.parametrize(("status", "terminal"), crossed([400, 403], [False, True]))
@every
def test_no_command_obeys_a_refusal(
    tapes: answers.Tapes, description: Path, command: str, status: int, terminal: bool
) -> None:
    """All that follows the sign-in is refused."""
    recorded = tapes[COMMANDS[command] or command]
    known = {asked: track for asked, track in recorded.tracks.items() if SIGN_IN.search(asked)}
    other = Cassette(known, otherwise=refused(status))
    with folder(AMLWIZARD_SANDBOX=str(description)) as home, other.playing():
        is_text(command, terminal, home)


@pytest.mark.parametrize("command", ["plan --json"])
def test_no_command_obeys_a_refused_sign_in(
    tapes: answers.Tapes, description: Path, command: str
) -> None:
    other = Cassette({}, otherwise=refused(400))
    with folder(AMLWIZARD_SANDBOX=str(description)) as home, other.playing():
        is_text(command, False, home)


@pytest.mark.parametrize("command", answers.READING)
def test_any_answer_ends_a_command_with_a_sentence(
    tapes: answers.Tapes, description: Path, command: str
) -> None:
    """A slice of `make fuzz`, the same every time."""
    settings(
        max_examples=settings().max_examples // 8,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(answers.any_answer(command, tapes[command], description))()
