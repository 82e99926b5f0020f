"""The entry script of a no-code deployment in this process, without the server in front of it: what it
raises, the server answers with 500, and a script that is not imported is a container that crashes.

`AMLWIZARD_SCORING_SCRIPT` names Microsoft's instead of ours."""

from __future__ import annotations

import json
import os
import runpy
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import yaml

from amlwizard.json_types import JsonObject, JsonValue

SCRIPT = os.environ.get("AMLWIZARD_SCORING_SCRIPT")


def script_of(model: Path) -> Callable[[JsonObject], Any]:
    """Import the script for a model's folder; the function takes the JSON of a request. Raises what
    the script raises."""
    from amlwizard.sandbox.ml import scorer

    where = {"AZUREML_MODEL_DIR": str(model.parent), "MLFLOW_MODEL_FOLDER": model.name}
    with patch.dict(os.environ, where):
        # inference-schema keeps a schema for each module's function, and takes no second one.
        script = runpy.run_path(SCRIPT or str(scorer.NO_CODE), run_name=f"scoring_{uuid4().hex}")
    run = script["run"]
    return lambda request: json.loads(json.dumps(run(**deepcopy(dict(request)))))


def echoing(folder: Path, signature: JsonObject | None, example: Mapping[str, Any] | None) -> Path:
    """A model that answers the number of the rows that it was given, with a signature and an example
    in the forms of `amlwizard.rules.model_input`."""
    about: dict[str, Any] = {
        "flavors": {"python_function": {"loader_module": "support.scoring_scripts"}},
        "model_uuid": "0" * 32,
    }
    if signature:
        about["signature"] = {part: json.dumps(given) for part, given in signature.items()}
    folder.mkdir()
    if example:
        about["saved_input_example_info"] = {
            "artifact_path": "input_example.json",
            "type": example["type"],
        }
        (folder / "input_example.json").write_text(json.dumps(example["value"]))
    (folder / "MLmodel").write_text(yaml.safe_dump(about))
    return folder


class Echo:
    def predict(self, given: Any, params: Any = None) -> list[JsonValue]:
        self.given = given
        first = next(iter(given.values())) if isinstance(given, dict) else given
        return [len(first)]


def _load_pyfunc(path: str) -> Echo:
    return Echo()
