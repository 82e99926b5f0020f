"""What tests share: sandboxes of their own, and the commands as a person runs them."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import Any

import httpx

from amlwizard.cli.targets import started
from amlwizard.cloud import Cloud, from_description
from amlwizard.recipe import Recipe, SignIn, read

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "recipes"


@dataclass
class Sandbox:
    """A running sandbox, and the strings that tests pull."""

    description: dict[str, Any]

    def control(self, what: str, body: Any = None, method: str = "POST") -> Any:
        answer = httpx.request(
            method,
            f"{self.description['control']}/{what}",
            json=body,
            headers={"Authorization": f"Bearer {self.description['control_token']}"},
            verify=ssl.create_default_context(cafile=self.description["ca"]),
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()

    def fault(self, match: str, **what: Any) -> None:
        self.control("faults", {"match": match, **what})

    def unknown(self) -> list[Any]:
        return list(self.control("requests", method="GET")["unknown"])

    @property
    def file(self) -> Path:
        return Path(self.description["description"])

    @property
    def environment(self) -> dict[str, str]:
        return {"AMLWIZARD_SANDBOX": str(self.file)}

    def cloud(self) -> Cloud:
        """Signed in."""
        cloud = Cloud(from_description(self.file))
        cloud.sign_in(SignIn(), lambda *_: None, Flag())
        return cloud


@contextmanager
def running(*options: str) -> Iterator[Sandbox]:
    with started(options, None) as description:
        yield Sandbox(description)


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def final(self, step: str) -> dict[str, Any]:
        """The final word on a step."""
        found = [e for e in self.events if e["kind"] == "step-finished" and e["step"] == step]
        assert len(found) == 1, found
        return found[0]


def amlwizard(*arguments: str, cwd: Path | None = None, **environment: str) -> Ran:
    """Run the command as a person would."""
    done = subprocess.run(
        [sys.executable, "-m", "amlwizard", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        env={**os.environ, **environment},
        timeout=280,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def recipe_of(name: str, **changes: str) -> Recipe:
    """A shipped recipe with changes: ``names__prefix="x"``."""
    reading = read(RECIPES / f"{name}.yaml", {k.replace("__", "."): v for k, v in changes.items()})
    assert reading.recipe, reading.findings
    return reading.recipe
