"""The recipe: its sections, and its file."""

from amlwizard.recipe.file import load, parse, read
from amlwizard.recipe.keeping import keep, save_beside
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
from amlwizard.recipe.validation import Reading, Sections, examine, given, put, sections_of
from amlwizard.recipe.values import RecipeFile, is_sent
from amlwizard.recipe.writing import save, text_of

__all__ = [
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
    "keep",
    "load",
    "parse",
    "put",
    "read",
    "save",
    "save_beside",
    "sections_of",
    "text_of",
]
