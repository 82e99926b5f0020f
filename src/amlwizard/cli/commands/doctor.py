"""The doctor command: whether this machine has what amlwizard needs. It contacts no cloud and shows
no secret: of variables that may hold one, only whether they are set."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

from amlwizard.app import extras
from amlwizard.app.targets import VARIABLE
from amlwizard.cli.options import DoctorOptions
from amlwizard.command_line import command_line
from amlwizard.error_log import NAME as LOG
from amlwizard.errors import InvalidInputError
from amlwizard.language import _, _n
from amlwizard.paths import state_folder
from amlwizard.plain_text import PlainText

Status = Literal["ok", "absent", "warning", "error"]
MARKS: dict[Status, str] = {"ok": "✓", "absent": "·", "warning": "!", "error": "✗"}
PACKAGES = ("textual", "azure-identity", "azure-ai-ml", "databricks-sdk")
COLUMNS, LINES = 80, 24


@dataclass(frozen=True)
class Check(PlainText):
    """The result of one check. `name` is its id in the JSON; `fix` says what to do, unless it is
    ok."""

    name: str
    status: Status
    what: str
    fix: str = ""


def doctor(given: DoctorOptions) -> int:
    """Return 1 if something does not work, 0 if there are only warnings."""
    checks = [*_versions(), *_sandbox(), *_terminal(), *_network(), *_sign_in(), *_state()]
    if given.json:
        print(json.dumps({"checks": [asdict(check) for check in checks]}, indent=2))
    else:
        for check in checks:
            print(f"{MARKS[check.status]} {check.name:<17} {check.what}")
            if check.fix:
                print(f"{'':20}{check.fix}")
    return int(any(check.status == "error" for check in checks))


def _versions() -> Iterator[Check]:
    what = _(
        "amlwizard {version}, Python {python} on {platform}",
        version=version("amlwizard"),
        python=platform.python_version(),
        platform=platform.platform(terse=True),
    )
    yield Check("version", "ok", what)
    for name in PACKAGES:
        try:
            yield Check(name, "ok", version(name))
        except PackageNotFoundError:
            yield Check(name, "error", _("is not installed"), _("Install amlwizard again."))


def _sandbox() -> Iterator[Check]:
    lacking = extras.missing("sandbox")
    named = os.environ.get(VARIABLE)
    if named and not Path(named).is_file():
        fix = _("Unset {variable}, or start that sandbox again.", variable=VARIABLE)
        what = _("{variable} names {file}, which is not there", variable=VARIABLE, file=named)
        yield Check("sandbox", "error", what, fix)
    elif named:
        yield Check("sandbox", "ok", _("the one that {file} describes", file=named))
    elif lacking:
        what = _("is not installed: it needs {packages}", packages=", ".join(lacking))
        yield Check("sandbox", "warning", what, extras.how_to_add_the_sandbox())
    else:
        yield Check(
            "sandbox", "ok", _("is installed, with MLflow {version}", version=version("mlflow"))
        )


def _terminal() -> Iterator[Check]:
    name, size = os.environ.get("TERM", ""), shutil.get_terminal_size((0, 0))
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        what, fix = _("none here: the wizard needs one"), _("The other commands need none.")
    elif name in ("", "dumb"):
        what = _("TERM is {name!r}: the wizard cannot draw", name=name)
        fix = _("Use `{ask}`.", ask=command_line("ask"))
    elif size.columns < COLUMNS or size.lines < LINES:
        what = _("{columns} x {lines}, which is small", columns=size.columns, lines=size.lines)
        fix = _(
            "Make it at least {columns} x {lines}: the wizard is drawn for that.",
            columns=COLUMNS,
            lines=LINES,
        )
    elif encoding != "utf8":
        what, fix = (
            _("its encoding is {encoding}", encoding=encoding),
            _("Set LC_ALL to a UTF-8 locale, such as C.UTF-8."),
        )
    else:
        yield Check("terminal", "ok", f"{name}, {size.columns} x {size.lines}, UTF-8")
        return
    yield Check("terminal", "warning", what, fix)


def _network() -> Iterator[Check]:
    proxies = {kind: getproxies().get(kind) for kind in ("https", "no")}
    if proxies["https"]:
        proxy, spared = _without_password(proxies["https"]), proxies["no"]
        what = _("{proxy}, not for {hosts}", proxy=proxy, hosts=spared) if spared else proxy
        yield Check("proxy", "ok", what)
    else:
        yield Check("proxy", "ok", _("none"))
    from amlwizard.cloud import azure_public
    from amlwizard.cloud.trust import VARIABLES, context

    named = [f"{name} ({os.environ[name]})" for name in VARIABLES if os.environ.get(name)]
    try:
        context(azure_public())
    except InvalidInputError as error:
        yield Check("certificates", "error", f"{error.what} {error.why}", error.fix)
    else:
        yield Check("certificates", "ok", ", ".join([_("the system's"), *named]))


def _without_password(proxy: str) -> str:
    """A proxy's address, without the user and password that it may contain."""
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parts.netloc.rpartition("@")[2]


def _sign_in() -> Iterator[Check]:
    from amlwizard.cloud import azure_public
    from amlwizard.cloud.credentials import ASKING, UNATTENDED, not_set_up

    for login in ASKING:
        yield Check(login, "ok", _("asks you to sign in"))
    for login in UNATTENDED:
        lacking = not_set_up(azure_public(), login)
        if lacking:
            yield Check(login, "absent", _("is not set up: {why}", why=lacking))
        elif login == "managed-identity":
            yield Check(login, "absent", _("only a sign-in can show whether this machine has one"))
        else:
            yield Check(login, "ok", _("is set up"))


def _state() -> Iterator[Check]:
    folder = state_folder()
    standing = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(standing, os.W_OK | os.X_OK) or not standing.is_dir():
        fix = _("Set AMLWIZARD_HOME to a folder that you can write to.")
        yield Check("state folder", "error", _("{folder} cannot be written", folder=folder), fix)
        return
    runs = sum(1 for __ in folder.glob("runs/*/journal.jsonl"))
    told = _n("{folder}: {n} run", "{folder}: {n} runs", runs, folder=folder)
    yield Check("state folder", "ok", told)
    if (folder / LOG).exists():
        fix = _(
            "Report it with {log}. Delete the file when you no longer need it.", log=folder / LOG
        )
        yield Check("log", "warning", _("an unexpected error was logged"), fix)
