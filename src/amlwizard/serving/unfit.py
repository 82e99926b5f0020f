"""Why a model cannot be served, recognised in what pip, the inference server and the model said.

Each cause was seen with Azure's own scoring script, or reported by its users. The first one whose pattern
is in what was written counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from amlwizard.language import _

REQUIREMENTS = _("Correct pip_requirements where your notebook logs the model.")


@dataclass(frozen=True)
class Cause:
    """`pattern` is searched in the log; `what` and `fix` may name its groups in braces."""

    pattern: str
    what: str
    fix: str

    def explained(self, found: re.Match[str]) -> tuple[str, str]:
        groups = found.groupdict()
        return self.what.format(**groups), self.fix.format(**groups)


CAUSES = (
    # -- what Azure needs to know of the model
    Cause(
        r"no python_function flavor",
        _("The model has no python_function flavor, by which Azure serves it."),
        _("Log it by a flavor of MLflow that has one, or wrap it in mlflow.pyfunc.PythonModel."),
    ),
    Cause(
        r"a Spark model without Java|JAVA_GATEWAY_EXITED|Java gateway process exited|JAVA_HOME is not set",
        _("A Spark model needs Java, which the images of Azure do not have."),
        _(
            "Rebuild a linear model from its coefficients in scikit-learn or a pyfunc; or log the "
            "model with a conda_env that has openjdk=17, or bring an environment that has it "
            "(serving.environment), and give it memory."
        ),
    ),
    # -- pip
    Cause(
        r"(?s)ERROR: Cannot install.*azureml-inference-server-http.*conflicting dependencies",
        _(
            "The model's pins allow no inference server from 1.4 on: older ones crash when they "
            "start (azureml.contrib is missing)."
        ),
        _(
            "Correct pip_requirements where your notebook logs the model: pins such as flask<3 or "
            "a server below 1.4 have to go."
        ),
    ),
    Cause(
        r"ERROR: Cannot install (?P<which>[^\n]*) because these package versions have conflicting",
        _("The model's requirements contradict each other: {which}."),
        REQUIREMENTS,
    ),
    Cause(
        r"401 Error, Credentials not correct for|403 Client Error|User for [\w.-]+:|No such option: --no-input",
        _(
            "The model's requirements name a private package index that wants credentials. The "
            "container has none, and they must not be written into the model."
        ),
        _(
            "Correct pip_requirements where your notebook logs the model, put the packages into "
            "the model by code_paths, or bring an environment that has it (serving.environment)."
        ),
    ),
    Cause(
        r"(?s)require a different python version:.*satisfies the requirement (?P<which>[^\n(]*\S) *\(",
        _(
            "The requirement {which} does not exist for the Python of the cluster, which the "
            "container has too."
        ),
        _(
            "Correct pip_requirements where your notebook logs the model, or choose another "
            "training.spark_version."
        ),
    ),
    Cause(
        r"satisfies the requirement (?P<which>[^\n(]*\S) *\(",
        _("The model's requirement {which} cannot be installed: no package index has it."),
        _(
            "Correct pip_requirements where your notebook logs the model; own modules go along by "
            "code_paths."
        ),
    ),
    Cause(
        r"Invalid requirement: '?(?P<which>[^'\n]*)",
        _("The model's requirement {which} is not one that pip can read."),
        REQUIREMENTS,
    ),
    Cause(
        r"Failed to establish a new connection|Network is unreachable|Name or service not known|Max retries exceeded",
        _(
            "The cluster reaches no package index, and most likely the container will not either: "
            "it installs the model's requirements when it starts."
        ),
        _(
            "Let the subnets reach pypi.org and files.pythonhosted.org, or bring an image with the "
            "packages (serving.environment)."
        ),
    ),
    Cause(
        r"CondaHTTPError: HTTP 000",
        _(
            "The container reaches no channel of conda: it installs the model's requirements when "
            "it starts."
        ),
        _(
            "Let the subnet of the nodes reach conda.anaconda.org, pypi.org and "
            "files.pythonhosted.org, or bring an image with the packages (serving.environment)."
        ),
    ),
    # -- the server starts
    Cause(
        r"No module named 'azureml\.contrib'",
        _(
            "The model's pins bring an inference server older than 1.4, which crashes when it "
            "starts."
        ),
        _(
            "Correct pip_requirements where your notebook logs the model: pins such as flask<3 or "
            "a server below 1.4 have to go."
        ),
    ),
    Cause(
        r"untrusted types",
        _(
            "MLflow from 3.14 on saves scikit-learn models as skops, which does not load types of "
            "this model."
        ),
        _(
            'Log it with serialization_format="cloudpickle", or name the types in '
            "skops_trusted_types."
        ),
    ),
    Cause(
        r"KeyError: 'properties'",
        _(
            "The signature says that the model answers times (datetime), with which Azure's "
            "scoring script does not start."
        ),
        _(
            "Answer them as text, with a signature that says string, or bring your own scoring "
            "script (serving.script)."
        ),
    ),
    Cause(
        r"must provide a sample Numpy array",
        _(
            "The input example is a dictionary of single values, with which Azure's scoring script "
            "does not start."
        ),
        _("Give a DataFrame as input_example, or bring your own scoring script (serving.script)."),
    ),
    Cause(
        r"no sample input can be made of the signature's (?P<which>[^\n]*(?i:vector)[^\n]*)",
        _(
            "The signature has a vector column of Spark ({which}), with which Azure's scoring "
            "script does not start."
        ),
        _(
            "Infer the signature from the columns before the VectorAssembler, and keep that in the "
            "pipeline."
        ),
    ),
    Cause(
        r"no sample input can be made of the signature's (?P<which>[^\n]*)",
        _(
            "The signature has columns of lists or objects ({which}) and the model no input "
            "example: Azure's scoring script does not start."
        ),
        _(
            "Log the model with a DataFrame as input_example, or bring your own scoring script "
            "(serving.script)."
        ),
    ),
    Cause(
        r"No module named '(?P<which>azureml_inference_server_http|azureml\.ai|azureml)[^']*'",
        _(
            "The environment of the model has no inference server, or not the package "
            "azureml-ai-monitoring."
        ),
        _("Correct pip_requirements where your notebook logs the model: both are needed."),
    ),
    Cause(
        r"No module named '(?P<which>[^']*)'",
        _(
            "The model needs the module {which}, which is neither among its requirements nor saved "
            "with it."
        ),
        _(
            "Log it with code_paths if the module is your own, else with the package among its "
            "pip_requirements, or bring your own scoring script (serving.script)."
        ),
    ),
    Cause(
        r"unsupported pickle protocol|code expected at (?:most|least)|invalid load key|code\(\) argument",
        _("The model cannot be unpickled: it was saved by another Python or another cloudpickle."),
        _(
            "Correct pip_requirements where your notebook logs the model: cloudpickle and Python's "
            "minor version have to be those of the training."
        ),
    ),
    # -- the model answers
    Cause(
        r"Can(?:not|\ not) safely convert (?P<from>\w+) to (?P<to>\w+)",
        _(
            "The input example holds a column of {to}, which is read back from JSON as {from}: no "
            "request is taken."
        ),
        _(
            "Log the model without input_example: its signature is enough; or bring your own "
            "scoring script (serving.script)."
        ),
    ),
    Cause(
        r"Object of type ndarray is not JSON serializable",
        _(
            "The model answers arrays by name, as ONNX models with tensors do, which Azure's "
            "scoring script cannot write as JSON."
        ),
        _(
            "Wrap it in a pyfunc that answers a list or a DataFrame, or bring your own scoring "
            "script (serving.script)."
        ),
    ),
    Cause(
        r"Object of type (?P<which>\w+) is not JSON serializable",
        _("The model answers values of type {which}, which JSON does not have."),
        _("Answer text or numbers instead, or bring your own scoring script (serving.script)."),
    ),
    Cause(
        r"Invalid rank for input",
        _("The ONNX model takes an array of its own for each column, which MLflow cannot feed it."),
        _("Wrap it in a pyfunc that reshapes the columns to [N, 1]."),
    ),
    Cause(
        r"Invalid parameters found|Incompatible types for param[^\n]*|Failed to validate type[^\n]*param",
        _("scoring.request has params that the model's signature does not allow."),
        _("Correct params in scoring.request."),
    ),
    Cause(
        r"Model is missing inputs (?P<which>\[[^\]]*\])",
        _("scoring.request lacks columns that the model's signature requires: {which}."),
        _(
            "Add them to scoring.request, or leave scoring.request out: it is built from the input "
            "example."
        ),
    ),
    Cause(
        r"feature_names mismatch|did not contain feature names|feature names should match those",
        _(
            "scoring.request has other columns than the model was trained on, or the same in another "
            "order, which a model without a signature does not put right."
        ),
        _(
            "Give the columns as in the training, or log the model with a signature, by "
            "infer_signature."
        ),
    ),
    Cause(
        r"IntCastingNaNError|Cannot convert non-finite values",
        _("scoring.request has null in a column of whole numbers, which cannot be missing."),
        _("Give a number there, or train the column as double."),
    ),
    Cause(
        r"Input (?:X )?contains NaN",
        _("scoring.request has null in a column where the model takes no missing values."),
        _("Give a value there, or impute it in the model's pipeline."),
    ),
    Cause(
        r"'list' object has no attribute 'items'|JSON data had unexpected key|expected an array of items"
        r"|Expected: <class 'dict'>",
        _("scoring.request has another form than the model's signature or input example asks for."),
        _("Leave scoring.request out, and one in the right form is built from the input example."),
    ),
    Cause(
        r"could not convert string to float|invalid literal for int|Failed to enforce schema|Incompatible input types",
        _("scoring.request does not fit the model's signature."),
        _(
            "Correct the values in scoring.request, or leave it out: it is built from the input "
            "example."
        ),
    ),
)
STAGES = {
    "look": (_("Azure cannot serve the model."), _("Log another model.")),
    "install": (_("The model's requirements cannot be installed."), REQUIREMENTS),
    "start": (
        _("The inference server does not start with the model."),
        _(
            "Correct the model, its requirements or its signature, or bring your own scoring "
            "script (serving.script)."
        ),
    ),
    "answer": (
        _("The model does not answer the request."),
        _(
            "Correct scoring.request or the model, or bring your own scoring script "
            "(serving.script)."
        ),
    ),
}


def explained(stage: str, *written: str) -> tuple[str, str]:
    """What is wrong and what to do, from the `stage` (``look``, ``install``, ``start``, ``answer``) at
    which a model failed, and what was `written`: what says most comes first."""
    return recognised(*written) or STAGES[stage]


def recognised(*written: str) -> tuple[str, str] | None:
    """What is wrong and what to do, if what was `written` tells."""
    matches = ((cause, re.search(cause.pattern, text)) for text in written for cause in CAUSES)
    return next((cause.explained(found) for cause, found in matches if found), None)
