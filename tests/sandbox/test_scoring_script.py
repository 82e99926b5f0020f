"""The scoring script that amlwizard brings, behind Microsoft's inference server: it takes and returns
what the no-code script does, and says why where that says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from support.containers import (
    SERVER,
    Container,
    container,
    frame,
    predictions,
    pyfunc_model,
    sklearn_model,
    split,
)

from amlwizard import serving

pytestmark = pytest.mark.xdist_group("containers")

ROWS = [[1.0, 1], [2.0, 0]]


def scored(model: Path, folder: Path) -> AbstractContextManager[Container]:
    """The model's container with our script, in an environment without the packages that only the
    no-code script needs."""
    script, environment = folder / "src" / serving.SCRIPT, folder / "environment"
    script.parent.mkdir()
    script.write_text(serving.source())
    environment.mkdir()
    conda = (model / "conda.yaml").read_text().replace(f"  - {SERVER[0]}\n", "")
    (environment / "conda.yaml").write_text(conda)
    return container(model, folder, script, environment)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A model with named columns, as the training notebook saves it."""
    folder = tmp_path_factory.mktemp("named")
    with scored(sklearn_model(folder, frame(), input_example=frame().head(2)), folder) as started:
        assert started.ready, started.log.read_text()
        yield started


@pytest.mark.parametrize(
    "given",
    [
        split(["a", "b"], *ROWS, index=[0, 1]),
        split(["a", "b"], *ROWS),
        split(["b", "a"], [1, 1.0], [0, 2.0], index=[0, 1]),
        split(["a", "b", "c"], [1.0, 1, 9], [2.0, 0, 9], index=[0, 1]),
        split(["a", "b"], ["1", "1"], ["2", "0"], index=[0, 1]),
    ],
    ids=["columns, index and data", "no index", "another order", "one more", "numbers as text"],
)
def test_named_columns_are_taken_by_name(named: Container, given: Any) -> None:
    assert named.score(given) == (200, pytest.approx(predictions()))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (split(["a"], [1.0]), "missing inputs ['b']"),
        (split(["a", "b"], ["x", 1]), "x"),
        (split(["a", "b"], [1.0, None]), "b"),
        ([[1.0, 1]], "a"),
    ],
    ids=["one missing", "text", "null", "rows"],
)
def test_what_the_signature_does_not_allow_is_400_with_the_reason(
    named: Container, given: Any, reason: str
) -> None:
    status, body = named.score(given)
    assert status == 400 and reason in body["message"]


def test_without_input_data_it_is_400(named: Container) -> None:
    status, _, said = named.ask("/score", {"data": ROWS})
    message = "A value is not provided for the 'input_data' parameter."
    assert (status, said) == (400, {"message": message})


def test_what_the_model_raises_is_500_and_the_log_says_why(tmp_path: Path) -> None:
    model = pyfunc_model(tmp_path, lambda given: given["nothing"])
    with scored(model, tmp_path) as broken:
        assert broken.score(split(["a"], [1.0]))[0] == 500
        assert "KeyError: 'nothing'" in broken.exception


def test_a_script_that_is_not_in_the_code_ends_the_container(tmp_path: Path) -> None:
    model = sklearn_model(tmp_path, frame())
    (tmp_path / "src").mkdir()
    with container(model, tmp_path, tmp_path / "src" / "none.py", model) as crashed:
        assert not crashed.ready and "none.py" in crashed.log.read_text()
