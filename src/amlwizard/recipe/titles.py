"""What the fields of a recipe are called by those who fill them in."""

from __future__ import annotations

from functools import cache

from amlwizard.recipe.sections import Recipe, Section

PARAMETERS = "training.parameters"


@cache
def title(path: str) -> str:
    """The title of a section, or of a field, by its path in the recipe; of an item, that of its list.
    A parameter is called by its name, and what is no field by its path."""
    section, _, rest = path.partition(".")
    found = Recipe.model_fields.get(section)
    if found is None or path.startswith(f"{PARAMETERS}."):
        return path.removeprefix(f"{PARAMETERS}.")
    kind = found.annotation
    fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, Section) else {}
    info = fields.get(rest.partition(".")[0]) if rest else found
    return (info.title if info else None) or path
