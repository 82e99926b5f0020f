"""Plain values of a recipe mean what YAML 1.2 and JSON say, not what YAML 1.1 made of them; what is no
YAML is refused in words that the catalogues have."""

from __future__ import annotations

from typing import Any

import pytest
from support import document

from amlwizard.recipe import parse
from amlwizard.recipe.yaml_problems import PROBLEMS

SAID: dict[str, Any] = {
    "3:30": "3:30", "190:20:30": "190:20:30", "1_000": "1_000", "2026-01-01": "2026-01-01",
    "yes": "yes", "no": "no", "on": "on", "off": "off", "y": "y", "Yes": "Yes",
    "010": 10, "0o10": 8, "0x10": 16, "0b11": "0b11", "1e3": 1000.0, "-7": -7, "+7": 7,
    "1.5": 1.5, ".5": 0.5, "true": True, "False": False, "null": None, "~": None, "": None,
    "1.2.3": "1.2.3", "<<": "<<", "=": "=",
}  # fmt: skip


@pytest.mark.parametrize("text", SAID)
def test_a_plain_value(text: str) -> None:
    reading = parse(f"version: 1\nnames:\n  prefix: {text}\n")
    found = document(reading.raw["names"])["prefix"]
    assert (type(found), found) == (type(SAID[text]), SAID[text])


def test_a_time_is_no_number_of_nodes() -> None:
    reading = parse("version: 1\nserving:\n  instances: 3:30\n")
    assert any("instances" in field for f in reading.findings for field in f.fields)


BROKEN = (
    "a: b: c", "a: [1", "a: {b", "a: \"x", 'a: "\\q"', 'a: "\\xzz"', "a: @b", "a: - b", "a: &\n", "a: b\n---\nc: d",
    "? a: b\n- c", "a: 'x\n--- y'", "a: ? b", "a: !x!y z", "a: |x\n b", "{a: 1}}", "a: 'x'y", "a: &b%",
    "a: \"b\n\tc\nd: e\"\n- f",
)  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_yaml_is_said_in_known_words(text: str) -> None:
    (finding,) = parse(text).findings
    assert finding.what.removeprefix("Not valid YAML: ").removesuffix(".") in PROBLEMS
