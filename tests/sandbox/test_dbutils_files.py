"""dbutils.fs in cells of the sandbox: the files of the node, and no DBFS root."""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.platforms import Platform

from amlwizard.errors import StepError
from amlwizard.sandbox.databricks.files import FileInfo, FileSystem

pytestmark = pytest.mark.xdist_group("refusals")

Run = Callable[..., Any]


@pytest.fixture
def in_cells(platform: Platform, tmp_path: Path) -> Run:
    """Runs cells that know `here`, a folder as ``file:/...``; answers what they say."""
    given = f"import json\nhere = {f'file:{tmp_path}'!r}\nsay = lambda **w: print('amlwizard:' + json.dumps(w))"
    return lambda *cells: platform.run(given, *cells)


def test_its_functions_are_those_of_databricks_own_client() -> None:
    import databricks.sdk

    # Imported by its name it signs in first.
    stub = runpy.run_path(str(Path(databricks.sdk.__file__).parent / "runtime" / "dbutils_stub.py"))
    theirs = stub["dbutils"].fs
    for name, function in inspect.getmembers(FileSystem, inspect.isfunction):
        _, *ours = inspect.signature(function).parameters.values()
        wanted = inspect.signature(getattr(theirs, name)).parameters.values()
        assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in wanted], name
    assert FileInfo._fields == stub["FileInfo"]._fields


def test_files_of_the_node_are_written_listed_and_removed(in_cells: Run, tmp_path: Path) -> None:
    said = in_cells("""
fs = dbutils.fs
done = [fs.mkdirs(f"{here}/a/b"), fs.put(f"{here}/a/one.txt", "eins\\nzwei"), fs.rm(f"{here}/none")]
listed = [(f.path, f.name, f.size, f.isDir()) for f in fs.ls(f"{here}/a")]
fs.cp(f"{here}/a", f"{here}/c", recurse=True)
fs.put(f"{here}/a/at 12:30", "")
fs.mv(f"{here}/c/one.txt", f"{here}/c/b")
with open(here.removeprefix("file:") + "/a/one.txt") as file:
    same = file.read()
say(
    done=done, listed=listed, same=same, head=fs.head(f"{here}/a/one.txt", 4),
    moved=[f.name for f in fs.ls(f"{here}/c/b")], left=[f.name for f in fs.ls(f"{here}/c")],
    gone=fs.rm(f"{here}/a", True),
)
""")
    assert said["done"] == [True, True, False] and said["gone"] is True
    assert said["listed"] == [
        [f"file:{tmp_path}/a/b/", "b/", 0, True],
        [f"file:{tmp_path}/a/one.txt", "one.txt", 9, False],
    ]
    assert (said["same"], said["head"]) == ("eins\nzwei", "eins")
    assert (said["moved"], said["left"]) == (["one.txt"], ["b/"])
    assert sorted(one.name for one in tmp_path.iterdir()) == ["c"]


REFUSED = {
    "dbutils.fs.ls('/tmp')": "DBFS_DISABLED",
    "dbutils.fs.mkdirs('dbfs:/FileStore/x')": "Access is denied on path: /FileStore/x",
    "dbutils.fs.put('/dbfs/tmp/x', '')": "DBFS_DISABLED",
    "dbutils.fs.put('tmp/x', '')": "Path must be absolute",
    "dbutils.fs.ls('/Volumes/a/b/none')": "File dbfs:/Volumes/a/b/none does not exist",
    "dbutils.fs.head(f'{here}/none')": "does not exist",
    "dbutils.fs.ls('abfss://a@b.dfs.core.windows.net/c')": "no storage",
    "dbutils.fs.put(f'{here}/x', ''); dbutils.fs.put(f'{here}/x', '')": "already exists",
    "dbutils.fs.put(f'{here}/d/x', ''); dbutils.fs.rm(f'{here}/d')": "not empty",
    "dbutils.fs.mkdirs(f'{here}/d'); dbutils.fs.cp(f'{here}/d', f'{here}/e')": "recurse",
}


@pytest.mark.parametrize("cell", REFUSED)
def test_what_is_not_there_or_not_allowed_is_refused(in_cells: Run, cell: str) -> None:
    with pytest.raises(StepError) as error:
        in_cells(cell)
    assert "ExecutionError: " in error.value.what and REFUSED[cell] in error.value.what
