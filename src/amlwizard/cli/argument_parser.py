"""A parser of arguments whose help keeps examples as they are, and which says what may have been
meant by a word that it does not know."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NoReturn

from amlwizard.language import _
from amlwizard.nearest import did_you_mean


class Formatter(argparse.HelpFormatter):
    """Wraps at cells, of which some letters take two; of the texts around the arguments not the indented
    lines: these are commands."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(
            line if line.startswith("  ") else "\n".join(self._split_lines(line, width))
            for line in text.splitlines()
        )

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """``-o, --output FILE``, as Python 3.13 has it, on every version."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"

    def _split_lines(self, text: str, width: int) -> list[str]:
        if text.isascii():  # without loading anything
            return super()._split_lines(text, width)
        from rich.console import Console
        from rich.text import Text

        from amlwizard.line_breaks import let_lines_end_between_letters

        let_lines_end_between_letters()
        lines = Text(" ".join(text.split())).wrap(Console(), width)
        return [line.plain.rstrip() for line in lines]

    def _format_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None,
    ) -> str:
        label = _("usage: ") if prefix is None else prefix
        if label.isascii():
            return super()._format_usage(usage, actions, groups, label)
        from rich.cells import cell_len

        wider = cell_len(label) - len(label)
        self._width -= wider
        text = super()._format_usage(usage, actions, groups, label)
        self._width += wider
        return text.replace("\n ", "\n" + " " * (wider + 1))


class Parser(argparse.ArgumentParser):
    def parse_args(self, args: Sequence[str] | None = None) -> argparse.Namespace:  # type: ignore[override]
        """The arguments; the help of the command that does not know one, and exit code 2."""
        words = list(itertools.takewhile("--".__ne__, args or ()))
        known = [option for parser in _all(self) for option in parser._option_string_actions]
        mistyped = [word for word in words if word.startswith("--") and not _begins(word, known)]
        if mistyped:  # said before argparse misses the one that was meant
            _refuse(_named(self, words), mistyped)
        given, unknown = self.parse_known_args(args)
        if unknown:
            _refuse(_named(self, words), unknown)
        return given

    def _check_value(self, action: argparse.Action, value: object) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if not choices or value in choices:
            return
        listed = ", ".join(choices)
        hint = did_you_mean(str(value), choices, _("Choose from {choices}.", choices=listed))
        if isinstance(action, argparse._SubParsersAction):
            raise argparse.ArgumentError(
                None, _("unknown command {value!r}. {hint}", value=value, hint=hint)
            )
        raise argparse.ArgumentError(
            action, _("unknown choice {value!r}. {hint}", value=value, hint=hint)
        )


def _refuse(command: argparse.ArgumentParser, unknown: Sequence[str]) -> NoReturn:
    see = _("See {command} --help.", command=command.prog)
    hint = did_you_mean(unknown[0], command._option_string_actions, see)
    command.error(_("unknown argument: {words}. {hint}", words=" ".join(unknown), hint=hint))


def _begins(word: str, options: Iterable[str]) -> bool:
    """Whether the word is one of the options, or short for one."""
    return any(option.startswith(word.partition("=")[0]) for option in options)


def _named(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the command that the words name."""
    for word in words:
        parser = _commands(parser).get(word, parser)
    return parser


def _all(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for command in _commands(parser).values():
        yield from _all(command)


def _commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    actions = parser._subparsers._group_actions if parser._subparsers else []
    return {name: command for one in actions for name, command in dict(one.choices or {}).items()}
