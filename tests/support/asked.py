"""`amlwizard ask` on a pseudo-terminal, and a walk through its questions."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

from amlwizard import fields
from amlwizard.draft import Draft, DraftStore
from amlwizard.session import Session
from support import PATIENCE, forking

GO_ON = r"Enter continues\):"


class SlowLink(pexpect.spawn):  # type: ignore[type-arg]
    """A connection on which what is typed and what is shown arrive late, and in batches."""

    DELAY = 0.02  # seconds

    def read_nonblocking(self, size: int = 1, timeout: float | None = -1) -> Any:
        time.sleep(self.DELAY)
        return super().read_nonblocking(max(size, 65536), timeout)

    def send(self, s: str | bytes) -> int:
        time.sleep(self.DELAY)
        return super().send(s)


@contextmanager
def terminal(
    folder: Path,
    *arguments: str,
    link: type[pexpect.spawn[str]] = pexpect.spawn,
    **environment: str,
) -> Iterator[pexpect.spawn[str]]:
    """`amlwizard ask` on a pseudo-terminal; it is killed when the block ends."""
    child = link(
        forking.python(),
        ["-m", "amlwizard", "ask", *arguments],
        cwd=str(folder),
        env={
            **os.environ, "AMLWIZARD_HOME": str(folder), "TERM": "xterm", "NO_COLOR": "1",
            # A terminal says where its cursor is; pexpect does not, and would be waited for.
            "PROMPT_TOOLKIT_NO_CPR": "1", **environment,
        },
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(40, 200),
    )  # fmt: skip
    try:
        yield child
    finally:
        ended(child)


def ended(child: pexpect.spawn[str]) -> None:
    """Kill the process and wait for its end: pexpect's own `close` gives up on a busy machine."""
    if child.isalive():
        child.kill(signal.SIGKILL)
        child.wait()
    child.close()


def through(
    child: pexpect.spawn[str],
    draft: Draft,
    prefix: str = "",
    changes: Mapping[str, str] | None = None,
) -> None:
    """Go through every section, keeping the answers of `draft` except for `changes` by path; cures
    that are offered are declined."""
    if prefix:
        draft.put("names.prefix", prefix)
    session = Session(DraftStore(Path("unused")), draft)
    found = session.findings
    for section in fields.sections():
        child.expect_exact(f", {fields.section_title(section)}: ")
        if prefix and section == "names":
            child.expect("Prefix:")
            child.sendline(prefix)
        for finding in found:
            if finding.cure and any(path.startswith(f"{section}.") for path in finding.fields):
                child.expect(f"Fix {finding.rule}")
                child.sendline("")
        for number, spec in enumerate(session.asked(section), 1):
            if changes and spec.path in changes:
                child.expect(GO_ON)
                child.sendline(str(number))
                child.expect(rf"{spec.title} \[[^\]]*\]:")
                child.sendline(changes[spec.path])
        child.expect(GO_ON)
        child.sendline("")
