"""What is asked about a training notebook, and what goes with another one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from amlwizard import fields
from amlwizard.draft import DraftStore, new
from amlwizard.fields import FieldSpec
from amlwizard.recipe import PARAMETERS, load
from amlwizard.session import Session

EXAMPLE = {"alpha": 0.03, "test_size": 0.2, "random_state": 0}
SCALAR = FieldSpec(f"{PARAMETERS}.x", "x", "x", "", "scalar")
OWN = """
dbutils.widgets.text("trees", "10")
dbutils.widgets.text("data", "people.csv")
colour = parameters["colour"]
mlflow.autolog()
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A new session in a folder with a notebook, ``own.py``."""
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    session = Session(DraftStore(tmp_path / "sessions"), new())
    session.put({"names.prefix": "own01"})
    return session


def asked(session: Session) -> dict[str, object]:
    """The defaults of the parameters, by name."""
    specs = session.specs("training")
    return {spec.name: spec.default for spec in specs if spec.path.startswith(f"{PARAMETERS}.")}


def test_each_parameter_of_the_example_is_a_question(session: Session) -> None:
    assert asked(session) == EXAMPLE
    session.put({f"{PARAMETERS}.alpha": 0.5})
    assert session.recipe and session.recipe.training.parameters == {"alpha": 0.5}


def test_what_belongs_to_the_example_goes_and_comes_back_with_it(session: Session) -> None:
    request = session.draft.value("scoring.request")
    session.put({f"{PARAMETERS}.alpha": 1, f"{PARAMETERS}.mine": "x"})
    session.put(session.choose_notebook("own.py"))
    assert asked(session) == {"trees": 10, "colour": None, "mine": None}
    assert session.draft.value(PARAMETERS) == {"mine": "x"}
    assert session.draft.value("scoring.request") is None
    session.put(session.choose_notebook(None))
    assert session.draft.value("scoring.request") == request
    assert asked(session) == {**EXAMPLE, "mine": None}


def test_a_request_of_ones_own_stays(session: Session) -> None:
    session.put({"scoring.request": {"input_data": [[1]]}})
    session.put(session.choose_notebook("own.py"))
    assert session.draft.value("scoring.request") == {"input_data": [[1]]}


def test_a_parameter_that_is_wrong_is_found_under_its_name(session: Session) -> None:
    session.put({**session.choose_notebook("own.py"), f"{PARAMETERS}.tree": 5})
    found = {f.fields: f.rule for f in session.findings if f.rule.startswith("NB")}
    assert found[f"{PARAMETERS}.tree",] == "NB-2" and found[f"{PARAMETERS}.colour",] == "NB-2"


def test_a_saved_recipe_names_its_notebook_from_where_it_is(session: Session) -> None:
    session.put({**session.choose_notebook("own.py"), "scoring.request": {"input_data": [[1]]}})
    session.save(Path("recipes") / "own.yaml")
    assert session.draft.value("training.notebook") == "../own.py"
    given = yaml.safe_load(Path("recipes/own.yaml").read_text())
    assert given["training"]["notebook"] == "../own.py"
    notebook = load(Path("recipes/own.yaml")).training.notebook
    assert notebook and notebook.path.read_text() == OWN and not session.errors


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
                 st.text(min_size=1).map(str.strip).filter(bool)))  # fmt: skip
def test_a_parameter_that_is_shown_and_typed_again_is_the_same(value: object) -> None:
    again = fields.typed(SCALAR, fields.shown(SCALAR, value))
    assert again == value and type(again) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.03", 0.03), ("5", 5), (".5", 0.5), ("true", True), ("'5'", "'5'"), ('"5"', "5"),
     ("yes", "yes"), ("nan", "nan"), ("1_0", "1_0"), ("[1]", "[1]"), ("null", "null"), ("", None)],
)  # fmt: skip
def test_a_number_stays_a_number_and_text_text(text: str, value: object) -> None:
    typed = fields.typed(SCALAR, text)
    assert typed == value and type(typed) is type(value)
