"""Rules about tags: their names, values and number."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.recipe import Names
from amlwizard.rules.base import Rule, listed, rule

SOURCE = "Azure Resource Manager, use tags to organize your Azure resources"
OURS = "amlwizard"
FORBIDDEN = "<>%&\\?/"
RESERVED = ("microsoft", "azure", "windows")
LONGEST_NAME, LONGEST_VALUE = 128, 256  # limit for names on storage accounts; 512 elsewhere
MOST = 15  # limit of a private DNS zone, including our tag; 50 elsewhere


@rule(
    "NM-6",
    "Azure limits the names, the values and the number of tags.",
    "names",
    about=("names.tags",),
    source=SOURCE,
)
def tags(rule: Rule, names: Names) -> Iterator[Finding]:
    given = names.tags
    if len(given) >= MOST:
        yield rule.finding(
            "names.tags",
            f"{len(given)} tags and ours are more than a private DNS zone takes.",
            f"Leave {MOST - 1} at most.",
        )
    for name, value in given.items():
        wrong = _wrong(name, value)
        if wrong:
            yield rule.finding("names.tags", f"The tag {name[:60]!r} {wrong}.", "Correct it.")
    folded = [name.lower() for name in given]
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if twice:
        yield rule.finding(
            "names.tags",
            f"{listed(twice)}: twice, for Azure tells names of tags apart without case.",
            "Leave one of them.",
        )


def _wrong(name: str, value: str) -> str:
    """What is wrong with a tag; empty if it is valid."""
    bad = [sign for sign in FORBIDDEN if sign in name]
    if not name.strip():
        return "has no name"
    if name.lower() == OURS:
        return "is ours: it says which recipe made a resource"
    if bad:
        return f"holds {' '.join(bad)}, which Azure forbids in the name of a tag"
    if not name.isprintable() or not value.isprintable():
        return "holds a control character"
    if name.lower().startswith(RESERVED):
        return f"begins with one of {', '.join(RESERVED)}, which Azure keeps for itself"
    if " " in name or "(" in name or ")" in name or name[0].isdigit():
        return "has a blank, a parenthesis, or a digit at its start, which DNS zones refuse"
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters in its name; a storage account takes {LONGEST_NAME}"
    if len(value) > LONGEST_VALUE:
        return f"has a value of {len(value)} characters; Azure takes {LONGEST_VALUE}"
    return ""
