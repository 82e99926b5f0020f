"""The language of a process, and the catalogues of its texts."""

from __future__ import annotations

import argparse
import inspect

import pytest

from amlwizard import language
from amlwizard.cli.parser_messages import MESSAGES


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja"}, "ja"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ja_JP.eucJP"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "AMLWIZARD_LANG": "en"}, "en"),
        ({"LANG": "C", "AMLWIZARD_LANG": "ja"}, "ja"),
        ({"AMLWIZARD_LANG": "JA-jp"}, "ja"),
        ({"AMLWIZARD_LANG": "klingon"}, "en"),
    ],
)
def test_the_environment_chooses_the_language(
    variables: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (language.VARIABLE, *language.OF_A_LOCALE):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language.chosen() == chosen


def test_a_text_takes_values_and_numbers() -> None:
    assert language._("{a} of {b}", a=1, b="x{y}") == "1 of x{y}"
    assert language._("a brace { alone") == "a brace { alone"
    counted = [
        language._n("{n} subnet of {vnet}", "{n} subnets of {vnet}", n, vnet="v") for n in (1, 2)
    ]
    assert counted == ["1 subnet of v", "2 subnets of v"]


def test_argparse_asks_for_the_messages_that_the_catalogue_has_for_it() -> None:
    source = inspect.getsource(argparse).encode().decode("unicode_escape")
    assert [message for message in MESSAGES if message not in source] == []
