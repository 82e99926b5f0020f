"""Requests for models with any signature and example pass the parser that the no-code script chooses,
MLflow's enforcement of the signature, and ours before: the same judge behind all of them.

`AMLWIZARD_SCORING_SCRIPT` names Microsoft's script: then it is the judge."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.scoring_scripts import echoing, script_of

from amlwizard.json_types import JsonObject
from amlwizard.rules.model_input import Parser, model_input
from amlwizard.rules.request_problems import problems
from amlwizard.rules.scoring_request import as_sent, built, parsed, rows_of

pytestmark = pytest.mark.xdist_group("containers")

FEW = settings(  # each saves a model
    max_examples=settings().max_examples // 3, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)  # fmt: skip
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "double": st.floats(-1e9, 1e9) | st.integers(-9, 9),
    "float": st.floats(-1e9, 1e9, width=32),
    "long": st.integers(-(2**53), 2**53),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "string": st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=5),
    "datetime": st.datetimes().filter(lambda d: 1678 < d.year < 2262).map(lambda d: d.isoformat()[:19]),
}  # fmt: skip
NAMES = st.text("abcxyz -/.é1", min_size=1, max_size=6)
DAYS = st.dates().map(lambda day: day.strftime("%m/%d/%Y")) | st.dates().map(str)
TIMES = DAYS | st.datetimes().map(str) | st.text("0123456789-/.: TQZ", min_size=1, max_size=10)
NUMBERS = st.integers().map(str) | st.floats().map(str)


def column(
    kind: str, name: str | int | None = None, required: bool = True, **more: Any
) -> JsonObject:
    named = {} if name is None else {"name": name}
    return {"type": kind, **named, "required": required, **more}


def tensor(dtype: str, shape: list[int], name: str | None = None) -> JsonObject:
    named = {} if name is None else {"name": name}
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}, **named}


def asked(signature: Any, example: Any, request: JsonObject) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return script_of(echoing(Path(folder) / "model", signature, example))(request)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[JsonObject], list[list[Any]]]:
    """Columns of a signature and rows that they take."""
    each = draw(st.sampled_from([NAMES, TIMES, NUMBERS]))
    names = draw(st.lists(each, min_size=1, max_size=4, unique=True))
    kinds = [draw(st.sampled_from([*VALUES])) for _ in names]
    rows = draw(st.lists(st.tuples(*(VALUES[kind] for kind in kinds)), min_size=1, max_size=3))
    return [column(*one) for one in zip(kinds, names, strict=True)], [[*row] for row in rows]


def forms(names: list[str], rows: list[list[Any]]) -> list[Any]:
    """The same rows as people write them."""
    records = [dict(zip(names, row, strict=True)) for row in rows]
    return [
        rows,
        records,
        {name: [record[name] for record in records] for name in names},
        {"columns": names[::-1], "data": [row[::-1] for row in rows]},
    ]


def named(*names: str) -> tuple[list[JsonObject], list[list[Any]]]:
    return [column("double", name) for name in names], [[1.0 for _ in names]]


@given(tables(), st.integers(0, 3))
@example(named("1/1/1"), 0)
@example(named("1/1/1", "a"), 0)
@example(named("31/12/2020", "2024Q1", "2020-01-01 10:00"), 1)
@example(named("2020", "today", "nan"), 2)
@example(named("may", "mon", "jan 5"), 3)
@example(named("1/1", "12:30"), 0)
@example(named("2020-01-01T00:00Z", "2020-01-01"), 0)
@example(named("2020-01-01T00:00Z", "2020-01-01T00:00+00:00"), 0)
@example(named("9999-01-01"), 0)
@example(named("nan", "inf"), 0)
@FEW
def test_rows_in_any_form_pass_where_columns_are_signed(
    table: tuple[list[JsonObject], list[list[Any]]], written: int
) -> None:
    """But where pandas makes something else of the columns' names: then the script fails, and we said so."""
    columns, rows = table
    signature = {"inputs": columns}
    model = model_input(signature)
    form = forms([str(one["name"]) for one in columns], rows)[written]
    found = problems({"input_data": form}, model)
    if any(each.severity == "error" for each in found):
        assert [each.fix for each in found] == ["Train the model on columns with other names."]
        with pytest.raises(Exception):  # noqa: B017 - MLflow's
            asked(signature, None, as_sent({"input_data": form}, model))
        return
    assert asked(signature, None, as_sent({"input_data": form}, model)) == [len(rows)]
    assert asked(signature, None, built(model)) == [1]


@given(
    st.sampled_from(["float32", "float64", "int32", "int64", "uint8", "bool"]),
    st.lists(st.integers(1, 3), max_size=3),
    st.sampled_from([None, "x"]),
)
@FEW
def test_what_is_built_for_tensors_passes(dtype: str, sizes: list[int], name: str | None) -> None:
    signature = {"inputs": [tensor(dtype, [-1, *sizes], name)]}
    request = built(model_input(signature))
    assert problems(request, model_input(signature)) == []
    assert asked(signature, None, request) == [1]


