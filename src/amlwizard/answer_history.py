"""Undo and redo of answers: every change that was made to them, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST = 500  # changes that are kept


@dataclass(frozen=True)
class Change:
    """Answers before and after, by recipe path; None where there was none. Changes that follow each
    other in one `run`, such as letters typed into a field, are undone together."""

    before: Mapping[str, object]
    after: Mapping[str, object]
    run: str = ""

    def joined(self, later: Change) -> Change:
        return Change({**later.before, **self.before}, {**self.after, **later.after}, self.run)


@dataclass
class AnswerHistory:
    """What can be undone, and what was undone and can be done again."""

    done: list[Change] = field(default_factory=list)
    undone: list[Change] = field(default_factory=list)

    def add(self, change: Change) -> None:
        """Remember a change that was made; one that takes back the last one is an undo of it."""
        self.undone.clear()
        last = self.done[-1] if self.done else None
        if last and ((change.run and change.run == last.run) or _is_inverse(change, last)):
            change = last.joined(change)
            self.done.pop()
        if change.before != change.after:
            self.done.append(change)
            del self.done[:-LONGEST]

    def undo(self) -> Mapping[str, object]:
        """The answers before the last change, which is undone by them; empty if there is none."""
        if not self.done:
            return {}
        self.undone.append(self.done.pop())
        return self.undone[-1].before

    def redo(self) -> Mapping[str, object]:
        """The answers after the change that was undone last; empty if there is none."""
        if not self.undone:
            return {}
        self.done.append(self.undone.pop())
        return self.done[-1].after


def _is_inverse(change: Change, last: Change) -> bool:
    return change.before == last.after and change.after == last.before
