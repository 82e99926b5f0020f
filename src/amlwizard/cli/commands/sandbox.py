"""The sandbox command: the sandbox cloud alone, for az, the SDKs, or several replays."""

from __future__ import annotations

import shutil
import signal
import sys
import threading

from filelock import FileLock, Timeout

from amlwizard.app.targets import STATE, VARIABLE, started
from amlwizard.cli.options import SandboxOptions
from amlwizard.errors import AmlwizardError
from amlwizard.json_types import Document
from amlwizard.paths import state_folder


def sandbox(given: SandboxOptions) -> int:
    """Run a sandbox until SIGINT or SIGTERM, and print how to use it."""
    if given.reset:
        return _reset()
    options = ["--clock", given.clock, "--speed", str(given.speed), "--port", str(given.port)]
    if given.approve:
        options.append("--approve")
    for name in ("state", "capture"):
        if getattr(given, name):
            options += [f"--{name}", getattr(given, name)]
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with started(options, None) as description:
        print(environment(description), flush=True)
        stopped.wait()
    return 0


def environment(description: Document) -> str:
    """Shell commands that point amlwizard, az and the SDKs at a sandbox."""
    arm, ca = description["arm"], description["ca"]
    return "\n".join(
        [
            f"export {VARIABLE}='{description['description']}'",
            f"export REQUESTS_CA_BUNDLE='{ca}'",
            "export AZURE_CORE_INSTANCE_DISCOVERY=false",
            f"# az cloud register -n sandbox --endpoint-resource-manager {arm}",
            "# az cloud set -n sandbox",
            f"# az login --use-device-code --tenant {description['tenant']}",
            "# when it has ended: unset AMLWIZARD_SANDBOX REQUESTS_CA_BUNDLE AZURE_CORE_INSTANCE_DISCOVERY",
            f"# sign-in page: {description['sign_in_page']}",
            f"# subscription: {description['subscription']}",
        ]
    )


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
                "The embedded sandbox is in use.",
                why="A replay, plan or wizard is running on it.",
                fix="Wait for it, or stop it.",
            ) from None
        shutil.rmtree(folder)
    print("The embedded sandbox is empty.", file=sys.stderr)
    return 0