NESTED = [
    column("array", "v", items={"type": "double"}),
    column("object", "o", properties={"x": {"type": "long", "required": True}}),
]
TWO = [column("double", "a"), column("long", "b")]
SQUARE = [tensor("float64", [-1, 2])]
EXAMPLES: dict[str, tuple[Any, Any, Parser]] = {
    "unnamed columns": ([column("double"), column("long")], None, "frame"),
    "an unnamed text": ([column("string")], None, "frame"),
    "numbers as names": ([column("double", 0), column("long", 1)], None, "frame"),
    "nested columns with an example": (
        NESTED,
        {"type": "dataframe", "value": {"columns": ["v", "o"], "data": [[[1, 2.5], {"x": 1}]]}},
        "frame",
    ),
    "optional columns": ([*TWO, column("integer", "c", required=False)], None, "frame"),
    "two tensors by name": (
        [tensor("int64", [-1], "x"), tensor("float64", [-1, 1], "y")], None, "named arrays"
    ),
    "an example of an array": (SQUARE, {"type": "ndarray", "value": [[1.0, 2.0]]}, "array"),
    "an old example of an array": (
        SQUARE, {"type": "ndarray", "value": {"inputs": [[1.0, 2.0]]}}, "array"
    ),
    "an example of records": (
        TWO, {"type": "json_object", "value": [{"a": 1, "b": 2}, {"a": 2.5, "b": 3}]}, "none"
    ),
    "an example of texts": (
        [column("string")], {"type": "json_object", "value": ["a", "b"]}, "none"
    ),
    "an example of a text": ([column("string")], {"type": "json_object", "value": "a"}, "none"),
    "an example of a number": (
        [column("double", "a")], {"type": "json_object", "value": 3}, "frame"
    ),
    "an example alone": (
        None, {"type": "dataframe", "value": {"columns": ["a", "b"], "data": [[1, "x"]]}}, "frame"
    ),
    "an example without names": (
        [column("double", 0), column("long", 1)],
        {"type": "dataframe", "value": {"data": [[1.5, 2]]}},
        "frame",
    ),
    "an example with params": (
        TWO,
        {"type": "dataframe", "value": {
            "inputs": {"columns": ["a", "b"], "data": [[5, 2]]}, "params": {"k": 2.0}}},
        "frame",
    ),
    "a table for a tensor": (
        SQUARE, {"type": "dataframe", "value": {"columns": ["a", "b"], "data": [[1.5, 2.5]]}}, "frame"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_built_from_example_or_signature_passes(name: str) -> None:
    inputs, example, parser = EXAMPLES[name]
    params = [{"name": "k", "type": "double", "default": 1.0, "shape": None}]
    signature = {"inputs": inputs, "params": params} if inputs else None
    model = model_input(signature, example)
    request = built(model)
    assert model.parser == parser and problems(request, model) == []
    assert asked(signature, example, request) == [len(rows_of(request, model))]


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ([column("double", "a"), column("string", "b"), column("boolean", "c")],
         "a,b,c\n1,x,true\n2.5,\"y, z\",FALSE\n"),
        ([column("double", "a"), column("string", "b")], "b;a\nx;1\ny;2\n"),
        ([column("double", "a"), column("long", "b", required=False)], "a,b\n1,\n2,\n"),
        ([column("double", "a"), column("long", "b")], "1,2\n3,4\n"),
        ([tensor("float64", [-1, 2])], "1,2\n3,4\n"),
        ([tensor("float64", [-1], "a"), tensor("float64", [-1, 1], "b")], "a\tb\n1\t2\n3\t4\n"),
    ],
)  # fmt: skip
def test_a_csv_becomes_the_request(inputs: Any, text: str) -> None:
    model = model_input({"inputs": inputs})
    request, problem = parsed(text, model)
    assert request is not None and problem is None
    assert all(found.severity == "warning" for found in problems(request, model))
    assert asked({"inputs": inputs}, None, as_sent(request, model)) == [2]


@pytest.mark.parametrize(
    ("inputs", "value"),
    [
        (column("integer", "a"), None),
        (column("long", "a", required=False), [[1], [None]]),
        (column("double", "a"), "x"),
        (column("datetime", "a"), "2024-01-02T03:04:05Z"),
        (column("datetime", "a"), "1600-01-01"),
        (column("datetime", "a"), "2024-W01-1"),
        (column("double", "1"), 1.0),
        (column("double", "1/1/1"), 1.0),
    ],
)
def test_what_the_script_refuses_is_told_before(inputs: Any, value: Any) -> None:
    request = {"input_data": value if isinstance(value, list) else [[value]]}
    model = model_input({"inputs": [inputs]})
    assert any(found.severity == "error" for found in problems(request, model))
    with pytest.raises(Exception):  # noqa: B017 - pandas' and MLflow's
        asked({"inputs": [inputs]}, None, as_sent(request, model))


def test_a_signature_that_the_script_makes_nothing_of_ends_it() -> None:
    for inputs in (NESTED, [column("any", "a")], [column("sparkml vector", "features")]):
        with pytest.raises(Exception):  # noqa: B017 - the script's own
            asked({"inputs": inputs}, None, {"input_data": []})
