"""What users read of phases and steps, in as much room as there is."""

from __future__ import annotations

from collections.abc import Mapping

PHASE_TITLES: Mapping[str, str] = {
    "sign-in": "Sign-in",
    "provision": "Platform",
    "train": "Training",
    "register": "Model",
    "deploy": "Deployment",
    "score": "Scoring",
    "verify": "Verify",
    "remove": "Removal",
}
LEAST_WORD = 8


def fitted(title: str, room: int, ellipsis: str = "…") -> str:
    """A title in `room` cells, with its longest word shortened so that the kind of step stays
    readable: a zone's name loses its first label, which all zones share, and a word that is still
    too long its end. A title that does not fit even then is returned unchanged."""
    word = max(title.split(" "), key=len)
    left = max(LEAST_WORD, room - (len(title) - len(word)))
    short = f"{ellipsis}{word.partition('.')[2]}" if "." in word and len(word) > left else word
    if len(short) > left:
        short = f"{short[: left - len(ellipsis)]}{ellipsis}"
    shorter = title.replace(word, short, 1)
    return shorter if len(shorter) <= room else title
