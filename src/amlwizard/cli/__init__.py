"""The command line: parses arguments, and imports no more than the command needs."""

from __future__ import annotations

import argparse
import errno
import io
import locale
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TextIO

from amlwizard import language
from amlwizard.cli import options
from amlwizard.command_line import command_line, program
from amlwizard.language import _


class Command(NamedTuple):
    """A command: its module in `commands`, imported when it is called, its function, and its
    options."""

    module: str
    function: str
    options: type[options.Options]


COMMANDS: Mapping[str, Command] = {
    "": Command("wizard", "wizard", options.WizardOptions),
    "ask": Command("ask", "ask", options.AskOptions),
    "check": Command("check", "check", options.CheckOptions),
    "preflight": Command("preflight", "preflight", options.PreflightOptions),
    "plan": Command("plan", "plan", options.PlanOptions),
    "replay": Command("replay", "replay", options.ReplayOptions),
    "resume": Command("resume", "resume", options.ResumeOptions),
    "runs": Command("runs", "runs", options.RunsOptions),
    "key": Command("key", "key", options.KeyOptions),
    "verify": Command("verify", "verify", options.VerifyOptions),
    "destroy": Command("destroy", "destroy", options.DestroyOptions),
    "export": Command("export", "export", options.ExportOptions),
    "demo": Command("demo", "demo", options.DemoOptions),
    "recipes list": Command("recipes", "list_all", options.Options),
    "recipes copy": Command("recipes", "copy_one", options.CopyOptions),
    "doctor": Command("doctor", "doctor", options.DoctorOptions),
    "completion": Command("completion", "completion", options.CompletionOptions),
    "schema": Command("schema", "schema", options.Options),
    "sandbox": Command("sandbox", "sandbox", options.SandboxOptions),
    "sandbox compare": Command("compare", "compare", options.CompareOptions),
}


UNREAD = 141  # as a shell says of a command that SIGPIPE has ended
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
BARRED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    # Before what takes long is imported; and what holds texts only once their language is known.
    from amlwizard.run_control import signals_handled_by

    try:
        with signals_handled_by(_interrupt):
            return _ended(argv)
    except KeyboardInterrupt:
        return 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    """What any signal does that ends a command, as Ctrl-C does by default."""
    raise KeyboardInterrupt


def _ended(argv: Sequence[str] | None) -> int:
    _open_streams()
    given = sys.argv[1:] if argv is None else argv
    language.use(_language_of(given))
    try:
        code = _code_of(given)
        sys.stdout.flush()  # here, where errors are reported, and not at interpreter exit
    except (BrokenPipeError, SystemExit):  # what rich raises in its place
        from amlwizard.cli.reader import discard_output

        discard_output()
        return UNREAD
    except OSError as error:
        if error.errno == errno.EIO:  # the terminal was closed: there is nowhere to report it
            return 130
        return _unwritable(error)
    return code


def _language_of(argv: Sequence[str]) -> str | None:
    """The language that the arguments name, before any of them is explained in it; English where a stream
    could write another only as escapes."""
    early = argparse.ArgumentParser(add_help=False)
    early.add_argument("--lang", nargs="?")
    named = early.parse_known_args(argv)[0].lang
    name = language.LANGUAGES.get(named or language.chosen(), "")
    return named if name and all(_writes(s, name) for s in (sys.stdout, sys.stderr)) else "en"


def _writes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _open_streams() -> None:
    """A shell may have closed a stream (``<&-``), and a stream may lack an encoding for a name: no
    command is to fail of either."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            _escape(stream)


def _code_of(argv: Sequence[str]) -> int:
    """The exit code of a command, whose errors are shown. Raises those of a stream that cannot be
    written."""
    try:
        given = _parsed(argv)
    except SystemExit as end:
        return int(end.code or 0)
    from amlwizard.cli.reader import reader_has_gone
    from amlwizard.errors import AmlwizardError

    try:
        code = _run(given)
    except AmlwizardError as error:
        from amlwizard.console import show_error

        show_error(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        if error.errno in (errno.EPIPE, errno.EIO, *FULL):
            raise
        if error.errno in BARRED and error.filename:
            return _unwritable(error)
        return _unexpected(error)
    except Exception as error:  # noqa: BLE001 - users see a message, never a traceback
        return _unexpected(error)
    return UNREAD if code == 130 and reader_has_gone() else code


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    from amlwizard.cli.arguments import parser  # whose constants are texts

    return parser(program()).parse_args(argv)


def _escape(stream: io.TextIOWrapper) -> None:
    """Write what the stream cannot encode as escapes: names may contain any character. A terminal
    has the encoding of its locale, also where Python takes UTF-8 for the locale C."""
    if stream.isatty() and not {"PYTHONIOENCODING", "PYTHONUTF8"} & set(os.environ):
        stream.reconfigure(encoding=locale.getencoding())
    stream.reconfigure(errors="backslashreplace")


def _unwritable(error: OSError) -> int:
    from amlwizard.cli.reader import discard_output
    from amlwizard.console import show_error
    from amlwizard.errors import AmlwizardError

    if error.errno in FULL:
        discard_output(sys.stdout)  # what is still in its buffer cannot be written either
    where = (
        _("{file} cannot be written.", file=error.filename)
        if error.filename
        else _("The disk is full.")
    )
    fix = _("Free some space, then run the command again.")
    if error.errno in BARRED:
        fix = _(
            "Name a place that you may write to; AMLWIZARD_HOME names the folder of runs, sessions "
            "and the sandbox."
        )
    show_error(AmlwizardError(where, why=error.strerror or "", fix=fix))
    return 1


def _unexpected(error: Exception) -> int:
    from amlwizard.console import show_error
    from amlwizard.error_log import unexpected

    show_error(unexpected(error, _("Try again.")))
    return 1


def _run(given: argparse.Namespace) -> int:
    if sys.platform == "win32":
        from amlwizard.errors import InvalidInputError

        raise InvalidInputError(
            _("amlwizard does not run on Windows."),
            why=_("It needs terminals and process groups as Linux and macOS have them."),
            fix=_("Install it in WSL, the Windows Subsystem for Linux."),
        )
    if given.command is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        from amlwizard.errors import InvalidInputError

        raise InvalidInputError(
            _("There is no terminal here for the wizard."),
            why=_("It draws on a terminal and reads keys from it."),
            fix=_(
                "Use a command: `{ask}` asks line by line, and `{help}` lists those that ask nothing.",
                ask=command_line("ask", "--plain"),
                help=command_line("--help"),
            ),
        )
    name = " ".join(filter(None, (given.command, getattr(given, "within", None))))
    command = COMMANDS[name]
    run = getattr(import_module(f"amlwizard.cli.commands.{command.module}"), command.function)
    return int(run(command.options.of(given)))
