"""What tests share: running sandboxes, and running commands as a user does."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event as CancelEvent
from typing import IO, Any, TypeVar

import httpx

from amlwizard.app.targets import started
from amlwizard.cloud import Cloud, from_description
from amlwizard.recipe import Recipe, SignIn, read
from support import forking
from support.forking import Forked

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "recipes"
PATIENCE = 900.0
"""Seconds after which a wait is abandoned, so that a hang is found. Not a performance limit: it is
far beyond what the slowest machine takes, and pytest's own `timeout` is far beyond it."""
EARLY = ("PYTHON", "LC_", "LANG")
Json = dict[str, Any]
T = TypeVar("T")
Start = Callable[
    [Sequence[str], "int | IO[Any]", IO[Any], Path, Mapping[str, str]],
    "Forked | subprocess.Popen[str]",
]


def existing(value: T | None) -> T:
    """The value, which exists; AssertionError if it is None."""
    assert value is not None
    return value


def document(value: object) -> Json:
    """The value, which is a JSON object; AssertionError if it is something else."""
    assert isinstance(value, dict)
    return value


@dataclass
class Sandbox:
    """A running sandbox, and its controls for tests."""

    description: Json

    def control(self, what: str, body: Any = None, method: str = "POST") -> Any:
        """The answer of the control API at `what`; httpx.HTTPStatusError for an error."""
        answer = self._controls.request(method, what, json=body)
        answer.raise_for_status()
        return answer.json()

    @cached_property
    def _controls(self) -> httpx.Client:
        """Its connections are dropped before the sandbox closes them, which waits for five seconds."""
        return httpx.Client(
            base_url=self.description["control"],
            headers={"Authorization": f"Bearer {self.description['control_token']}"},
            verify=ssl.create_default_context(cafile=self.description["ca"]),
            limits=httpx.Limits(keepalive_expiry=2),
            trust_env=False,
            timeout=PATIENCE,
        )

    def close(self) -> None:
        self._controls.close()

    def fault(self, match: str, **what: Any) -> None:
        """Break the answers to requests that match ``METHOD path`` until `clear`."""
        self.control("faults", {"match": match, **what})

    def clear(self) -> None:
        self.control("faults", method="DELETE")

    def gate(self, match: str) -> None:
        """Requests that match ``METHOD path`` are not answered until `clear`."""
        self.fault(match, mode="hang")

    def hold(self, namespace: str) -> None:
        """Operations of a resource provider do not end until `clear`."""
        match = rf"GET .*/providers/{namespace}/locations/.*/operationStatuses/.*"
        self.fault(match, edit={"status": "InProgress"})

    @property
    def calls(self) -> list[str]:
        """Every request so far, as ``METHOD path``."""
        return list(self.control("requests", method="GET")["calls"])

    def received(self, match: str) -> int:
        """How many requests so far match ``METHOD path``."""
        return sum(re.fullmatch(match, call) is not None for call in self.calls)

    def await_more(self, match: str, before: int) -> None:
        """Wait until more than `before` requests match ``METHOD path``."""
        while self.received(match) <= before:
            CancelEvent().wait(0.1)

    @property
    def unknown(self) -> list[Json]:
        """Recent requests that the sandbox does not support, and its crashes."""
        return list(self.control("requests", method="GET")["unknown"])

    @property
    def state(self) -> Json:
        return dict(self.control("state", method="GET"))

    def change(self, **state: Any) -> None:
        """Merge changes into the state: ``limits={"cores": 4}``."""
        self.control("state", state)

    @property
    def file(self) -> Path:
        return Path(self.description["description"])

    @property
    def environment(self) -> dict[str, str]:
        return {"AMLWIZARD_SANDBOX": str(self.file)}

    def cloud(self) -> Cloud:
        """A client of the sandbox's cloud that is signed in."""
        cloud = Cloud(from_description(self.file), attended=True)
        cloud.sign_in(SignIn(), Asked(), CancelEvent())
        return cloud


@dataclass
class Asked:
    """A DeviceCodePrompt that records the codes that were issued, and the accounts that signed in."""

    codes: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)

    def __call__(self, url: str, user_code: str, expires_at: float) -> None:
        self.codes.append(user_code)

    def done(self, account: str) -> None:
        self.accounts.append(account)


@contextmanager
def running(*options: str) -> Iterator[Sandbox]:
    with ExitStack() as stack:
        with forking.stood_in_for():
            description = stack.enter_context(started(options, None))
        yield stack.enter_context(closing(Sandbox(description)))


