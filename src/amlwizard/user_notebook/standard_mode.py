"""What a notebook does that a cluster in standard access mode refuses: it keeps users apart from each
other, and so from the machine and from Spark's own process."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from amlwizard.user_notebook.parsing import NotebookCell, UserNotebook

OF_THE_JVM = ("sparkContext", "rdd", "_jvm", "_jsc")
SAVES = ("log_model", "save_model")
VOLUME = ("dfs_tmpdir", "MLFLOW_DFS_TMP")


def refused(notebook: UserNotebook, spark_ml: bool) -> Iterator[tuple[NotebookCell, int, str]]:
    """The cell, the line of the file and the words of each such place, as far as can be seen.
    `spark_ml`: whether the runtime has Spark ML in that mode."""
    named = any(word in cell.source for cell in notebook.cells for word in VOLUME)
    own = {
        node.id
        for __, node in notebook.nodes()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for cell, node in notebook.nodes():
        word = _word(node, own) or ("" if spark_ml else _of_spark_ml(node))
        if not word and not named:
            word = _saves(node)
        if word:
            yield cell, cell.line + int(getattr(node, "lineno", 1)) - 1, word


def _word(node: ast.AST, own: set[str]) -> str:
    if isinstance(node, ast.Name) and node.id in {"sc", "SparkContext"} - own:
        return node.id
    if isinstance(node, ast.Attribute) and node.attr in OF_THE_JVM:
        return f".{node.attr}"
    if isinstance(node, ast.Constant) and str(node.value).startswith("/dbfs/"):
        return "/dbfs"
    return ""


def _of_spark_ml(node: ast.AST) -> str:
    names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    of_ml = (name for name in names if f"{name}.".startswith("pyspark.ml."))
    return next((n for n in of_ml if not n.startswith("pyspark.ml.connect")), "")


def _saves(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute) and function.attr in SAVES:
        of = function.value
        if isinstance(of, ast.Attribute) and of.attr == "spark":
            return f"mlflow.spark.{function.attr}"
    return ""
