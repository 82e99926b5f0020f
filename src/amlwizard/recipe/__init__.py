"""The recipe: its sections, and its file."""

from amlwizard.recipe.file import load, parse, read
from amlwizard.recipe.keeping import keep, save_beside
from amlwizard.recipe.lists import items_at, looks_right, read_list
from amlwizard.recipe.sections import (
    VERSION,
    Addresses,
    Expect,
    Names,
    Recipe,
    Scoring,
    Section,
    Security,
    Serving,
    SignIn,
    Training,
)
from amlwizard.recipe.titles import PARAMETERS, title
from amlwizard.recipe.validation import Reading, Sections, examine, given, put, sections_of
from amlwizard.recipe.values import RecipeFile, is_sent
from amlwizard.recipe.writing import save, text_of

__all__ = [
    "PARAMETERS",
    "VERSION",
    "Addresses",
    "Expect",
    "Names",
    "Reading",
    "Recipe",
    "RecipeFile",
    "Scoring",
    "Section",
    "Sections",
    "Security",
    "Serving",
    "SignIn",
    "Training",
    "examine",
    "given",
    "is_sent",
    "items_at",
    "keep",
    "load",
    "looks_right",
    "parse",
    "put",
    "read",
    "read_list",
    "save",
    "save_beside",
    "sections_of",
    "text_of",
    "title",
]