@dataclass
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[Json]:
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str, step: str | None = None) -> list[Json]:
        """The events of a kind, of one step or of all."""
        return [e for e in self.events if e["kind"] == kind and step in (None, e.get("step"))]

    def final(self, step: str) -> Json:
        """The one ``step-finished`` event of a step."""
        found = self.of("step-finished", step)
        assert len(found) == 1, found
        return found[0]

    @property
    def outcomes(self) -> dict[str, str]:
        return {e["step"]: e["outcome"] for e in self.of("step-finished")}

    def that_are(self, outcome: str) -> set[str]:
        """The ids of the steps with that outcome."""
        return {step for step, came in self.outcomes.items() if came == outcome}


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Our environment in English, without variables that would point a command at another cloud, and
    `more`."""
    drop = ("AMLWIZARD_", "AZURE", "DATABRICKS_", "MLFLOW_", "REQUESTS_CA_BUNDLE", "ACTIONS_ID_")
    ours = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    return {**ours, "AMLWIZARD_LANG": "en", **more}


def process(
    arguments: Sequence[str],
    stdout: int | IO[Any],
    stderr: IO[Any],
    cwd: Path,
    env: Mapping[str, str],
) -> subprocess.Popen[str]:
    """The command as a new Python process, with nothing imported yet."""
    return subprocess.Popen(
        [sys.executable, "-m", "amlwizard", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        cwd=cwd,
        env=dict(env),
    )


def amlwizard(*arguments: str, **more: str) -> Ran:
    """Run the command as a user would; `more` are variables of its environment."""
    return amlwizard_in(ROOT, *arguments, **more)


def amlwizard_in(folder: Path, *arguments: str, **more: str) -> Ran:
    """The same in another working directory. Everything is imported already (see `forking`), unless
    `more` has variables that Python reads when it starts."""
    start: Start = process if any(name.startswith(EARLY) for name in more) else Forked
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        running = start(arguments, out, errors, folder, environment(more))
        try:
            code = running.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        out.seek(0)
        errors.seek(0)
        return Ran(code, out.read(), errors.read())


@dataclass
class Replay:
    """A replay that runs in parallel with the test, which reads its events and acts on them."""

    process: Forked | subprocess.Popen[str]
    errors: Any
    lines: list[str] = field(default_factory=list)

    def until(self, kind: str, step: str = "", **like: Any) -> Json:
        """Read up to an event of that kind with the values of `like`, else AssertionError."""
        wanted = {"kind": kind, **({"step": step} if step else {}), **like}
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line)
            event: Json = json.loads(line)
            if wanted.items() <= event.items():
                return event
        raise AssertionError(f"no {wanted}: {''.join(self.lines[-5:])}{self._said()}")

    def end(self) -> Ran:
        """Read all remaining events, and wait for the end of the command."""
        assert self.process.stdout
        self.lines += self.process.stdout
        return Ran(self.process.wait(PATIENCE), "".join(self.lines), self._said())

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def _said(self) -> str:
        self.errors.seek(0)
        return str(self.errors.read())


def replaying(*arguments: str, **more: str) -> AbstractContextManager[Replay]:
    """``amlwizard replay ... --json`` in a separate process, killed at the end of the block."""
    return _commanding(Forked, ("replay", *arguments, "--json"), more)


def replaying_afresh(*arguments: str, **more: str) -> AbstractContextManager[Replay]:
    """The same as a new Python process, with nothing imported yet."""
    return _commanding(process, ("replay", *arguments, "--json"), more)


def commanding(*arguments: str, **more: str) -> AbstractContextManager[Replay]:
    """A command in a separate process, killed at the end of the block."""
    return _commanding(Forked, arguments, more)


@contextmanager
def _commanding(
    start: Start, arguments: Sequence[str], more: Mapping[str, str]
) -> Iterator[Replay]:
    with tempfile.TemporaryFile("w+") as errors:
        running = start(arguments, subprocess.PIPE, errors, ROOT, environment(more))
        try:
            yield Replay(running, errors)
        finally:
            running.kill()
            running.wait()
            assert running.stdout
            running.stdout.close()


def recipe_of(name: str, **changes: str) -> Recipe:
    """A shipped recipe with changes: ``names__prefix="x"``."""
    reading = read(RECIPES / f"{name}.yaml", {k.replace("__", "."): v for k, v in changes.items()})
    assert reading.recipe, reading.findings
    return reading.recipe


Command = Callable[..., Ran]
Sandboxes = Callable[..., Sandbox]


def logged(columns: Mapping[str, str]) -> dict[str, Any]:
    """The model of a training, with a signature of these columns."""
    inputs = [{"name": name, "type": kind, "required": True} for name, kind in columns.items()]
    signature = {"inputs": inputs} if inputs else None
    return {"path": "model", "flavors": ["sklearn"], "signature": signature, "example": None}
