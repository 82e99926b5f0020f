"""Secrets are where they are needed and nowhere else.

During the journeys every secret that the sandbox gives out is a canary. Here every file that they
left is searched for them, every line that they printed, and the arguments of every process.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Ran
from support.journeys import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    PERSON,
    SCORING_KEY,
    USER_CODE,
    Journey,
)

from amlwizard.notebook.lending import PURPOSES
from amlwizard.secret import Secret, hide, remember

JWT = re.compile(rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}")
SEALED = re.compile(rb"gAAAAA[\w-]{20,}")  # the sandbox's refresh tokens and stored secrets


def forms(canary: str) -> list[bytes]:
    """A text as it stands, and as base64 at each of its three alignments."""
    text = canary.encode()
    found = [text]
    for shift in range(3):
        encoded = base64.urlsafe_b64encode(b"\0" * shift + text)
        found.append(encoded[(shift + 2) // 3 * 4 : -4])
    return found


CANARIES = {
    "scoring key": forms(SCORING_KEY),
    "access token": forms(ACCESS_TOKEN),
    "device code": forms(USER_CODE),
    "client secret": forms(CLIENT_SECRET),
}


def leaks(text: bytes) -> set[str]:
    """Which secrets stand in a text: the canaries, and anything that has the form of a token."""
    found = {
        name for name, all_forms in CANARIES.items() if any(form in text for form in all_forms)
    }
    return found | ({"a token"} if JWT.search(text) else set())


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.mark.parametrize("name", CANARIES)
def test_the_search_finds_what_it_looks_for(name: str) -> None:
    plain = CANARIES[name][0]
    assert leaks(b"before " + plain + b" after") == {name}
    for shift in range(3):
        inside = base64.urlsafe_b64encode(b"x" * shift + plain + b'", "more": "of it"}')
        assert leaks(inside) == {name}


# -- after the journeys

journeys = [pytest.mark.journey, pytest.mark.xdist_group("journey")]


@pytest.fixture(
    params=[pytest.param(name, marks=journeys) for name in ("quickstart", "article", "private")]
)
def done(request: pytest.FixtureRequest) -> Journey:
    found: Journey = request.getfixturevalue(request.param)
    return found


def test_the_canaries_were_really_used(done: Journey) -> None:
    """Else nothing below would prove anything."""
    cloud = done.sandbox.cloud()
    workspace, endpoint = done.output("workspace")["id"], done.output("endpoint")["id"]
    assert cloud.ml(workspace).keys(endpoint.rpartition("/")[2]).reveal() == SCORING_KEY
    for audience in ("arm", "ml", "databricks"):
        assert "access token" in leaks(cloud.access_token(audience).reveal().encode())
    if done.recipe == "article":
        assert done.ran.of("login-done")[0]["account"] == CLIENT_ID
    else:
        assert len(done.ran.of("login-needed")) == 1, "with the planted code"


def test_no_file_of_the_wizard_holds_a_secret(done: Journey) -> None:
    found = list(files(done.home))
    assert {"journal.jsonl", "recipe.yaml"} <= {path.name for path in found}
    for path in found:
        content = path.read_bytes()
        assert leaks(content) == set(), path
        assert not SEALED.search(content), path


def test_no_file_of_the_sandbox_holds_a_secret_in_clear(done: Journey) -> None:
    """Its state, the tracking server's data base and artifacts, the logs of its processes."""
    found = list(files(done.capture.parent / "cloud"))
    assert {"state.json", "mlflow.db", "server.log", "MLmodel"} <= {path.name for path in found}
    for path in found:
        assert leaks(path.read_bytes()) == set(), path


def test_what_was_lent_to_cells_is_taken_back(done: Journey) -> None:
    held = json.dumps(done.sandbox.state["databricks"])
    assert '"scopes"' in held
    assert [purpose for purpose in PURPOSES if purpose in held] == []


def test_the_record_of_all_exchanges_holds_no_secret(done: Journey) -> None:
    content = done.capture.read_bytes()
    assert b"/oauth2/v2.0/token" in content and b"listKeys" in content
    assert b"/secrets/put" in content
    assert leaks(content) == set() and not SEALED.search(content)


def test_what_was_printed_holds_no_secret(done: Journey) -> None:
    """Not even a device code: nobody has to enter it where the sandbox approves it itself."""
    assert leaks(done.ran.out.encode()) == leaks(done.ran.err.encode()) == set()
    if done.recipe != "article":
        assert done.ran.err.count(f"Sandbox: signed in as {PERSON}") == 1


def test_no_process_was_given_a_secret_as_an_argument(done: Journey) -> None:
    seen = "\n".join(done.arguments.seen)
    # The other recipes are replayed in a process that is forked, with the arguments of the tests.
    command = ("amlwizard replay",) if done.recipe == "quickstart" else ()
    for part in (*command, "ml.mlflow_app", "sandbox.databricks.node", "sandbox.ml.scorer"):
        assert part in seen.replace("-m ", ""), part
    assert leaks(seen.encode()) == set()


@pytest.mark.journey
@pytest.mark.xdist_group("journey")
def test_later_replays_and_plans_hold_none_either(
    quickstart: Journey, second: tuple[Ran, list[str]], rerun: Ran
) -> None:
    plan = quickstart.command("plan", "--json")
    for ran in (second[0], rerun, plan):
        assert leaks(ran.out.encode()) == set()
        assert leaks(ran.err.encode()) == set()


# -- what others say


def test_a_secret_shows_nothing_of_itself() -> None:
    secret = Secret("abcdefgh12345678")
    assert {str(secret), repr(secret), f"{secret}", f"{[secret]}"} == {"***", "[***]"}


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefgh12345678",
        "https://x/y?sig=abcdefgh12345678&sv=1",
        "AccountName=a;AccountKey=abcdefgh12345678==",
        "token eyJhbGciOiJub25lIn0.eyJhdWQiOiJhcm0ifQ.c2lnbmF0dXJl was refused",
        "the key scoring-key-of-mine is not valid",
        "the token opaque-token-of-mine has expired",
    ],
)
def test_what_the_cloud_says_is_shown_without_secrets(text: str) -> None:
    Secret("scoring-key-of-mine")
    remember("opaque-token-of-mine")
    shown = hide(text)
    assert "***" in shown
    for hidden in ("abcdefgh12345678", "eyJ", "of-mine"):
        assert hidden not in shown
