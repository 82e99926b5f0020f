"""A parser of arguments whose help keeps examples as they are, and which says what may have been
meant by a word that it does not know."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

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

    def _split_lines(self, text: str, width: int) -> list[str]:
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
        from rich.cells import cell_len

        label = _("usage: ") if prefix is None else prefix
        wider = cell_len(label) - len(label)
        self._width -= wider
        text = super()._format_usage(usage, actions, groups, label)
        self._width += wider
        return text.replace("\n ", "\n" + " " * (wider + 1))


class Parser(argparse.ArgumentParser):
    def parse_args(self, args: Sequence[str] | None = None) -> argparse.Namespace:  # type: ignore[override]
        """The arguments; the help of the command that does not know one, and exit code 2."""
        given, unknown = self.parse_known_args(args)
        if unknown:
            asked = self._asked(given)
            hint = did_you_mean(
                unknown[0],
                asked._option_string_actions,
                _("See {command} --help.", command=asked.prog),
            )
            words = " ".join(unknown)
            asked.error(_("unknown argument: {words}. {hint}", words=words, hint=hint))
        return given

    def _asked(self, given: argparse.Namespace) -> argparse.ArgumentParser:
        """The parser of the command that was given."""
        parser: argparse.ArgumentParser = self
        for level in ("command", "within"):
            name = getattr(given, level, None)
            if name:
                parser = _commands(parser)[name]
        return parser

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


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = parser._subparsers._group_actions if parser._subparsers else []
    found: dict[str, argparse.ArgumentParser] = dict(actions[0].choices or {})
    return found
