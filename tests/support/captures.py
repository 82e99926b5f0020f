"""A recorded run in which every name and secret is a canary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import RECIPES, Ran, Sandbox, amlwizard, running

PREFIX, PERSON, DOMAIN = "kanaria7q", "ada.lovelace", "kanariaworks"
SUBNETS = [
    text
    for n, name in enumerate(("workspace", "compute", "scoring", "databricks_public", "databricks_private"))
    for text in ("--set", f"addresses.{name}=10.177.{100 + n}.0/24")
]  # fmt: skip
KEY, TOKEN, USER_CODE = "canaryScoringKey5Q8w", "canaryAccessToken2Z7x", "KANARYXYZ"


@dataclass
class Captured:
    path: Path
    ran: Ran
    sandbox: Sandbox

    @property
    def text(self) -> str:
        return self.path.read_text()


@pytest.fixture(scope="session")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Captured]:
    """A complete run, recorded, on a sandbox whose every name and secret is a canary."""
    folder = tmp_path_factory.mktemp("captured")
    with running("--approve", "--clock", "instant") as one:
        one.control("plant", {"scoring_key": KEY, "access_token": TOKEN, "user_code": USER_CODE})
        person = {**one.state["person"], "name": f"{PERSON}@{DOMAIN}.example"}
        one.change(person=person)
        path = folder / "capture.jsonl"
        ran = amlwizard(
            "replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--json",
            "--capture", str(path), "--set", f"names.prefix={PREFIX}", "--set",
            "addresses.vnet=10.177.0.0/16", *SUBNETS,
            AMLWIZARD_HOME=str(folder / "home"), **one.environment,
        )  # fmt: skip
        yield Captured(path, ran, one)
