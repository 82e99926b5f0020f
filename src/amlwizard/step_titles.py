"""What users read about phases and steps: titles, shortened where there is little room, and the
words for actions and states."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len, set_cell_size

from amlwizard.language import _

PHASE_TITLES: Mapping[str, str] = {
    "sign-in": _("Sign-in"),
    "provision": _("Platform"),
    "train": _("Training"),
    "register": _("Model"),
    "deploy": _("Deployment"),
    "score": _("Scoring"),
    "verify": _("Verification"),
    "remove": _("Removal"),
}
ACTION_WORDS: Mapping[str, str] = {
    "create": _("create"),
    "update": _("update"),
    "keep": _("keep"),
    "wait": _("wait"),
    "run": _("run"),
    "delete": _("delete"),
}
STATE_WORDS: Mapping[str, str] = {
    "waiting": _("waiting"),
    "running": _("running"),
    "done": _("done"),
    "kept": _("kept"),
    "failed": _("failed"),
    "blocked": _("blocked"),
    "cancelled": _("cancelled"),
}
LEAST_WORD = 8


def standalone(title: str, phase: str) -> str:
    """A step's title where no heading names its phase: the title of a step that removes is that of
    what it removes."""
    return _("Remove: {title}", title=title) if phase == "remove" else title


def fitted(title: str, room: int, ellipsis: str = "…") -> str:
    """A title in `room` cells, with its longest word shortened so that the kind of step stays
    readable: a zone's name loses its first label, which all zones share, and a word that is still
    too long its end. A title that does not fit even then loses its own end."""
    if cell_len(title) <= room:
        return title
    word = max(title.split(" "), key=cell_len)
    left = max(LEAST_WORD, room - (cell_len(title) - cell_len(word)))
    short = f"{ellipsis}{word.partition('.')[2]}" if "." in word and cell_len(word) > left else word
    shorter = title.replace(word, cut(short, left, ellipsis), 1)
    return shorter if cell_len(shorter) <= room else cut(title, room, ellipsis)


def cut(text: str, room: int, ellipsis: str = "…") -> str:
    """A text in `room` cells, of which some letters take two."""
    if cell_len(text) <= room:
        return text
    # Where the cut goes through a letter of two cells, a space stands for its half.
    return set_cell_size(text, max(0, room - cell_len(ellipsis))).rstrip() + ellipsis
