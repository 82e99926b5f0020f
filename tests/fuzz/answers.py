"""What a cloud may answer: every value of another type, missing, null, nested or without end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES, Ran, Sandbox

from fuzz.cloud import Cassette, Said
from fuzz.ending import ended, folder
from fuzz.values import changed

RECIPE = str(RECIPES / "quickstart.yaml")
COMMANDS = ("preflight", "plan --json", "replay --json", "verify --json", "destroy --yes --purge --json")  # fmt: skip
"""In an order in which each of them has something to do."""
READING = ("preflight", "plan --json", "destroy --dry-run")
GARBAGE = (
    b"", b"null", b"[]", b"{}", b'"x"', b"7", b"{", b"\xff\xfe", b"9" * 5000, b'"\\ud800"', b"<html>",
    b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"value": null}', b'{"value": [null]}',
    b'{"value": {}}', b'{"error": null}', b'{"error": {"code": [], "message": {}, "details": 7}}',
)  # fmt: skip
STATUSES = (200, 201, 202, 204, 302, 400, 401, 403, 404, 409, 412, 500)

Tapes = dict[str, Cassette]
Others = dict[tuple[str, int], Said]


def run(command: str, terminal: bool = False) -> Ran:
    """What a command did that ended as it must."""
    name, *options = command.split()
    return ended(name, RECIPE, "--target", "sandbox", *options, logged=True, terminal=terminal)


def recorded(sandbox: Sandbox, commands: tuple[str, ...]) -> Tapes:
    """What the cloud of a sandbox answers to these commands, one after another."""
    tapes = {}
    with folder(**sandbox.environment):
        for command in commands:
            tapes[command] = Cassette()
            with tapes[command].recording():
                assert run(command).code == 0
    return tapes


def described(sandbox: Sandbox, folder: Path) -> Path:
    """A description of the cloud that holds when its sandbox is gone."""
    authority, file = folder / "ca.pem", folder / "sandbox.json"
    authority.write_bytes(Path(sandbox.description["ca"]).read_bytes())
    file.write_text(json.dumps({**sandbox.description, "ca": str(authority)}))
    return file


@st.composite
def spoiled(draw: st.DrawFn, said: Said) -> Said:
    """The same answer with another body, and perhaps another status."""
    garbage = st.sampled_from(GARBAGE).map(lambda content: replace(said, content=content))
    other = draw(changed(said.body).map(said.with_body) | garbage)
    status = draw(st.just(said.status) | st.just(said.status) | st.sampled_from(STATUSES))
    return replace(other, status=status)


@st.composite
def otherwise(draw: st.DrawFn, tape: Cassette) -> Others:
    """Other answers to one or two requests of the tape, by request and number."""
    asked = st.sampled_from([key for key, track in tape.tracks.items() if track[-1].body])
    found: Others = {}
    for key in draw(st.lists(asked, min_size=1, max_size=2)):
        at = draw(st.integers(0, len(tape.tracks[key]) - 1))
        found[key, at] = draw(spoiled(tape.tracks[key][at]))
    return found


def any_answer(command: str, tape: Cassette, description: Path) -> Callable[[], None]:
    """The property of one command."""

    @given(otherwise(tape))
    def property(others: Others) -> None:
        with folder(AMLWIZARD_SANDBOX=str(description)), tape.with_others(others).playing():
            run(command)

    return property
