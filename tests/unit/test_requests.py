"""Scoring requests before they are sent: JSON, and shape against the model's columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Json, document

from amlwizard.errors import StepError
from amlwizard.rules import request_problems, scoring_request
from amlwizard.rules.model_input import ModelInput, of_columns
from amlwizard.rules.request_problems import problems
from amlwizard.rules.scoring_request import UNKNOWN, as_sent
from amlwizard.steps.judging import judge

COLUMNS = of_columns({"age": "double", "sex": "double", "bmi": "double"})
NAMES = ["age", "sex", "bmi"]
ROW = [0.1, 2, -3]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"input_data": [[1, 2,]]}', "Line 1, column 2"),  # 23, from Python 3.13 on 22
        ('{\n  "input_data": [[1 2]]}', "Line 2, column 21"),
        ("", "Line 1, column 1"),
        ('{"input_data": [[NaN]]}', "NaN is not a JSON number"),
        ("true", "is an object"),
        ("[" * 100_000, "Not JSON"),
    ],
)
def test_broken_json_is_said_with_its_place(text: str, where: str) -> None:
    request, problem = scoring_request.parsed(text)
    assert request is None and problem and where in problem.what and problem.fix


@pytest.mark.parametrize(
    "request_",
    [
        {"input_data": [ROW, ROW]},
        {"data": [ROW]},
        {"input_data": {"columns": ["bmi", "age", "sex"], "index": [0], "data": [ROW]}},
        {"input_data": {"columns": ["bmi", "age", "sex"], "data": [ROW]}},
        {"input_data": [{"bmi": 1, "sex": 2, "age": 3}, {"sex": 2, "age": 3, "bmi": 1}]},
        {"input_data": {"age": [1, 2], "sex": [1, 2], "bmi": [1, 2]}},
        {"input_data": {"age": 1, "sex": 2, "bmi": 3}},
        {"input_data": ROW},
        {"input_data": [["1", "2.5", "-3"]]},
    ],
)
def test_what_the_model_takes_passes(request_: Json) -> None:
    assert problems(request_, COLUMNS) == []
    sent = document(as_sent(request_, COLUMNS)["input_data"])
    assert sent.keys() == {"columns", "index", "data"}
    assert sorted(sent["columns"]) == sorted(NAMES)
    assert len(sent["index"]) == len(sent["data"])
    assert all(len(row) == len(NAMES) for row in sent["data"])


@pytest.mark.parametrize(
    ("given_", "data"),
    [
        ([ROW], [ROW]),
        ([{"bmi": 3, "age": 1, "sex": 2}], [[1, 2, 3]]),
        ({"columns": ["bmi", "age", "sex"], "data": [[3, 1, 2]]}, [[3, 1, 2]]),
    ],
)
def test_rows_and_records_get_the_names_of_the_columns(given_: Any, data: Any) -> None:
    sent = as_sent({"input_data": given_, "params": {"k": 1}}, COLUMNS)
    assert document(sent["input_data"])["data"] == data and sent["params"] == {"k": 1}


def test_an_array_stays_one_where_no_columns_are_known() -> None:
    assert as_sent({"data": [ROW]}, UNKNOWN) == {"input_data": [ROW]}


def test_one_column_more_is_a_warning() -> None:
    given_: Json = {"columns": [*NAMES, "odd"], "index": [0], "data": [[*ROW, 1]]}
    (found,) = problems({"input_data": given_}, COLUMNS)
    assert found.severity == "warning" and "odd" in found.what


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("integer", 3_000_000_000, "too large"),
        ("integer", 1.9, "cut to 1"),
        ("long", None, "null is not a number"),
        ("boolean", 1, "not true or false"),
        ("datetime", "2024-01-02T03:04:05Z", "without a zone"),
        ("datetime", "02/01/2024", "without a zone"),
        ("datetime", 1_700_000_000_000, "nanoseconds since 1970"),
        ("string", ["a"], "not text"),
    ],
)
def test_what_would_be_refused_or_falsified_is_said(kind: str, value: Any, said: str) -> None:
    (found,) = problems({"input_data": [[value]]}, of_columns({"x": kind}))
    assert found.severity == "error" and said in found.what


@pytest.mark.parametrize(
    ("kind", "value"),
    [("integer", 3), ("long", 4.0), ("boolean", True), ("datetime", "2024-01-02T03:04:05"),
     ("datetime", "2024-01-02"), ("string", "x"), ("object", {"a": 1})],
)  # fmt: skip
def test_what_is_taken_as_it_is_passes(kind: str, value: Any) -> None:
    assert problems({"input_data": [[value]]}, of_columns({"x": kind})) == []


@pytest.mark.parametrize("kind", ["string", "double", "float"])
def test_a_missing_value_is_a_warning_where_it_becomes_nan(kind: str) -> None:
    (found,) = problems({"input_data": [[None]]}, of_columns({"x": kind}))
    assert found.severity == "warning" and "NaN" in found.what


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        ({}, "neither input_data nor data"),
        ({"rows": [ROW]}, "neither input_data nor data"),
        ({"input_data": []}, "no rows"),
        ({"input_data": "x"}, "no rows"),
        ({"input_data": [{"age": 1}]}, "has no sex, bmi"),
        (
            {"input_data": {"columns": [*NAMES], "index": [0, 1], "data": [ROW]}},
            "2 entries for 1",
        ),
        ({"dataframe_split": {"columns": [*NAMES], "data": [ROW]}}, "neither input_data nor"),
        ({"input_data": [ROW, ROW[:2]]}, "Row 2 has 2 values; the model takes 3."),
        ({"input_data": [[1, "x", 2]]}, 'Row 1, sex: "x" is not a number.'),
        ({"input_data": [[1, None, 2]]}, "Row 1, sex: null becomes NaN"),
        ({"input_data": [[1, True, 2]]}, "Row 1, sex: true is not a number."),
        ({"input_data": {"more": [ROW]}}, "no rows"),
        ({"input_data": {"columns": ["age"], "data": [[1]]}}, "has no sex, bmi"),
    ],
)
def test_what_it_does_not_take_is_said(request_: Json, what: str) -> None:
    found = problems(request_, COLUMNS)
    assert any(what in problem.what for problem in found)
    assert all(problem.fix for problem in found)


def test_many_wrong_rows_are_not_all_named() -> None:
    assert len(problems({"input_data": [[1]] * 1000}, COLUMNS)) == request_problems.MOST


def test_a_request_from_the_signature_is_one_that_passes() -> None:
    assert problems(scoring_request.built(COLUMNS), COLUMNS) == []


def test_a_request_that_does_not_fit_the_trained_model_ends_the_step_with_all_that_is_wrong() -> (
    None
):
    told: list[Any] = []
    model = of_columns({"x": "double", "n": "long"})
    judge(as_sent({"input_data": [[None, 1]]}, model), model, lambda *said: told.append(said))
    ((message, finding),) = told
    assert "NaN" in message and finding.finding["fields"] == ["scoring.request"]
    with pytest.raises(StepError) as error:
        judge(as_sent({"input_data": [[1.5, 1.5], ["y", 1]]}, model), model, lambda *said: None)
    assert (
        "Row 1, n: 1.5 is not a whole number" in error.value.why and "Row 2, x" in error.value.why
    )
    assert "scoring.request" in error.value.fix


def test_there_is_nothing_to_build_a_request_from() -> None:
    with pytest.raises(StepError) as error:
        as_sent(None, UNKNOWN)
    assert "signature" in error.value.why and "scoring.request" in error.value.fix


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(), values, max_size=4))
def test_the_text_of_a_request_is_its_json(request_: Json) -> None:
    text = scoring_request.text_of(request_)
    assert json.loads(text) == request_
    assert scoring_request.parsed(text) == (request_, None)


@given(values, st.sampled_from([UNKNOWN, COLUMNS]))
def test_nothing_raises(given_: Any, model: ModelInput) -> None:
    problems({"input_data": given_}, model)
    problems({"input_data": {"columns": given_, "data": given_}}, model)
    as_sent({"input_data": given_}, model)
    scoring_request.rows_of({"input_data": given_}, model)


@given(
    st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=1),
    st.permutations(NAMES),
)
def test_every_form_of_the_same_rows_is_sent_as_the_same_table(
    rows: list[list[float]], order: list[str]
) -> None:
    records = [dict(zip(NAMES, row, strict=True)) for row in rows]
    forms: list[Any] = [
        rows,
        records,
        [{name: record[name] for name in order} for record in records],
        {name: [record[name] for record in records] for name in order},
        {"columns": order, "data": [[record[name] for name in order] for record in records]},
    ]
    for form in forms:
        sent = document(as_sent({"input_data": form}, COLUMNS)["input_data"])
        table = [dict(zip(sent["columns"], row, strict=True)) for row in sent["data"]]
        assert table == records and sent["index"] == [*range(len(rows))]
