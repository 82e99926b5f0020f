"""The files that a command is to write, looked at before it does any work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amlwizard import paths
from amlwizard.errors import InvalidInputError
from amlwizard.language import _


def usable(path: Path, option: str = "", overwrite: bool = True) -> Path:
    """`path`, if a file can be written there. Raises InvalidInputError if not, or if it exists and
    `overwrite` is false. `option` is the option that has named it."""
    if path.is_dir():
        raise InvalidInputError(
            _("{path} is a folder.", path=path),
            why=_("It must be a file."),
            fix=_another(option),
        )
    if path.is_file() and not overwrite:
        raise InvalidInputError(
            _("{path} exists already.", path=path),
            why=_("Nothing was written."),
            fix=_another_or_force(option),
        )
    if not path.parent.is_dir():
        raise InvalidInputError(
            _("{path} cannot be written.", path=path),
            why=_("There is no folder {folder}.", folder=path.parent),
            fix=_another(option),
        )
    with as_input_errors(path, option):
        _try(path)
    return path


def write(path: Path, text: str, option: str = "") -> None:
    """Write a file in one move. Raises InvalidInputError if it cannot be written."""
    with as_input_errors(path, option):
        paths.write(path, text, opener=None)


@contextmanager
def as_input_errors(path: Path, option: str) -> Iterator[None]:
    """An OSError of the block as an InvalidInputError about the file."""
    try:
        yield
    except OSError as error:
        raise InvalidInputError(
            _("{path} cannot be written.", path=path),
            why=error.strerror or "",
            fix=_another(option),
        ) from None


def _another(option: str) -> str:
    if not option:
        return _("Name another file.")
    return _("Name another file with {option}.", option=option)


def _another_or_force(option: str) -> str:
    if not option:
        return _("Name another file, or overwrite this one with --force.")
    return _("Name another file with {option}, or overwrite this one with --force.", option=option)


def _try(path: Path) -> None:
    """Open the file as it will be; leave no file where there was none. Raises OSError."""
    if path.exists() and not path.is_file():
        return  # a pipe would wait for its reader
    new = not path.exists()
    with path.open("a"):
        pass
    if new:
        path.unlink()
