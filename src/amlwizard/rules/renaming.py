"""Names near to those that were given, and right: without what is not allowed, cut or filled up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from amlwizard.recipe import Names
from amlwizard.recipe.sections import derived
from amlwizard.rules.name_shapes import (
    RESERVED_ANYWHERE,
    RESERVED_AT_START,
    right,
)

HOSTS = (
    r"azurecr\.io|vault\.azure\.net|(?:blob|file|dfs|queue|table)\.core\.windows\.net|"
    r"azuredatabricks\.net|[a-z0-9]+\.inference\.ml\.azure\.com"
)


def follows(names: Names, field: str) -> bool:
    """Whether a name is the one that the prefix gives."""
    template = derived().get(field, "")
    return "{prefix}" in template and getattr(names, field) == _from(template, names.prefix)


def default(names: Names, field: str) -> str:
    """The name that the prefix gives."""
    return _from(derived()[field], names.prefix)


def _from(template: str, prefix: str) -> str:
    return template.replace("{prefix}", prefix)


def is_id(text: str) -> bool:
    """Whether somebody gave the ARM id of a resource, or a part of one, where a name is wanted."""
    return re.search(r"/(subscriptions|resourceGroups|providers)/", f"/{text}", re.I) is not None


def of_host(text: str) -> str:
    """The name in a host name of Azure's: ``cr01`` of ``https://cr01.azurecr.io/``."""
    host = re.fullmatch(rf"(?:https?://)?([A-Za-z0-9-]+)\.(?:{HOSTS})(?:[:/].*)?", text.strip())
    return host[1] if host else text


def renamed(names: Names, field: str) -> dict[str, str]:
    """A right name near to the given one, as a cure; empty where there is none."""
    given = of_host(getattr(names, field))
    template = derived()[field]

    def good(name: str) -> bool:
        return right(field, name)

    # By its abbreviation, where it may not begin as it does.
    bases = [*_cleaned(given), *(_from(template, base) for base in _cleaned(given) if base)]
    bases.append(default(names, field))
    name = next(_near(bases, good), None)
    return {f"names.{field}": name} if name else {}


def with_prefix(names: Names) -> dict[str, str]:
    """A prefix near to the given one that gives right names only, as a cure."""
    following = {f: template for f, template in derived().items() if follows(names, f)}

    def good(prefix: str) -> bool:
        return all(right(field, _from(template, prefix)) for field, template in following.items())

    plain = re.sub(r"[^a-z0-9]", "", _ascii(names.prefix).lower())
    for word in (*RESERVED_ANYWHERE, *RESERVED_AT_START):
        plain = plain.replace(word, "")
    prefix = next(_near([plain, f"aml{plain}"], good), None)
    return {"names.prefix": prefix} if prefix else {}


def another(names: Names, field: str) -> dict[str, str]:
    """The same name with a number after it, as a cure of two that are the same."""
    given = getattr(names, field)
    name = next(_near([f"{given}-2", f"{given[:-2]}-2"], lambda name: right(field, name)), None)
    return {f"names.{field}": name} if name else {}


def _ascii(text: str) -> str:
    """Without accents: what is left of letters that Azure does not take."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _cleaned(text: str) -> list[str]:
    """The text with fewer and fewer kinds of characters, reserved words taken out."""
    text = _ascii(text.strip())
    for word in (*RESERVED_ANYWHERE, *(f"^{word}" for word in RESERVED_AT_START)):
        text = re.sub(word, "", text, flags=re.IGNORECASE)
    dashed = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._-]+", "-", text)).strip("-._")
    plain = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9]+", "-", dashed)).strip("-")
    letters = plain.replace("-", "")
    return [dashed, plain, letters, letters.lower()]


def _near(bases: list[str], good: Callable[[str], bool]) -> Iterator[str]:
    """The bases that are good, cut where they are too long, filled up where they are too short."""
    for base in bases:
        for end in range(len(base), 0, -1):
            cut = base[:end].rstrip("-._")
            if good(cut):
                yield cut
                break
    for base in bases:
        for more in ("1", "01", "001", "0001", "00001"):
            if good(base + more):
                yield base + more
