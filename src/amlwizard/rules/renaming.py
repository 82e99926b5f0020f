"""Finds valid names close to the given ones: invalid characters removed, shortened or padded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from amlwizard.recipe import Names
from amlwizard.recipe.sections import derived
from amlwizard.rules.name_shapes import (
    RESERVED_ANYWHERE,
    RESERVED_AT_START,
    is_valid_name,
)

HOSTS = (
    r"azurecr\.io|vault\.azure\.net|(?:blob|file|dfs|queue|table)\.core\.windows\.net|"
    r"azuredatabricks\.net|[a-z0-9]+\.inference\.ml\.azure\.com"
)


def follows(names: Names, field: str) -> bool:
    """Whether a name is the one derived from the prefix."""
    template = derived().get(field, "")
    return "{prefix}" in template and getattr(names, field) == _from(template, names.prefix)


def default(names: Names, field: str) -> str:
    """The name derived from the prefix."""
    return _from(derived()[field], names.prefix)


def _from(template: str, prefix: str) -> str:
    return template.replace("{prefix}", prefix)


def is_id(text: str) -> bool:
    """Whether the text is the ARM id of a resource, or a part of one, instead of a name."""
    return re.search(r"/(subscriptions|resourceGroups|providers)/", f"/{text}", re.I) is not None


def of_host(text: str) -> str:
    """The resource name in an Azure host name or URL: ``cr01`` for ``https://cr01.azurecr.io/``.
    Any other text is returned unchanged."""
    host = re.fullmatch(rf"(?:https?://)?([A-Za-z0-9-]+)\.(?:{HOSTS})(?:[:/].*)?", text.strip())
    return host[1] if host else text


def renamed(names: Names, field: str) -> dict[str, str]:
    """A cure with a valid name close to the given one; empty if there is none."""
    given = of_host(getattr(names, field))
    template = derived()[field]

    def good(name: str) -> bool:
        return is_valid_name(field, name)

    # With the abbreviation of its type in front, if the name's own start is not allowed.
    bases = [*_cleaned(given), *(_from(template, base) for base in _cleaned(given) if base)]
    bases.append(default(names, field))
    name = next(_near(bases, good), None)
    return {f"names.{field}": name} if name else {}


def with_prefix(names: Names) -> dict[str, str]:
    """A cure with a prefix close to the given one from which only valid names are derived; empty if
    there is none."""
    following = {f: template for f, template in derived().items() if follows(names, f)}

    def good(prefix: str) -> bool:
        return all(
            is_valid_name(field, _from(template, prefix)) for field, template in following.items()
        )

    plain = re.sub(r"[^a-z0-9]", "", _ascii(names.prefix).lower())
    for word in (*RESERVED_ANYWHERE, *RESERVED_AT_START):
        plain = plain.replace(word, "")
    prefix = next(_near([plain, f"aml{plain}"], good), None)
    return {"names.prefix": prefix} if prefix else {}


def another(names: Names, field: str) -> dict[str, str]:
    """A cure for two equal names: the name with ``-2`` at its end; empty if that is not valid."""
    given = getattr(names, field)
    name = next(
        _near([f"{given}-2", f"{given[:-2]}-2"], lambda name: is_valid_name(field, name)), None
    )
    return {f"names.{field}": name} if name else {}


def _ascii(text: str) -> str:
    """The text in ASCII: accents are stripped, other non-ASCII characters dropped."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _cleaned(text: str) -> list[str]:
    """Versions of the text with fewer and fewer kinds of characters, without reserved words."""
    text = _ascii(text.strip())
    for word in (*RESERVED_ANYWHERE, *(f"^{word}" for word in RESERVED_AT_START)):
        text = re.sub(word, "", text, flags=re.IGNORECASE)
    dashed = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9._-]+", "-", text)).strip("-._")
    plain = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9]+", "-", dashed)).strip("-")
    letters = plain.replace("-", "")
    return [dashed, plain, letters, letters.lower()]


def _near(bases: list[str], good: Callable[[str], bool]) -> Iterator[str]:
    """Valid names made from the bases: first shortened ones, then ones padded with digits."""
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
