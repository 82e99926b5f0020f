"""Optional extras of the package, as its metadata declares them."""

from __future__ import annotations

import re
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec

from amlwizard.errors import InvalidInputError
from amlwizard.language import _

SANDBOX_BEFORE = (3, 14)  # MLflow 2.22 needs pyarrow 19, which has no build for Python 3.14


def missing(extra: str) -> list[str]:
    """The distributions of an extra that are not installed."""
    wanted = [
        line for line in requires("amlwizard") or () if f'"{extra}"' in line.replace("'", '"')
    ]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted]
    return [name for name in names if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def how_to_add_the_sandbox() -> str:
    """A sentence with the command that installs it into the current environment."""
    if sys.version_info >= SANDBOX_BEFORE:
        return _(
            "Use Python 3.11 to 3.13: MLflow 2.22, which the sandbox runs, has no build for 3.14."
        )
    python = shlex.quote(sys.executable)
    installer = f"{python} -m pip install" if find_spec("pip") else f"uv pip install -p {python}"
    command = f"{installer} 'amlwizard[sandbox]'"
    return _("Add it: {command}", command=command)


def require_sandbox() -> None:
    """Raises InvalidInputError, with the command that installs it, if the sandbox is not
    installed."""
    names = missing("sandbox")
    if not names:
        return
    raise InvalidInputError(
        _("The sandbox is not installed."),
        why=_("It needs these packages, too: {packages}.", packages=", ".join(names)),
        fix=how_to_add_the_sandbox(),
    )
