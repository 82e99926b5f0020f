"""What was meant by a word that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from amlwizard.language import _


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, whatever its case; None if none is."""
    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, 1)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """``Did you mean replay?``, or the sentence `otherwise` if nothing known is like `word`."""
    meant = nearest(word, known)
    return _("Did you mean {meant}?", meant=meant) if meant else otherwise
