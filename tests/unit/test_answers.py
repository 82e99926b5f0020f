"""What a model answers, as people see it, and where it differs from what was expected."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Json

from amlwizard.answers import LONGEST, difference, in_lines, on_a_line

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ([235.1139, 246.8008], "235.114, 246.801"),
        ([1, 0], "1, 0"),
        ([0.00001234], "1.234e-05"),
        (["no", "yes", None, True], "no, yes, null, true"),
        ([0.5] * 1000, "0.500, " * 10 + "… (1000 in all)"),
        ("hello", "hello"),
        ({"score": [0.5], "n": 2}, '{"score": [0.5], "n": 2}'),
        ([{"score": 0.5, "label": "a"}], '[{"score": 0.5, "label": "a"}]'),
        (["a\nb"], '"a\\nb"'),
        ([], ""),
        (None, "null"),
    ],
)
def test_an_answer_is_a_line(answer: Any, shown: str) -> None:
    assert on_a_line(answer) == shown


def test_records_are_a_table() -> None:
    shown = [*in_lines([{"score": 0.5, "label": "a"}, {"score": 12.25, "why": {"b": 1}}])]
    assert shown == [
        "     score   label  why",
        "  1  0.500   a",
        '  2  12.250         {"b": 1}',
    ]


def test_rows_are_a_table_and_numbers_are_numbered() -> None:
    assert [*in_lines([[0.57, 0.43], [1.0, 0.0]])] == ["  1  0.570  0.430", "  2  1.000  0.000"]
    assert [*in_lines([235.1139, 1])] == ["  1  235.114", "  2  1"]
    assert [*in_lines({"n": 2})] == ["{", '  "n": 2', "}"]
    assert [*in_lines([1] * 1000)][-1] == "… 1000 in all"


@pytest.mark.parametrize(
    ("wanted", "got", "said"),
    [
        ([1.0, 2.0], [1.0, 2.5], "at $[1] 2.0 within 0.001 is expected, and 2.5 came"),
        ([1.0], [1.0, 2.0], "at $ 1 values are expected, and 2 came"),
        ([{"a": "x"}], [{"a": "y"}], 'at $[0].a "x" is expected, and "y" came'),
        ({"a": 1}, {}, 'at $ "a" is missing'),
        ({}, {"a": 1}, 'at $ "a" is not expected'),
        ([1], [True], "at $[0] 1 is expected, and true came"),
        ("a", ["a"], 'at $ "a" is expected, and ["a"] came'),
    ],
)
def test_the_first_difference_is_told_with_its_place(wanted: Any, got: Any, said: str) -> None:
    assert difference(wanted, got, 0.001) == said


def test_numbers_may_differ_by_the_tolerance_wherever_they_are() -> None:
    wanted: Json = {"rows": [{"score": 0.5, "label": "a"}, 3]}
    assert difference(wanted, {"rows": [{"score": 0.5009, "label": "a"}, 3.0]}, 0.001) == ""


@given(values)
def test_nothing_differs_from_itself(answer: Any) -> None:
    assert difference(answer, answer, 0.001) == ""


@given(values, values)
def test_any_answer_is_shown_on_lines(answer: Any, other: Any) -> None:
    assert "\n" not in on_a_line(answer)
    assert all(isinstance(line, str) for line in in_lines(answer))
    assert len(on_a_line({"key": answer})) <= LONGEST + 1
    difference(answer, other, 0.001)
