"""Rules about tags: their names, values and number."""

from __future__ import annotations

from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import _, _n, listed
from amlwizard.recipe import Names
from amlwizard.rules.base import Rule, rule

SOURCE = _("Azure Resource Manager, use tags to organize your Azure resources")
OURS = "amlwizard"
FORBIDDEN = "<>%&\\?/"
RESERVED = ("microsoft", "azure", "windows")
LONGEST_NAME, LONGEST_VALUE = 128, 256  # limit for names on storage accounts; 512 elsewhere
MOST = 15  # limit of a private DNS zone, including our tag; 50 elsewhere


@rule(
    "NM-6",
    _("Azure limits the number of tags, and their names and values."),
    "names",
    about=("names.tags",),
    source=SOURCE,
)
def tags(rule: Rule, names: Names) -> Iterator[Finding]:
    given = names.tags
    if len(given) >= MOST:
        yield rule.finding(
            "names.tags",
            _(
                "There are {n} tags; with the one that amlwizard adds, a private DNS zone may have "
                "{most} at most.",
                n=len(given),
                most=MOST,
            ),
            _("Remove some, so that {most} at most are left.", most=MOST - 1),
        )
    for name, value in given.items():
        wrong = _wrong(name, value)
        if wrong:
            yield rule.finding("names.tags", wrong, _("Change this tag."))
    folded = [name.lower() for name in given]
    twice = sorted({name for name in folded if folded.count(name) > 1})
    if twice:
        what = _n(
            "Azure ignores case in the names of tags, so {names} is given twice.",
            "Azure ignores case in the names of tags, so {names} are given twice.",
            len(twice),
            names=listed(twice),
        )
        yield rule.finding("names.tags", what, _("Remove one of them."))


def _wrong(name: str, value: str) -> str:
    """What is wrong with a tag; empty if it is valid."""
    tag, bad = name[:60], [sign for sign in FORBIDDEN if sign in name]
    if not name.strip():
        return _("The tag {tag!r} has no name.", tag=tag)
    if name.lower() == OURS:
        return _(
            "The tag {tag!r} is set by amlwizard: it names the recipe that created a resource.",
            tag=tag,
        )
    if bad:
        return _(
            "The tag {tag!r} contains {signs}, which Azure does not allow in the name of a tag.",
            tag=tag,
            signs=" ".join(bad),
        )
    if not name.isprintable() or not value.isprintable():
        return _("The tag {tag!r} contains a control character.", tag=tag)
    if name.lower().startswith(RESERVED):
        return _(
            "The tag {tag!r} begins with a word that Azure reserves: {words}.",
            tag=tag,
            words=", ".join(RESERVED),
        )
    if " " in name or "(" in name or ")" in name or name[0].isdigit():
        return _(
            "The tag {tag!r} has a space, a parenthesis or a leading digit, which private DNS zones do not allow.",
            tag=tag,
        )
    if len(name) > LONGEST_NAME:
        return _(
            "The tag {tag!r} has a name of {n} characters; storage accounts allow {most}.",
            tag=tag,
            n=len(name),
            most=LONGEST_NAME,
        )
    if len(value) > LONGEST_VALUE:
        return _(
            "The tag {tag!r} has a value of {n} characters; Azure allows {most}.",
            tag=tag,
            n=len(value),
            most=LONGEST_VALUE,
        )
    return ""
