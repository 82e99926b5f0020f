"""The sandbox command: the sandbox cloud alone, for az, the SDKs, or several replays."""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path

from filelock import FileLock, Timeout

from amlwizard.app.outputs import usable
from amlwizard.app.targets import STATE, VARIABLE, started
from amlwizard.cli.options import SandboxOptions
from amlwizard.errors import AmlwizardError
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.paths import state_folder
from amlwizard.plain_text import plain
from amlwizard.run_control import cancelled_by, signals_handled_by

UNSET = f"unset {VARIABLE} REQUESTS_CA_BUNDLE AZURE_CORE_INSTANCE_DISCOVERY"


def sandbox(given: SandboxOptions) -> int:
    """Run a sandbox until a signal ends it, and print how to use it."""
    if given.reset:
        return _reset()
    options = ["--clock", given.clock, "--speed", str(given.speed), "--port", str(given.port)]
    if given.approve:
        options.append("--approve")
    if given.state:
        options += ["--state", given.state]
    if given.capture:
        options += ["--capture", str(usable(Path(given.capture), "--capture"))]
    stopped = threading.Event()
    with (
        signals_handled_by(lambda *_: stopped.set()),
        cancelled_by(stopped),
        started(options, None) as description,
    ):
        print(environment(description), flush=True)
        stopped.wait()
    print(_("The sandbox has ended."), file=sys.stderr)
    return 0


def environment(description: Document) -> str:
    """Shell commands that point amlwizard, az and the SDKs at a sandbox."""
    arm, ca = description["arm"], description["ca"]
    return "\n".join(
        [
            _("# The sandbox is running; Ctrl-C ends it. Paste this into a second terminal:"),
            f"export {VARIABLE}='{description['description']}'",
            f"export REQUESTS_CA_BUNDLE='{ca}'",
            "export AZURE_CORE_INSTANCE_DISCOVERY=false",
            _("# Then amlwizard uses it with --target sandbox. For the Azure CLI, also:"),
            f"# az cloud register -n sandbox --endpoint-resource-manager {arm}",
            "# az cloud set -n sandbox",
            f"# az login --use-device-code --tenant {description['tenant']}",
            _("# When it has ended: {command}", command=UNSET),
            _("# Sign-in page: {address}", address=description["sign_in_page"]),
            _("# Subscription: {id}", id=description["subscription"]),
        ]
    )


def _why_in_use(folder: Path) -> str:
    """A sentence about the process that holds the lock of an embedded sandbox, as it wrote itself."""
    try:
        text = (folder / "holder").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _("A replay, plan or wizard is running on it.")
    holder = plain(text)[:100]
    return _("A replay, plan or wizard is running on it ({holder}).", holder=holder)


def _reset() -> int:
    folder = state_folder() / "sandbox"
    if folder.exists():
        lock = FileLock(folder / f"{STATE}.d" / "lock")
        lock_folder = folder / f"{STATE}.d"
        lock_folder.mkdir(parents=True, exist_ok=True)
        try:
            with lock.acquire(timeout=0):
                pass
        except Timeout:
            raise AmlwizardError(
                _("The embedded sandbox is in use."),
                why=_why_in_use(lock_folder),
                fix=_("Wait for it, or stop it."),
            ) from None
        shutil.rmtree(folder)
    print(_("The embedded sandbox is empty."), file=sys.stderr)
    return 0
