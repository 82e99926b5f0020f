"""Where amlwizard keeps its files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

Opener = Callable[[str, int], int]


def state_folder() -> Path:
    """The folder of journals, drafts, the log and the embedded sandbox: AMLWIZARD_HOME, otherwise
    the platform's state folder for programs."""
    given = os.environ.get("AMLWIZARD_HOME")
    if given:
        return Path(given).absolute()
    from platformdirs import user_state_path

    return user_state_path("amlwizard")


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, for their owner only, whatever the umask.
    Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
    path.mkdir(exist_ok=True)  # says what is wrong with a path that is not a folder
    return path


def private(path: str, flags: int) -> int:
    """An opener (see `open`) of files for their owner only, whatever the umask."""
    descriptor = os.open(path, flags, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):  # no pipe, and not /dev/null
        os.fchmod(descriptor, 0o600)
    return descriptor


def write(path: Path, text: str, opener: Opener | None = private) -> None:
    """Write a file in one move: a reader, and whoever comes after a crash, finds the old file or
    the new one. A link leads to it as before; what is no file, such as a pipe, is written to.
    Raises OSError, and then leaves nothing behind."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(new, "w", encoding="utf-8", opener=opener) as out:
            out.write(text)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
