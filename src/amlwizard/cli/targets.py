"""Which cloud a command works on: Azure, a sandbox that is running, or one of its own."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amlwizard.cloud import Cloud, azure_public, from_description
from amlwizard.errors import AmlwizardError
from amlwizard.events import Emit, Event, LoginNeeded

VARIABLE = "AMLWIZARD_SANDBOX"
STATE = "sandbox.json"


def home() -> Path:
    """Where journals and the embedded sandbox's state are kept."""
    given = os.environ.get("AMLWIZARD_HOME")
    if given:
        return Path(given).absolute()
    from platformdirs import user_state_path

    return user_state_path("amlwizard")


@dataclass(frozen=True)
class Target:
    """A cloud to work on. `person` is the sandbox whose sign-in page is answered for the person."""

    cloud: Cloud
    person: dict[str, Any] | None = None

    def listening(self, emit: Emit) -> Emit:
        """`emit`, with every sign-in agreed to where this target plays the person."""
        if self.person is None:
            return emit
        person = self.person

        def both(event: Event) -> None:
            emit(event)
            if isinstance(event, LoginNeeded):
                approve(person, event.user_code)

        return both


@contextmanager
def opened(given: argparse.Namespace) -> Iterator[Target]:
    """The target that the command line names; an embedded sandbox ends with the block."""
    if given.target == "azure":
        yield Target(Cloud(azure_public()))
        return
    named = os.environ.get(VARIABLE)
    if named:
        description = Path(named)
        cloud = Cloud(from_description(description))
        yield Target(cloud, json.loads(description.read_text()) if given.approve else None)
        return
    options = ["--clock", given.clock, "--speed", str(given.speed)]
    if given.capture:
        options += ["--capture", given.capture]
    with embedded(options) as description_file:
        person = json.loads(description_file.read_text())
        cloud = Cloud(from_description(description_file))
        yield Target(cloud, None if given.approve is False else person)


@contextmanager
def embedded(options: Sequence[str]) -> Iterator[Path]:
    """A sandbox of our own, with its state in the user's folder; yields its description's path."""
    state = home() / "sandbox" / STATE
    state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with started([*options, "--state", str(state)], state.parent / "sandbox.log") as description:
        yield Path(description["description"])


@contextmanager
def started(options: Sequence[str], log: Path | None) -> Iterator[dict[str, Any]]:
    """A sandbox process, which ends with the block and with us, however we end.

    Yields its description.
    """
    errors = log.open("w") if log else None
    process = subprocess.Popen(
        [sys.executable, "-m", "amlwizard.sandbox", "--until-eof", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors or sys.stderr,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise AmlwizardError(
                "The sandbox cloud did not start.",
                why=log.read_text().strip()[-500:] if log else "",
                fix="Another one may be using the same state: stop it, or try again.",
            )
        yield json.loads(line)
    finally:
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if errors:
            errors.close()


def approve(sandbox: dict[str, Any], user_code: str) -> None:
    """Agree to a sign-in on the sandbox's page, as the person would."""
    import ssl

    import httpx

    httpx.post(
        f"{sandbox['control']}/approve",
        json={"user_code": user_code},
        headers={"Authorization": f"Bearer {sandbox['control_token']}"},
        verify=ssl.create_default_context(cafile=sandbox["ca"]),
        trust_env=False,
    ).raise_for_status()
