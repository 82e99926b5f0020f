"""dbutils.fs: the files of the node, by ``file:/``, and those below ``/Volumes`` where this machine has
that folder, as `open` finds them. There is no DBFS root: new accounts of Databricks have none."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

VOLUMES = "/Volumes"


class ExecutionError(Exception):
    """What dbutils raises."""


class FileInfo(NamedTuple):
    """`modificationTime` is in milliseconds."""

    path: str
    name: str
    size: int
    modificationTime: int

    def isDir(self) -> bool:
        return self.name.endswith("/")

    def isFile(self) -> bool:
        return not self.isDir()


class FileSystem:
    """Parameters are named as in the stub that Databricks' SDK has of it."""

    def ls(self, path: str) -> list[FileInfo]:
        place = _there(path)
        found = sorted(place.iterdir()) if place.is_dir() else [place]
        return [_info(_scheme(path), one) for one in found]

    def head(self, file: str, max_bytes: int = 65536) -> str:
        place = _there(file)
        if place.is_dir():
            raise ExecutionError(f"java.io.FileNotFoundException: {file} is a directory")
        with place.open("rb") as content:
            read = content.read(max_bytes + 1)
        if len(read) > max_bytes:
            print(f"[Truncated to first {max_bytes} bytes]")
        return read[:max_bytes].decode("utf-8", "replace")

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        place = _place(file)
        if place.exists() and not overwrite:
            raise ExecutionError(
                f"org.apache.hadoop.fs.FileAlreadyExistsException: {file} already exists"
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        written = place.write_bytes(contents.encode())
        print(f"Wrote {written} bytes.")
        return True

    def mkdirs(self, dir: str) -> bool:
        _place(dir).mkdir(parents=True, exist_ok=True)
        return True

    def rm(self, dir: str, recurse: bool = False) -> bool:
        place = _place(dir)
        if not place.exists():
            return False
        if not place.is_dir():
            place.unlink()
        elif recurse:
            shutil.rmtree(place)
        elif any(place.iterdir()):
            raise ExecutionError(f"java.io.IOException: Directory {dir} is not empty.")
        else:
            place.rmdir()
        return True

    def cp(self, source: str, dest: str, recurse: bool = False) -> bool:
        place, to = _there(source), _place(dest)
        if not place.is_dir():
            to = to / place.name if to.is_dir() else to
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, to)
        elif recurse:
            shutil.copytree(place, to, dirs_exist_ok=True)
        else:
            raise ExecutionError(
                f"java.io.IOException: {source} is a directory: recurse must be true to copy it"
            )
        return True

    def mv(self, source: str, dest: str, recurse: bool = False) -> bool:
        return self.cp(source, dest, recurse) and self.rm(source, recurse)


def _scheme(path: str) -> str:
    return "file:" if path.startswith("file:") else "dbfs:"


def _place(path: str) -> Path:
    """Where a path is on this machine. Raises ExecutionError where there is nothing for it."""
    named = re.match("([a-z]+):", path)
    scheme = named[1] if named else ""
    place = re.sub("^/+", "/", path[named.end() :] if named else path)
    if scheme not in ("", "dbfs", "file"):
        raise ExecutionError(f"the sandbox has no storage for {path}")
    if not place.startswith("/"):
        raise ExecutionError(f"java.lang.IllegalArgumentException: Path must be absolute: {path}")
    if scheme != "file" and not f"{place}/".startswith(f"{VOLUMES}/"):
        raise ExecutionError(
            "[DBFS_DISABLED] Public DBFS root is disabled. Access is denied on path: "
            f"{place} SQLSTATE: 56038"
        )
    return Path(place)


def _there(path: str) -> Path:
    place = _place(path)
    if not place.exists():
        raise ExecutionError(
            f"java.io.FileNotFoundException: File {_scheme(path)}{place} does not exist"
        )
    return place


def _info(scheme: str, place: Path) -> FileInfo:
    about, end = place.stat(), "/" if place.is_dir() else ""
    size = 0 if end else about.st_size
    changed = about.st_mtime_ns // 1_000_000
    return FileInfo(f"{scheme}{place}{end}", f"{place.name}{end}", size, changed)
