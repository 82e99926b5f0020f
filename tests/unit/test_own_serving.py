"""A scoring script and an environment of one's own are judged before anything is deployed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import RECIPES

from amlwizard import rules
from amlwizard.recipe import read

RUN = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
CONDA = "dependencies:\n  - python=3.12\n  - pip\n  - pip:\n      - azureml-inference-server-http>=1.4\n"


def found(folder: Path, **serving: str) -> list[str]:
    recipe = folder / "recipe.yaml"
    recipe.write_text((RECIPES / "quickstart.yaml").read_text())
    changes = {f"serving.{name}": value for name, value in serving.items()}
    return [f.what for f in rules.findings_of(read(recipe, changes)) if f.rule.startswith("SV")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RUN, ""),
        ("from mine import init, run\n", ""),
        ("def init():\n    pass\n", "does not define run"),
        ("def run(data):\n    pass\n", "does not define init"),
        ("def init(:\n", "not valid Python, line 1"),
        ("x = '\0'", "not valid Python"),
    ],
)
def test_a_scoring_script_defines_init_and_run(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    told = found(tmp_path, script="mine.py")
    assert [said in what for what in told] == ([True] if said else [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONDA, ""),
        (CONDA.replace("azureml-inference-server-http", "flask"), "does not install"),
        ("no: [conda", "does not install"),
    ],
)
def test_a_conda_file_has_the_inference_server(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "conda.yaml").write_text(text)
    told = found(tmp_path, environment="conda.yaml")
    assert [said in what for what in told] == ([True] if said else [])


def test_an_image_names_its_registry(tmp_path: Path) -> None:
    assert not found(tmp_path, environment="mine.azurecr.io/score:1")
    assert "neither an image nor a conda file" in found(tmp_path, environment="ubuntu")[0]
