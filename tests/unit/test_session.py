"""What threads that need tokens wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, Thread
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import PATIENCE, Asked

from amlwizard.cloud import azure_public
from amlwizard.cloud.auth_records import AuthRecords
from amlwizard.cloud.import_lock import made_once
from amlwizard.cloud.interactive_user import InteractiveUser
from amlwizard.cloud.session import CloudSession


@dataclass
class Token:
    token: str
    expires_on: float


class Entra:
    """A credential that answers for one scope at once, and for the other when it is let."""

    def __init__(self) -> None:
        self.asked, self.answer = CancelEvent(), CancelEvent()
        self.count = 0

    def get_token(self, scope: str, **_: Any) -> Token:
        self.count += 1
        if scope == "slow":
            self.asked.set()
            assert self.answer.wait(PATIENCE)
        return Token(f"{scope}-{self.count}", time.time() + 3600)


@pytest.fixture
def entra(monkeypatch: pytest.MonkeyPatch) -> Entra:
    entra = Entra()
    monkeypatch.setattr("amlwizard.cloud.credentials.credential", lambda *_: entra)
    return entra


@pytest.fixture
def session(entra: Entra, tmp_path: Path) -> CloudSession:
    person = InteractiveUser(Asked(), CancelEvent())
    return CloudSession(
        azure_public(tmp_path), "environment", "organizations", person, AuthRecords(None)
    )


def within_patience(call: Callable[[], Any]) -> Any:
    """What `call` answers, in a thread of its own, so that a wait without end fails the test."""
    answers: list[Any] = []
    thread = Thread(target=lambda: answers.append(call()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert answers, "it waits"
    return answers[0]


def test_a_token_that_lasts_is_had_while_another_is_waited_for(
    entra: Entra, session: CloudSession
) -> None:
    kept = session.get_token("quick")
    waits = Thread(target=lambda: session.get_token("slow"), daemon=True)
    waits.start()
    assert entra.asked.wait(PATIENCE)
    assert within_patience(lambda: session.get_token("quick")) is kept
    entra.answer.set()
    waits.join(PATIENCE)


def test_threads_that_want_the_same_token_share_it(entra: Entra, session: CloudSession) -> None:
    tokens: list[Any] = []
    threads = [Thread(target=lambda: tokens.append(session.get_token("slow"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entra.asked.wait(PATIENCE)
    entra.answer.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(tokens) == 4 and entra.count == 1


def test_a_client_that_several_threads_want_is_made_once() -> None:
    made: list[object] = []
    meet = Barrier(4, timeout=PATIENCE)

    class Clients:
        @made_once
        def client(self) -> object:
            made.append(object())
            return made[-1]

    clients = Clients()
    seen: list[object] = []

    def look() -> None:
        meet.wait()
        seen.append(clients.client)

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(made) == 1 and seen == made * 4
