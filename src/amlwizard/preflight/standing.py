"""Existing resources that cannot be changed to match the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amlwizard.errors import Finding
from amlwizard.language import _, sentences
from amlwizard.plan import Kept
from amlwizard.preflight.situation import Situation
from amlwizard.recipe import title
from amlwizard.rules.base import use
from amlwizard.rules.renaming import another

GROUP, REGION = "resource-group", "location"


def immutable(s: Situation) -> Iterator[Finding]:
    """Immutable properties of existing resources that differ: one finding per resource."""
    group = str((s.facts.group or {}).get("location", "")).lower()
    for step, kept in s.kept.items():
        # If the resource's group is in that region too, the group's own finding covers it.
        left = [k for k in kept if k.path != REGION or str(k.found).lower() != group]
        if left and step != GROUP:
            yield _stays(s, step, left)


def _stays(s: Situation, step: str, kept: Sequence[Kept]) -> Finding:
    name = s.ids[step].rsplit("/", 1)[-1]
    named = s.named(name)
    by_field = {k.field: k.back for k in kept if k.field and k.path != REGION}
    settable = len(by_field) == len(kept)
    renamed = another(s.recipe.names, named[0].partition(".")[2]) if named else {}
    cure = by_field if settable else renamed
    wish = "; ".join(
        _("{path} is {found}, not {wanted}", path=k.path, found=k.found, wanted=k.wanted)
        for k in kept
    )
    instead = title(named[0] if named else "names.prefix")
    otherwise = _(
        "To create a new one, change {field}, or delete the existing resource first.", field=instead
    )
    return Finding(
        "immutable",
        "error",
        tuple(dict.fromkeys([k.field for k in kept if k.field] or named)) or ("names.prefix",),
        _("{name} exists, and Azure cannot change it: {differences}.", name=name, differences=wish),
        why=_(
            "Azure sets these properties when a resource is created, and does not allow changes "
            "afterwards."
        ),
        fix=sentences(_("To keep it: {cure}", cure=use(by_field)), otherwise)
        if settable
        else otherwise,
        cure=cure,
        otherwise=otherwise,
        command=s.replaying(cure) if cure else "",
    )
