"""The cloud that a command works on: Azure, a running sandbox, or an embedded one."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import IO

from amlwizard.app.extras import require_sandbox
from amlwizard.app.port import Places, ShellAccess, TargetName
from amlwizard.capture.recording import UNSEEN, Recorder
from amlwizard.cloud import DEVICE_CODE, Cloud, azure_public, from_description
from amlwizard.cloud.wire import client
from amlwizard.command_line import command_line
from amlwizard.errors import AmlwizardError, OperationCancelledError
from amlwizard.events import Emit, Event, LoginNeeded
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _, _n
from amlwizard.paths import private, private_folder, state_folder
from amlwizard.run_control import POLL_SECONDS, current_cancel
from amlwizard.secret import hide

VARIABLE = "AMLWIZARD_SANDBOX"
STATE = "sandbox.json"
CONTROL_SECONDS = 60


@dataclass(frozen=True)
class Choice:
    """How a target is opened. `approve` approves every sign-in automatically (None: only in the
    embedded sandbox). `attended`: a user is there to enter a device code. `clock` and `speed`
    apply to the embedded sandbox; `capture` is the file to record all HTTP exchanges in."""

    approve: bool | None = None
    attended: bool = False
    clock: str = "real"
    speed: float = 60.0
    capture: str | None = None


@dataclass(frozen=True)
class Target:
    """A cloud to work on. `sandbox` is its description if it is a sandbox, which can approve
    sign-ins for the user; `approve` says to do that automatically. `approved_by` names the target
    if no user is needed for a sign-in."""

    name: TargetName
    cloud: Cloud
    sandbox: Document | None = None
    approve: bool = False

    @property
    def approved_by(self) -> str:
        itself = self.sandbox is not None and self.sandbox.get("approves_sign_ins") is True
        return self.name if self.approve or itself else ""

    def approve_sign_in(self, login: str) -> None:
        """Approve a sign-in as the user would: by its code, or by the address that a browser
        opens."""
        self.tell("approve", {"url" if "//" in login else "user_code": login})

    def tell(self, what: str, body: Document) -> None:
        """Call this sandbox's control API."""
        sandbox = self.sandbox
        assert sandbox
        quietly = replace(self.cloud.profile, recorder=None)
        with client(quietly, CONTROL_SECONDS) as telling:
            telling.post(
                f"{sandbox['control']}/{what}",
                json=body,
                headers={"Authorization": f"Bearer {sandbox['control_token']}"},
            ).raise_for_status()

    def listening(self, emit: Emit) -> Emit:
        """`emit`, which also approves every sign-in if this target is to do so."""
        if not self.approve:
            return emit

        def both(event: Event) -> None:
            emit(event)
            if isinstance(event, LoginNeeded):
                self.approve_sign_in(event.user_code or event.url)

        return both


def places(choice: Choice) -> Places:
    """Where other processes find the runs and the targets of a process with this choice."""
    named, state = os.environ.get(VARIABLE), _state()
    described = named or str(state.with_name(f"{STATE}.d") / STATE)
    return Places(
        state_folder() / "runs",
        {
            "azure": ShellAccess(
                "azure", login=("--set", f"sign_in.login={DEVICE_CODE}") if choice.attended else ()
            ),
            "sandbox": ShellAccess(
                "sandbox",
                consent=("--approve",),
                variables={VARIABLE: described},
                revival="" if named else command_line("sandbox", "--state", state),
            ),
        },
    )


def _state() -> Path:
    """The state of the embedded sandbox, which describes itself in a folder beside it."""
    return state_folder() / "sandbox" / STATE


@contextmanager
def opened(name: TargetName, choice: Choice) -> Iterator[Target]:
    """Open the target of that name. An embedded sandbox stops when the block ends."""
    # amlwizard reports what the SDKs log; without a handler, Python would print it as well.
    logging.getLogger().addHandler(logging.NullHandler())
    named = os.environ.get(VARIABLE)
    with recorded(choice.capture) as recorder:
        yield from _opened(name, choice, named, recorder)


