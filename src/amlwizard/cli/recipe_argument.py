"""The recipe that a command is given, and the values set by ``--set``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from amlwizard import preflight, rules
from amlwizard.cli import tls
from amlwizard.console import show_error
from amlwizard.errors import ALL, Finding, InvalidInputError, lowered
from amlwizard.language import _, _n, listed
from amlwizard.nearest import did_you_mean
from amlwizard.recipe import Reading, Recipe, read


def usable_recipe(
    path: str, changes: Mapping[str, str] | None = None, ignored: Collection[str] = ()
) -> Recipe:
    """The recipe, if its only errors are of `ignored` rules. Raises InvalidInputError with all
    findings."""
    reading = read(Path(path), changes)
    findings = findings_of(reading, ignored)
    errors = [f for f in findings if f.severity == "error"]
    if errors or reading.recipe is None:
        raise InvalidInputError(
            _n(
                "{path} cannot be used: {n} error.",
                "{path} cannot be used: {n} errors.",
                len(errors),
                path=path,
            ),
            findings=errors,
        )
    return reading.recipe


def usable_recipes(
    paths: Sequence[str], changes: Mapping[str, str] | None = None, ignored: Collection[str] = ()
) -> dict[str, Recipe]:
    """The recipes by their paths. Raises InvalidInputError if one cannot be used, or two describe
    one platform, and has shown then what is wrong with each."""
    recipes: dict[str, Recipe] = {}
    errors: list[InvalidInputError] = []
    for path in dict.fromkeys(paths):
        try:
            recipes[path] = usable_recipe(path, changes, ignored)
        except InvalidInputError as error:
            errors.append(error)
    errors += _clashes(paths, recipes)
    for error in errors:
        show_error(error)
    if errors:
        raise InvalidInputError(
            _n(
                "{n} thing must be corrected first.",
                "{n} things must be corrected first.",
                len(errors),
            ),
            why=_("Nothing was done."),
        )
    return recipes


def _clashes(paths: Sequence[str], recipes: Mapping[str, Recipe]) -> Iterator[InvalidInputError]:
    """An error for every platform, or name that is unique in the world, of several recipes."""
    claims: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in paths:
        if path in recipes:
            for claim in _claims(recipes[path]):
                claims[claim].append(path)
    for (same, name, *__), those in claims.items():
        if len(those) > 1:
            yield InvalidInputError(
                same.format(recipes=listed(those), name=name),
                why=_("Two runs on one platform would undo each other's work."),
                fix=_("Leave one out, or change its names, for instance by names.prefix."),
            )


def _claims(recipe: Recipe) -> list[tuple[str, ...]]:
    """The sentence about two that have it, the name, and within what it is unique."""
    names, subscription = recipe.names, (recipe.sign_in.subscription or "").lower()
    return [
        (
            _("{recipes} have the same resource group {name}."),
            names.resource_group.lower(),
            subscription,
        ),
        (_("{recipes} have the same container registry {name}."), names.registry.lower()),
        (_("{recipes} have the same storage account {name}."), names.storage.lower()),
        (_("{recipes} have the same key vault {name}."), names.key_vault.lower()),
    ]


def known(ignored: Collection[str]) -> Collection[str]:
    """`ignored`, if all of them are rules. Raises InvalidInputError for the first that is none."""
    ids = [ALL, tls.RULE, *(rule.id for rule in rules.RULES), *preflight.RULES]
    for rule in ignored:
        if rule not in ids:
            raise InvalidInputError(
                _("There is no rule {rule}.", rule=rule),
                why=_("--ignore takes a rule as check and preflight show it, such as AK-4."),
                fix=did_you_mean(rule, ids, _("Leave it out, or see the findings first.")),
            )
    return ignored


def findings_of(reading: Reading, ignored: Collection[str] = ()) -> list[Finding]:
    """All findings that need no cloud, with errors of `ignored` rules as warnings. Errors in the
    recipe's shape cannot be ignored."""
    shape, ruled = rules.of_shape(reading), rules.check(reading.sections)
    return [*shape, *lowered([*tls.findings(reading.sections.serving), *ruled], ignored)]


def changes(settings: Sequence[str]) -> dict[str, str]:
    """The values set by --set, by their dotted recipe paths. Raises InvalidInputError for malformed
    ones."""
    given, wrong = {}, []
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not all(path.split(".")):
            wrong.append(setting)
        given[path] = value
    if wrong:
        raise InvalidInputError(
            " ".join(
                _("--set {setting} is not of the form section.field=value.", setting=setting)
                for setting in wrong
            ),
            why=_("Nothing was done."),
            fix=_("Write it as --set names.prefix=abc, and repeat --set for each value."),
        )
    return given
