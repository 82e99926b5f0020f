"""The container of a deployment: loads an MLflow model, answers requests, ends with its input.

Takes what the no-code scoring script of Azure takes: ``input_data`` as a matrix, or as columns,
index and data. Argument: the model's folder.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from amlwizard.sandbox.children import requests


def frame(body: Any, columns: list[str]) -> Any:
    import pandas as pd

    if not isinstance(body, dict) or "input_data" not in body:
        raise ValueError("Request must contain a top level key named 'input_data'")
    data = body["input_data"]
    if isinstance(data, list):
        return pd.DataFrame(data, columns=columns or None)
    if isinstance(data, dict) and {"columns", "data"} <= data.keys():
        return pd.DataFrame(**{k: data[k] for k in ("columns", "index", "data") if k in data})
    raise ValueError("input_data must be a list of rows, or have columns, index and data")


def main() -> None:
    asked = requests()
    try:
        import mlflow.pyfunc

        model = mlflow.pyfunc.load_model(sys.argv[1])
        signature = model.metadata.signature
        columns = signature.inputs.input_names() if signature else []
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
        return
    print(json.dumps({"ready": True}), flush=True)
    for line in asked:
        try:
            predictions = model.predict(frame(json.loads(line), columns))
            answer: dict[str, Any] = {"predictions": [float(value) for value in predictions]}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
