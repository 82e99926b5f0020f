"""Commands that are shown at the end of a run, taken as they are into another shell."""

from __future__ import annotations

import re
import subprocess

from support import PATIENCE, ROOT, Ran, environment, forking


def shown(ran: Ran, what: str) -> list[str]:
    """The commands below a sentence on standard error."""
    lines = ran.err.splitlines()
    after = lines[lines.index(what) + 1 :]
    return [line.strip() for line in after[: [*after, ""].index("")]]


def in_bash(*lines: str) -> subprocess.CompletedProcess[str]:
    """Run lines in a shell that knows nothing of any sandbox, in the same folder."""
    return subprocess.run(
        ["bash", "-c", "\n".join(["set -e", *lines])],
        cwd=ROOT, env=environment({}), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def imported_already(line: str) -> str:
    """The line with a command whose imports are done: pasted as it is, `test_journeys` has it."""
    forked, times = re.subn(r"[^\s(]+ -m amlwizard ", f"{forking.python()} -m amlwizard ", line)
    assert times == 1, line
    return forked
