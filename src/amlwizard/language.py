"""The language of this process: texts are English in the source, and gettext's catalogues in `languages`
hold the others. It is the same from the start of the process to its end, so that a constant of a module
may be a text as well."""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

VARIABLE = "AMLWIZARD_LANG"
LANGUAGES: Mapping[str, str] = {"en": "English", "ja": "日本語"}  # each by its own name
DOMAIN = "amlwizard"
CATALOGUES = Path(__file__).parent / "languages"
OF_A_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides, as POSIX has it


def use(language: str | None = None) -> None:
    """Make `language`, or else the one that is `chosen`, that of this process and those that it starts.
    Called before any text is read. argparse looks up its own messages by the same catalogue."""
    os.environ[VARIABLE] = os.environ["LANGUAGE"] = language or chosen()
    gettext.bindtextdomain(DOMAIN, CATALOGUES)
    gettext.textdomain(DOMAIN)


def chosen() -> str:
    """The language by AMLWIZARD_LANG, or else by the locale: a key of LANGUAGES. English where neither
    names one of them."""
    named = os.environ.get(VARIABLE) or next(filter(None, map(os.environ.get, OF_A_LOCALE)), "")
    language = named.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return language if language in LANGUAGES else "en"


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, CATALOGUES, [chosen()], fallback=True)


def _(message: str, /, **values: object) -> str:
    """A text in the language of this process; `{name}` stands for the value of that name."""
    text = _catalogue().gettext(message) if message else ""  # that of "" describes the catalogue
    return text.format(**values) if values else text


def _n(one: str, many: str, n: int, /, **values: object) -> str:
    """A text about `n` things, which `{n}` stands for: `one` for a single one, `many` for others."""
    return _catalogue().ngettext(one, many, n).format(n=n, **values)


def listed(items: Sequence[str], most: int = 3) -> str:
    """The items joined with commas and "and"; beyond `most`, the number of the remaining ones."""
    if len(items) > most:
        return _("{items} and {n} more", items=_(", ").join(items[:most]), n=len(items) - most)
    if len(items) < 2:
        return "".join(items)
    return _("{items} and {last}", items=_(", ").join(items[:-1]), last=items[-1])


def sentences(*texts: str) -> str:
    """The sentences in one text, without empty ones: as the language has it, a space between them or none."""
    between = _("{sentence} {next}", sentence="", next="")
    return between.join(filter(None, texts))


def one_of(items: Sequence[str]) -> str:
    """The items joined with commas and "or"."""
    if len(items) < 2:
        return "".join(items)
    return _("{items} or {last}", items=_(", ").join(items[:-1]), last=items[-1])
