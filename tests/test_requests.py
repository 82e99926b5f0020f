"""Scoring requests before they are sent: JSON, and shape against the model's columns."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amlwizard.rules import requests

COLUMNS = {"age": "double", "sex": "double", "bmi": "double"}
ROW = [0.1, 2, -3]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"input_data": [[1, 2,]]}', "Line 1, column 23"),
        ('{\n  "input_data": [[1 2]]}', "Line 2, column 21"),
        ("", "Line 1, column 1"),
        ('{"input_data": [[NaN]]}', "NaN is no JSON number"),
        ("[1]", "is an object"),
        ("[" * 100_000, "Not JSON"),
    ],
)
def test_broken_json_is_said_with_its_place(text, where) -> None:
    request, problem = requests.parsed(text)
    assert request is None and problem and where in problem.what and problem.fix


@pytest.mark.parametrize(
    "request_",
    [
        {"input_data": [ROW, ROW]},
        {"data": [ROW]},
        {"input_data": {"columns": ["bmi", "age", "sex"], "index": [0], "data": [ROW]}},
    ],
)
def test_what_the_model_takes_passes(request_) -> None:
    assert requests.problems(request_, COLUMNS) == []


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        ({}, "neither input_data nor data"),
        ({"rows": [ROW]}, "neither input_data nor data"),
        ({"input_data": []}, "no rows"),
        ({"input_data": "x"}, "no rows"),
        ({"input_data": [{"age": 1}]}, "no rows"),
        ({"input_data": [ROW, ROW[:2]]}, "Row 2 has 2 values; the model takes 3."),
        ({"input_data": [[1, "x", 2]]}, 'Row 1, sex: "x" is not a number.'),
        ({"input_data": [[1, None, 2]]}, "Row 1, sex: null is not a number."),
        ({"input_data": [[1, True, 2]]}, "Row 1, sex: true is not a number."),
        ({"input_data": {"data": [ROW]}}, "no columns or no data"),
        ({"input_data": {"columns": ["age"], "data": [ROW]}}, "not those of the model: age"),
    ],
)
def test_what_it_does_not_take_is_said(request_, what) -> None:
    found = requests.problems(request_, COLUMNS)
    assert any(what in problem.what for problem in found)
    assert all(problem.fix for problem in found)


def test_many_wrong_rows_are_not_all_named() -> None:
    assert len(requests.problems({"input_data": [[1]] * 1000}, COLUMNS)) == requests.MOST


def test_a_request_from_the_signature_is_one_that_passes() -> None:
    assert requests.problems(requests.built(COLUMNS), COLUMNS) == []
    kept = requests.built(COLUMNS, [ROW, [1]])
    assert kept["input_data"] == {"columns": [*COLUMNS], "index": [0], "data": [ROW]}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), values, max_size=4))
def test_the_text_of_a_request_is_its_json(request_) -> None:
    text = requests.text_of(request_)
    assert json.loads(text) == request_
    assert requests.parsed(text) == (request_, None)


@given(values, st.sampled_from([{}, COLUMNS]))
def test_nothing_raises(given_, columns) -> None:
    requests.problems({"input_data": given_}, columns)
    requests.problems({"input_data": {"columns": given_, "data": given_}}, columns)
