"""Why a model cannot be served is recognised in what Microsoft's server writes of models that fail: those
of `test_parsers`."""

from __future__ import annotations

import pytest

from amlwizard.serving.unfit import explained

FAILURES = {
    "times": ("KeyError: 'properties'", "answers times", "serving.script"),
    "scalars": (
        "Exception: Invalid sample input provided, must provide a sample Numpy array.",
        "dictionary of single values", "DataFrame",
    ),
    "lists": (
        "TypeError: no sample input can be made of the signature's v: Array(double)",
        "lists or objects (v: Array(double))", "input_example",
    ),
    "a vector": (
        "TypeError: no sample input can be made of the signature's v: SparkML vector",
        "vector column of Spark", "VectorAssembler",
    ),
    "Java": (
        "pyspark.errors.exceptions.base.PySparkRuntimeError: [JAVA_GATEWAY_EXITED] Java gateway process "
        "exited before sending its port number.", "needs Java", "openjdk",
    ),
    "an old server": ("ModuleNotFoundError: No module named 'azureml.contrib'", "older than 1.4", "flask<3"),
    "no monitoring": ("ModuleNotFoundError: No module named 'azureml.ai'", "azureml-ai-monitoring", "needed"),
    "skinny": ("ModuleNotFoundError: No module named 'pandas'", "the module pandas", "pip_requirements"),
    "skops": (
        "MlflowException: The saved sklearn model references untrusted types "
        "['sklearn.tree._tree.Tree']", "skops", "cloudpickle",
    ),
    "an int32 in the example": (
        "MlflowException: Incompatible input types for column n. Can not safely convert int64 to int32.",
        "column of int32, which is read back from JSON as int64", "without input_example",
    ),
    "ONNX": ("TypeError: Object of type ndarray is not JSON serializable", "arrays by name", "pyfunc"),
    "a time": ("TypeError: Object of type Timestamp is not JSON serializable", "type Timestamp", "text"),
    "a decimal": ("TypeError: Object of type Decimal is not JSON serializable", "type Decimal", "text"),
    "ONNX by columns": (
        "InvalidArgument: Invalid rank for input: a Got: 1 Expected: 2", "an array of its own", "[N, 1]",
    ),
    "null in whole numbers": (
        "pandas.errors.IntCastingNaNError: Cannot convert non-finite values (NA or inf) to integer",
        "null in a column of whole numbers", "double",
    ),
    "columns of scikit-learn": (
        "ValueError: The feature names should match those that were passed during fit.\nFeature names "
        "must be in the same order as they were in fit.", "in another order", "infer_signature",
    ),
    "columns of XGBoost": ("ValueError: feature_names mismatch: ['a', 'b'] ['b', 'a']", "in another order", "signature"),
    "rows for XGBoost": (
        "ValueError: data did not contain feature names, but the following fields are expected: a, b",
        "other columns", "infer_signature",
    ),
    "null": ("ValueError: Input contains NaN", "takes no missing values", "impute"),
    "rows": ("AttributeError: 'list' object has no attribute 'items'", "another form", "left out|Leave"),
    "params": ("MlflowException: Invalid parameters found: k", "params", "scoring.request"),
    "another pickle": ("ValueError: unsupported pickle protocol: 5", "another Python", "cloudpickle"),
}  # fmt: skip
OF_PIP = {
    "nothing": (
        "ERROR: Could not find a version that satisfies the requirement nothing==1 (from versions: none)",
        "requirement nothing==1 cannot be installed", "code_paths",
    ),
    "another Python": (
        "ERROR: Ignored the following versions that require a different python version: 2.4.0 "
        "Requires-Python >=3.11\nERROR: Could not find a version that satisfies the requirement "
        "numpy==2.4.0 (from versions: 1.0, 2.2.6)", "numpy==2.4.0 does not exist for the Python", "spark_version",
    ),
    "a conflict": (
        "ERROR: Cannot install pandas==3.0 and mlflow==3.15.0 because these package versions have "
        "conflicting dependencies.", "contradict each other: pandas==3.0 and mlflow==3.15.0", "pip_requirements",
    ),
    "a private index": (
        "ERROR: HTTP error: 401 Error, Credentials not correct for https://pkgs.example.org/simple/a/",
        "private package index", "serving.environment",
    ),
    "no network": (
        "NewConnectionError: Failed to establish a new connection: [Errno 101] Network is unreachable",
        "reaches no package index", "pypi.org",
    ),
    "no network for conda": (
        "CondaHTTPError: HTTP 000 CONNECTION FAILED for url <https://conda.anaconda.org/conda-forge/noarch/x>",
        "no channel of conda", "serving.environment",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_of_server_or_model_is_recognised(name: str) -> None:
    said, what, fix = FAILURES[name]
    found, cure = explained("start", said)
    assert what in found and any(one in cure for one in fix.split("|"))


@pytest.mark.parametrize("name", OF_PIP)
def test_what_pip_says_is_recognised(name: str) -> None:
    said, what, fix = OF_PIP[name]
    found, cure = explained("install", "", said)
    assert what in found and fix in cure


@pytest.mark.parametrize("stage", ["look", "install", "start", "answer"])
def test_what_nobody_has_seen_says_where_it_failed(stage: str) -> None:
    assert all(explained(stage, "SomethingElse: 42"))
