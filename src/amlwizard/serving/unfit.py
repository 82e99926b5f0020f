"""Why a model cannot be served, recognised in what pip, the inference server and the model said.

Each cause was seen with Azure's own scoring script, or reported by its users. The first one whose pattern
is in what was written counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OWN_SCRIPT = "or bring your own scoring script (serving.script)"
OWN_ENVIRONMENT = "bring an environment that has it (serving.environment)"
REQUIREMENTS = "Correct pip_requirements where your notebook logs the model"


@dataclass(frozen=True)
class Cause:
    """`pattern` is searched in the log; `what` and `fix` may use its groups."""

    pattern: str
    what: str
    fix: str

    def explained(self, found: re.Match[str]) -> tuple[str, str]:
        return found.expand(self.what), found.expand(self.fix)


CAUSES = (
    # -- what Azure needs to know of the model
    Cause(
        r"no python_function flavor",
        "The model has no python_function flavor, by which Azure serves it.",
        "Log it by a flavor of MLflow that has one, or wrap it in mlflow.pyfunc.PythonModel.",
    ),
    Cause(
        r"a Spark model without Java|JAVA_GATEWAY_EXITED|Java gateway process exited|JAVA_HOME is not set",
        "A Spark model needs Java, which the images of Azure do not have.",
        "Rebuild a linear model from its coefficients in scikit-learn or a pyfunc; or log the model with "
        f"a conda_env that has openjdk=17, or {OWN_ENVIRONMENT}, and give it memory.",
    ),
    # -- pip
    Cause(
        r"(?s)ERROR: Cannot install.*azureml-inference-server-http.*conflicting dependencies",
        "The model's pins allow no inference server from 1.4 on: older ones crash when they start "
        "(azureml.contrib is missing).",
        f"{REQUIREMENTS}: pins such as flask<3 or a server below 1.4 have to go.",
    ),
    Cause(
        r"ERROR: Cannot install (?P<which>[^\n]*) because these package versions have conflicting",
        r"The model's requirements contradict each other: \g<which>.",
        f"{REQUIREMENTS}.",
    ),
    Cause(
        r"401 Error, Credentials not correct for|403 Client Error|User for [\w.-]+:|No such option: --no-input",
        "The model's requirements name a private package index that wants credentials. The container has "
        "none, and they must not be written into the model.",
        f"{REQUIREMENTS}, put the packages into the model by code_paths, or {OWN_ENVIRONMENT}.",
    ),
    Cause(
        r"(?s)require a different python version:.*satisfies the requirement (?P<which>[^\n(]*\S) *\(",
        r"The requirement \g<which> does not exist for the Python of the cluster, which the container has too.",
        f"{REQUIREMENTS}, or choose another training.spark_version.",
    ),
    Cause(
        r"satisfies the requirement (?P<which>[^\n(]*\S) *\(",
        r"The model's requirement \g<which> cannot be installed: no package index has it.",
        f"{REQUIREMENTS}; own modules go along by code_paths.",
    ),
    Cause(
        r"Invalid requirement: '?(?P<which>[^'\n]*)",
        r"The model's requirement \g<which> is not one that pip can read.",
        f"{REQUIREMENTS}.",
    ),
    Cause(
        r"Failed to establish a new connection|Network is unreachable|Name or service not known|Max retries exceeded",
        "The cluster reaches no package index, and most likely the container will not either: it installs "
        "the model's requirements when it starts.",
        "Let the subnets reach pypi.org and files.pythonhosted.org, or bring an image with the packages "
        "(serving.environment).",
    ),
    # -- the server starts
    Cause(
        r"No module named 'azureml\.contrib'",
        "The model's pins bring an inference server older than 1.4, which crashes when it starts.",
        f"{REQUIREMENTS}: pins such as flask<3 or a server below 1.4 have to go.",
    ),
    Cause(
        r"untrusted types",
        "MLflow from 3.14 on saves scikit-learn models as skops, which does not load types of this model.",
        'Log it with serialization_format="cloudpickle", or name the types in skops_trusted_types.',
    ),
    Cause(
        r"KeyError: 'properties'",
        "The signature says that the model answers times (datetime), with which Azure's scoring script "
        "does not start.",
        f"Answer them as text, with a signature that says string, {OWN_SCRIPT}.",
    ),
    Cause(
        r"must provide a sample Numpy array",
        "The input example is a dictionary of single values, with which Azure's scoring script does not "
        "start.",
        f"Give a DataFrame as input_example, {OWN_SCRIPT}.",
    ),
    Cause(
        r"no sample input can be made of the signature's (?P<which>[^\n]*(?i:vector)[^\n]*)",
        r"The signature has a vector column of Spark (\g<which>), with which Azure's scoring script does "
        "not start.",
        "Infer the signature from the columns before the VectorAssembler, and keep that in the pipeline.",
    ),
    Cause(
        r"no sample input can be made of the signature's (?P<which>[^\n]*)",
        r"The signature has columns of lists or objects (\g<which>) and the model no input example: "
        "Azure's scoring script does not start.",
        f"Log the model with a DataFrame as input_example, {OWN_SCRIPT}.",
    ),
    Cause(
        r"No module named '(?P<which>azureml_inference_server_http|azureml\.ai|azureml)[^']*'",
        "The environment of the model has no inference server, or not the package azureml-ai-monitoring.",
        f"{REQUIREMENTS}: both are needed.",
    ),
    Cause(
        r"No module named '(?P<which>[^']*)'",
        r"The model needs the module \g<which>, which is neither among its requirements nor saved with it.",
        "Log it with code_paths if the module is your own, else with the package among its "
        f"pip_requirements, {OWN_SCRIPT}.",
    ),
    Cause(
        r"unsupported pickle protocol|code expected at (?:most|least)|invalid load key|code\(\) argument",
        "The model cannot be unpickled: it was saved by another Python or another cloudpickle.",
        f"{REQUIREMENTS}: cloudpickle and Python's minor version have to be those of the training.",
    ),
    # -- the model answers
    Cause(
        r"Can(?:not|\ not) safely convert (?P<from>\w+) to (?P<to>\w+)",
        r"The input example holds a column of \g<to>, which is read back from JSON as \g<from>: no "
        "request is taken.",
        f"Log the model without input_example: its signature is enough; {OWN_SCRIPT}.",
    ),
    Cause(
        r"Object of type ndarray is not JSON serializable",
        "The model answers arrays by name, as ONNX models with tensors do, which Azure's scoring script "
        "cannot write as JSON.",
        f"Wrap it in a pyfunc that answers a list or a DataFrame, {OWN_SCRIPT}.",
    ),
    Cause(
        r"Object of type (?P<which>\w+) is not JSON serializable",
        r"The model answers values of type \g<which>, which JSON does not have.",
        f"Answer text or numbers instead, {OWN_SCRIPT}.",
    ),
    Cause(
        r"Invalid rank for input",
        "The ONNX model takes an array of its own for each column, which MLflow cannot feed it.",
        "Wrap it in a pyfunc that reshapes the columns to [N, 1].",
    ),
    Cause(
        r"Invalid parameters found|Incompatible types for param[^\n]*|Failed to validate type[^\n]*param",
        "scoring.request has params that the model's signature does not allow.",
        "Correct params in scoring.request.",
    ),
    Cause(
        r"Model is missing inputs (?P<which>\[[^\]]*\])",
        r"scoring.request lacks columns that the model's signature requires: \g<which>.",
        "Add them to scoring.request, or leave scoring.request out: it is built from the input example.",
    ),
    Cause(
        r"IntCastingNaNError|Cannot convert non-finite values",
        "scoring.request has null in a column of whole numbers, which cannot be missing.",
        "Give a number there, or train the column as double.",
    ),
    Cause(
        r"Input (?:X )?contains NaN",
        "scoring.request has null in a column where the model takes no missing values.",
        "Give a value there, or impute it in the model's pipeline.",
    ),
    Cause(
        r"'list' object has no attribute 'items'|JSON data had unexpected key|expected an array of items"
        r"|Expected: <class 'dict'>",
        "scoring.request has another form than the model's signature or input example asks for.",
        "Leave scoring.request out, and one in the right form is built from the input example.",
    ),
    Cause(
        r"could not convert string to float|invalid literal for int|Failed to enforce schema|Incompatible input types",
        "scoring.request does not fit the model's signature.",
        "Correct the values in scoring.request, or leave it out: it is built from the input example.",
    ),
)
STAGES = {
    "look": ("Azure cannot serve the model.", "Log another model."),
    "install": ("The model's requirements cannot be installed.", f"{REQUIREMENTS}."),
    "start": (
        "The inference server does not start with the model.",
        f"Correct the model, its requirements or its signature, {OWN_SCRIPT}.",
    ),
    "answer": (
        "The model does not answer the request.",
        f"Correct scoring.request or the model, {OWN_SCRIPT}.",
    ),
}


def explained(stage: str, *written: str) -> tuple[str, str]:
    """What is wrong and what to do, from the `stage` (``look``, ``install``, ``start``, ``answer``) at
    which a model failed, and what was `written`: what says most comes first."""
    matches = ((cause, re.search(cause.pattern, text)) for text in written for cause in CAUSES)
    return next((cause.explained(found) for cause, found in matches if found), STAGES[stage])
