"""Rules about tags: their names, values and number."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import listed
from amlwizard.recipe import Names
from amlwizard.rules.base import Rule, rule

SOURCE = "Azure Resource Manager, use tags to organize your Azure resources"
OURS = "amlwizard"
FORBIDDEN = "<>%&\\?/"
RESERVED = ("microsoft", "azure", "windows")
LONGEST_NAME, LONGEST_VALUE = 128, 256  # limit for names on storage accounts; 512 elsewhere
MOST = 15  # limit of a private DNS zone, including our tag; 50 elsewhere


@rule(
    "NM-6",
    "Azure limits the number of tags, and their names and values.",
    "names",
    about=("names.tags",),
    source=SOURCE,
)
def tags(rule: Rule, names: Names) -> Iterator[Finding]:
    given = names.tags
    if len(given) >= MOST:
        yield rule.finding(
            "names.tags",
            f"There are {len(given)} tags; with the one that amlwizard adds, a private DNS zone may have "
            f"{MOST} at most.",
            f"Remove some, so that {MOST - 1} at most are left.",
        )
    for name, value in given.items():
        wrong = _wrong(name, value)
        if wrong:
            yield rule.finding("names.tags", f"The tag {name[:60]!r} {wrong}.", "Change this tag.")
    folded = [name.lower() for name in given]
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if twice:
        yield rule.finding(
            "names.tags",
            f"Azure ignores case in the names of tags, so {listed(twice)} is given twice.",
            "Remove one of them.",
        )


def _wrong(name: str, value: str) -> str:
    """What is wrong with a tag; empty if it is valid."""
    bad = [sign for sign in FORBIDDEN if sign in name]
    if not name.strip():
        return "has no name"
    if name.lower() == OURS:
        return "is set by amlwizard: it names the recipe that created a resource"
    if bad:
        return f"contains {' '.join(bad)}, which Azure does not allow in the name of a tag"
    if not name.isprintable() or not value.isprintable():
        return "contains a control character"
    if name.lower().startswith(RESERVED):
        return f"begins with a word that Azure reserves: {', '.join(RESERVED)}"
    if " " in name or "(" in name or ")" in name or name[0].isdigit():
        return "has a space, a parenthesis or a leading digit, which private DNS zones do not allow"
    if len(name) > LONGEST_NAME:
        return f"has a name of {len(name)} characters; storage accounts allow {LONGEST_NAME}"
    if len(value) > LONGEST_VALUE:
        return f"has a value of {len(value)} characters; Azure allows {LONGEST_VALUE}"
    return ""
