"""The scoring script of an MLflow model: what the inference server calls in the container.

Takes and returns the same JSON as the script that Azure generates: `input_data` holds columns, index and
data for a model with named columns, an array or an array per name for one with tensors; `params` are
optional. A request that the model's signature does not allow is answered 400, with the reason.
"""

import json
import os
from io import StringIO
from pathlib import Path

import mlflow.pyfunc
from azureml_inference_server_http.api.aml_response import AMLResponse
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import infer_and_parse_data, unwrapped_predictions_to_json

model: mlflow.pyfunc.PyFuncModel


def init() -> None:
    """Load the model, which may contain others: its own folder is the outermost."""
    global model
    files = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("MLmodel")
    model = mlflow.pyfunc.load_model(str(min(files, key=lambda file: len(file.parts)).parent))


def run(body: str) -> object:
    """The predictions for the JSON of a request, or the response that refuses it."""
    sent = json.loads(body)
    if not isinstance(sent, dict) or "input_data" not in sent:
        return refusal("A value is not provided for the 'input_data' parameter.")
    try:
        given = parsed(sent["input_data"])
        predictions = model.predict(given, params=sent.get("params"))
    except MlflowException as error:
        return refusal(error.message)
    answer = StringIO()
    unwrapped_predictions_to_json(predictions, answer)
    return json.loads(answer.getvalue())


def parsed(given: object) -> object:
    """`input_data` with the types of the signature, as MLflow's own server parses its requests."""
    split = isinstance(given, dict) and given.keys() >= {"columns", "data"}
    name = "dataframe_split" if split else "inputs"
    return infer_and_parse_data({name: given}, schema=model.metadata.get_input_schema())


def refusal(why: str) -> AMLResponse:
    return AMLResponse({"message": why}, 400, json_str=True)
