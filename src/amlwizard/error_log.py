"""The log of unexpected errors: tracebacks that maintainers need and users do not."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from threading import Lock

from amlwizard.errors import AmlwizardError, CloudError
from amlwizard.json_types import ODD
from amlwizard.language import _
from amlwizard.paths import private, private_folder, state_folder
from amlwizard.plain_text import plain
from amlwizard.secret import hide

NAME = "amlwizard.log"
LARGEST = 1_000_000  # bytes; older entries move to a second file of that size, then are deleted
LONGEST = 300  # characters of an error's text, which may be all of an answer

_lock = Lock()


def unexpected(error: BaseException, advice: str) -> AmlwizardError:
    """A bug in amlwizard, as an error that can be shown. Its traceback goes to the log, whose path
    the `fix` gives after `advice`, a sentence."""
    why = _("amlwizard did not foresee this.")
    return AmlwizardError(_summary(error), why=why, fix=f"{advice} {_reporting(error)}")


@contextmanager
def reading_answers(doing: str, advice: str = _("Try again.")) -> Iterator[None]:
    """Within the block, the answers of a cloud are read: what is not of the form that its service
    documents raises CloudError, whose message `doing` begins. It is logged as if it were
    unexpected, since it may be a bug as well."""
    try:
        yield
    except ODD as error:
        raise CloudError(
            _("{doing}: an answer cannot be read.", doing=doing),
            why=_(
                "It is not of the form that its service documents ({error}).", error=_summary(error)
            ),
            fix=f"{advice} {_reporting(error)}",
        ) from None


def _summary(error: BaseException) -> str:
    text = hide(f"{type(error).__name__}: {error}")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _reporting(error: BaseException) -> str:
    """A sentence about the log, in which the error is noted."""
    try:
        return _("If it happens again, report it with {log}.", log=_log(error))
    except OSError:
        return _("If it happens again, report it.")


def _log(error: BaseException) -> Path:
    """Append the traceback, with secrets masked; return the path of the log. Raises OSError if it
    cannot be written."""
    import logging
    from logging.handlers import RotatingFileHandler

    class Private(RotatingFileHandler):
        def _open(self) -> TextIOWrapper:
            return open(self.baseFilename, "a", encoding="utf-8", opener=private)

        def handleError(self, record: logging.LogRecord) -> None:
            raise

    class Masked(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return plain(hide(super().format(record)))

    path = state_folder() / NAME
    made_with = (
        f"amlwizard {version('amlwizard')}, Python {platform.python_version()}, {sys.platform}"
    )
    details = (type(error), error, error.__traceback__)
    record = logging.LogRecord("amlwizard", logging.ERROR, "", 0, made_with, None, details)
    with _lock:
        private_folder(path.parent)
        handler = Private(path, maxBytes=LARGEST, backupCount=1, delay=True)
        handler.setFormatter(Masked("%(asctime)s %(threadName)s %(message)s"))
        try:
            handler.handle(record)
        finally:
            handler.close()
    return path
