"""How questions are asked: with line editing and menus, or as plain lines for terminals that
support neither, for slow links and for screen readers. The wording is the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from amlwizard.fields import one_line
from amlwizard.language import _
from amlwizard.prompts.pasting import Taking, insert, rest

if TYPE_CHECKING:
    from questionary import Question

LEAVE_OUT = "-"


class Asker(Protocol):
    """Every method raises KeyboardInterrupt when the user leaves: on Ctrl-C or end of input. `hint`
    says how to answer, where that cannot be seen."""

    hint: str

    def text(self, message: str, current: str, stands: str = "", taking: Taking = one_line) -> str:
        """A text. Enter keeps `current`; without one, `stands` is the value that applies. An empty
        answer removes the current value. Of a paste it is what `taking` takes."""

    def choose(self, message: str, choices: Sequence[str], current: str) -> str:
        """One of the choices; Enter keeps `current`."""

    def confirm(self, message: str, current: bool) -> bool: ...


class Plain:
    """Reads one line per question and draws nothing else."""

    hint = _("Enter keeps the value in brackets, {mark} removes it. Ctrl-C leaves.", mark=LEAVE_OUT)

    def __init__(self, given: TextIO, out: TextIO) -> None:
        self.given, self.out = given, out
        self._entered = 0  # how often Enter was pressed ahead

    def _line(self, message: str, taking: Taking = one_line) -> str:
        while True:
            self.out.write(f"{message}: ")
            self.out.flush()
            text = self._read()
            if "\n" not in text:
                return text
            taken = taking(text)
            if taken.said:
                self.out.write(f"\n{taken.said}\n")
            if taken.text:
                return taken.text

    def _read(self) -> str:
        """A line, or the lines of a paste."""
        if self._entered:
            self._entered -= 1
            return ""
        line = self.given.readline()
        if not line:
            self.out.write("\n")
            raise KeyboardInterrupt
        more = rest(self.given)
        if not more.strip():
            self._entered = more.count("\n")
            return line.strip()
        return (line + more).strip()

    def text(self, message: str, current: str, stands: str = "", taking: Taking = one_line) -> str:
        shown = f" [{current or stands}]" if current or stands else ""
        answer = self._line(f"{message}{shown}", taking)
        return current if not answer else "" if answer == LEAVE_OUT else answer

    def choose(self, message: str, choices: Sequence[str], current: str) -> str:
        for number, choice in enumerate(choices, 1):
            self.out.write(f"  {number}  {choice}\n")
        while True:
            answer = self._line(f"{message} [{current}]" if current else message)
            if not answer and current:
                return current
            if answer in choices:
                return answer
            if answer.isdigit() and 1 <= int(answer) <= len(choices):
                return choices[int(answer) - 1]
            told = _("Answer with a number from 1 to {last}, or a name.", last=len(choices))
            self.out.write(f"{told}\n")

    def confirm(self, message: str, current: bool) -> bool:
        while True:
            answer = self._line(f"{message} [{'Y/n' if current else 'y/N'}]").lower()
            if not answer:
                return current
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
            told = _("Answer yes or no.")
            self.out.write(f"{told}\n")


class Terminal:
    """Line editing, line history, and menus with arrow keys."""

    hint = ""

    def __init__(self) -> None:
        import questionary

        self._text, self._select = questionary.text, questionary.select
        self._confirm = questionary.confirm
        plain = bool(os.environ.get("NO_COLOR"))
        self._style = questionary.Style(
            [] if plain else [("qmark", "fg:ansicyan"), ("answer", "bold")]
        )

    def text(self, message: str, current: str, stands: str = "", taking: Taking = one_line) -> str:
        shown = f"{message} [{stands}]:" if stands and not current else f"{message}:"
        question = self._text(shown, default=current, qmark="?", style=self._style)
        return str(_answer(question, taking)).strip()

    def choose(self, message: str, choices: Sequence[str], current: str) -> str:
        question = self._select(
            f"{message}:",
            choices=list(choices),
            default=current or None,
            instruction=_("(arrow keys, Enter)"),
            pointer=">",
            style=self._style,
        )
        return str(_answer(question))

    def confirm(self, message: str, current: bool) -> bool:
        return bool(_answer(self._confirm(message, default=current, style=self._style)))


def _answer(question: Question, taking: Taking = one_line) -> object:
    """The answer. Raises KeyboardInterrupt on Ctrl-C and, in menus too, on Ctrl-D. Menus take no
    paste."""
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
    from prompt_toolkit.keys import Keys

    ours = KeyBindings()

    @ours.add("c-d")
    def leave(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    @ours.add(Keys.BracketedPaste)
    def paste(event: KeyPressEvent) -> None:
        insert(event, taking)

    own = question.application.key_bindings
    question.application.key_bindings = merge_key_bindings([own, ours] if own else [ours])
    return question.unsafe_ask()


def asker_for(plain: bool = False) -> Asker:
    """Plain lines if asked for, if standard input or output is not a terminal, or if the
    terminal is limited; otherwise menus and line editing."""
    drawn = sys.stdin.isatty() and sys.stdout.isatty()
    if plain or not drawn or os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return Plain(sys.stdin, sys.stdout)
    return Terminal()
