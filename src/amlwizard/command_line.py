"""Commands of amlwizard as users are shown them: each runs when it is pasted where it was shown."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

NAME = "amlwizard"
RECIPE, TARGET = "RECIPE", "TARGET"  # in place of what is not known where a text is written


def command_line(*words: str | Path) -> str:
    """A command of amlwizard, begun as the user has begun this one, with quotes where a shell needs
    them. A `Path` is shown relative to the working directory if it is inside it."""
    return " ".join([program(), *(shlex.quote(_shown(word)) for word in words)])


def replaying(recipe: str | Path, target: str, *options: str) -> str:
    """The command that replays a recipe on a target, and on Azure says that this is meant."""
    return command_line("replay", recipe, "--target", target, *options, *_meant(target))


def resuming(run: str, target: str) -> str:
    """The command that goes on with a run, by its id."""
    return command_line("resume", run, *_meant(target))


def about(text: str, recipe: str, target: str) -> str:
    """`text` with its placeholders replaced; `recipe` may be a name that is no file."""
    if Path(recipe).is_file():
        text = text.replace(f" {RECIPE} ", f" {shlex.quote(recipe)} ")
    return text.replace(f"--target {TARGET}", f"--target {target}")


def program() -> str:
    """What the user typed to start amlwizard: its name if a shell finds it by that, the path of its
    script, or ``python -m amlwizard``."""
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    if main is not None and main.name == f"{NAME}.__main__":
        return f"{shlex.quote(_shown(Path(sys.orig_argv[0])))} -m {NAME}"
    script = Path(sys.argv[0])
    if script.name != NAME or _on_the_path(script):
        return NAME
    return shlex.quote(_shown(script))


def _meant(target: str) -> tuple[str, ...]:
    return ("--yes",) if target == "azure" else ()


def _on_the_path(script: Path) -> bool:
    found = shutil.which(NAME)
    return found is not None and script.exists() and script.samefile(found)


def _shown(word: str | Path) -> str:
    if isinstance(word, str):
        return word
    here = Path.cwd()
    return str(word.relative_to(here) if word.is_relative_to(here) else word)