@contextmanager
def recorded(file: str | None) -> Iterator[Recorder | None]:
    """The recorder of a capture file, or None without a file."""
    if not file:
        yield None
        return
    recorder = Recorder(Path(file), hide)
    try:
        yield recorder
    finally:
        recorder.finish()
        print(
            _n(
                "{n} exchange is in {file}, without secrets. {unseen}",
                "{n} exchanges are in {file}, without secrets. {unseen}",
                recorder.count,
                file=file,
                unseen=UNSEEN,
            ),
            file=sys.stderr,
        )


def _opened(
    name: TargetName, choice: Choice, named: str | None, recorder: Recorder | None
) -> Iterator[Target]:
    if name == "azure":
        azure = replace(azure_public(state_folder() / "accounts"), recorder=recorder)
        yield Target(name, Cloud(azure, attended=choice.attended))
        return
    if named:
        yield _sandbox(Path(named), bool(choice.approve), choice, recorder)
        return
    options = ["--clock", choice.clock, "--speed", str(choice.speed)]
    with embedded(options) as description:
        yield _sandbox(description, choice.approve is not False, choice, recorder)


def _sandbox(description: Path, approve: bool, choice: Choice, recorder: Recorder | None) -> Target:
    profile = replace(from_description(description), recorder=recorder)
    cloud = Cloud(profile, attended=choice.attended or approve, played=approve)
    return Target("sandbox", cloud, json.loads(description.read_text()), approve)


@contextmanager
def embedded(options: Sequence[str]) -> Iterator[Path]:
    """Start an embedded sandbox, with its state in the user's folder. Yields the path of its
    description."""
    state = _state()
    private_folder(state.parent)
    with started([*options, "--state", str(state)], state.parent / "sandbox.log") as description:
        yield Path(description["description"])


@contextmanager
def started(options: Sequence[str], log: Path | None) -> Iterator[MutableDocument]:
    """Start a sandbox process that stops with the block, and with this process however it ends.

    Yields its description. Raises InvalidInputError if the sandbox is not installed,
    OperationCancelledError if the command is cancelled before it runs.
    """
    require_sandbox()
    errors = open(log, "w", opener=private) if log else None  # noqa: SIM115 - closed below
    process = subprocess.Popen(
        [sys.executable, "-m", "amlwizard.sandbox", "--until-eof", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors or sys.stderr,
        text=True,
        start_new_session=True,
        # Like a real cloud, it must not see the credentials of its users.
        env={k: v for k, v in os.environ.items() if not k.startswith("AZURE_")},
    )
    description: MutableDocument = {}
    assert process.stdin and process.stdout
    try:
        if not (line := _first_line(process.stdout)):
            raise AmlwizardError(
                _("The sandbox cloud did not start."),
                why=log.read_text(errors="replace").strip()[-500:] if log else "",
                fix=_(
                    "Another one may be using the same state or port: stop it, or name another. If "
                    "the embedded sandbox's state is damaged, `{reset}` deletes it.",
                    reset=command_line("sandbox", "--reset"),
                ),
            )
        description = json.loads(line)
        yield description
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        if not description:
            process.terminate()  # it may wait for its state, and does not look at its input yet
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        if errors:
            errors.close()
        if description and "--state" not in options:
            # The sandbox removes this folder itself, unless it was killed.
            shutil.rmtree(Path(description["description"]).parent, ignore_errors=True)


def _first_line(stream: IO[str]) -> str:
    """The first line of what a process writes, empty if it ends before. It may take a while: another
    sandbox may hold the state."""
    read: Future[str] = Future()
    Thread(target=lambda: read.set_result(stream.readline()), daemon=True).start()
    while not wait([read], POLL_SECONDS).done:
        if current_cancel().is_set():
            raise OperationCancelledError(_("cancelled while the sandbox was starting"))
    return read.result()
