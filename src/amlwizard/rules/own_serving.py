"""Rules about a scoring script and an environment of one's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import yaml

from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.recipe import RecipeFile, Serving
from amlwizard.rules.base import Rule, rule

SCRIPT, ENVIRONMENT = "serving.script", "serving.environment"
SERVER = "azureml-inference-server-http"
DOCUMENTED = _("Azure Machine Learning, deploy with a scoring script")
IMAGE = re.compile(
    r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


LARGEST = 1_000_000  # characters


def _text(file: RecipeFile) -> str | None:
    """The text of a file; None if it cannot be read."""
    try:
        with file.path.open(encoding="utf-8") as text:
            return text.read(LARGEST)
    except (OSError, UnicodeDecodeError):
        return None


def _unread(rule: Rule, field: str, file: RecipeFile) -> Finding:
    fix = _("Put it into {folder}, or name it from there.", folder=file.folder.resolve())
    return rule.finding(field, _("{file} cannot be read.", file=file), fix)


@rule(
    "SV-1",
    _("A scoring script is a file of Python that defines init and run."),
    "serving",
    about=(SCRIPT,),
    source=DOCUMENTED,
)
def script(rule: Rule, serving: Serving) -> Iterator[Finding]:
    given = serving.script
    if given is None:
        return
    text = _text(given)
    if text is None:
        yield _unread(rule, SCRIPT, given)
        return
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        what = _(
            "{file} is not valid Python, line {line}: {problem}.",
            file=given,
            line=error.lineno,
            problem=error.msg,
        )
        yield rule.finding(SCRIPT, what, _("Correct the file."))
        return
    except (ValueError, RecursionError, MemoryError) as error:
        what = _("{file} is not valid Python: {problem}.", file=given, problem=error)
        yield rule.finding(SCRIPT, what, _("Correct the file."))
        return
    named = set(_defined(tree))
    for name, call in (("init", "init()"), ("run", "run(data)")):
        if name not in named:
            what = _(
                "{file} does not define {name}, which the inference server calls.",
                file=given,
                name=name,
            )
            yield rule.finding(
                SCRIPT, what, _("Define {call} at the top level of the file.", call=call)
            )


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


@rule(
    "SV-2",
    _("A scoring environment is an image, or a conda file that has the inference server."),
    "serving",
    about=(ENVIRONMENT,),
    source=DOCUMENTED,
)
def environment(rule: Rule, serving: Serving) -> Iterator[Finding]:
    if serving.image and not IMAGE.fullmatch(serving.image):
        what = _("{image} is neither an image nor a conda file.", image=serving.image)
        fix = _(
            "Name an image with its registry, such as registry.azurecr.io/name:1, or a .yaml file."
        )
        yield rule.finding(ENVIRONMENT, what, fix)
    if serving.conda is None:
        return
    text = _text(serving.conda)
    if text is None:
        yield _unread(rule, ENVIRONMENT, serving.conda)
        return
    if SERVER not in _packages(text):
        what = _(
            "{file} does not install {server}, without which the container does not start.",
            file=serving.conda,
            server=SERVER,
        )
        fix = _("Add {server}>=1.4 to its pip packages.", server=SERVER)
        yield rule.finding(ENVIRONMENT, what, fix)


def _packages(text: str) -> set[str]:
    """The names of a conda file's packages, those of pip included; none if it is no conda file."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return set()
    listed = found.get("dependencies") if isinstance(found, dict) else None
    lines: list[object] = []
    for one in listed if isinstance(listed, list) else []:
        pip = one.get("pip") if isinstance(one, dict) else [one]
        lines += pip if isinstance(pip, list) else []
    names = (re.split(r"[^\w.-]", str(line).strip())[0] for line in lines)
    return {name.lower().replace("_", "-") for name in names}
