"""Who holds a platform, in one line that fits into the value of an Azure tag."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from platform import node

from amlwizard import processes
from amlwizard.cloud import clock
from amlwizard.errors import StepError
from amlwizard.language import _
from amlwizard.processes import Process

VERSION = "1"
SEPARATOR = "|"
UNDOING = _("Two runs at once would undo each other's work. Nothing was changed.")
LONGEST = 60  # characters of a name: the value of a tag has at most 256 in all


@dataclass(frozen=True)
class Holder:
    """A process that works on a platform. `since` and `until` are epoch seconds."""

    run: str
    command: str
    account: str
    host: str
    process: Process
    since: int
    until: int

    def __str__(self) -> str:
        texts = map(_plain, (self.run, self.command, self.account, self.host))
        rest = map(str, (self.process, self.since, self.until))
        return SEPARATOR.join((VERSION, *texts, *rest))

    def renewed(self, life: float) -> Holder:
        """The same holder, for `life` more seconds."""
        return replace(self, until=int(clock.now() + life))

    @property
    def gone(self) -> bool:
        """Whether its time is over, it is known to have ended, or it is an earlier run of this
        process (two at a time are kept apart by the lock in the state folder)."""
        known = self.process.ended or self.process == processes.current()
        return known or self.until <= clock.now()

    @property
    def words(self) -> str:
        """Which process it is, and since when."""
        return _(
            "process {pid} on {host}, since {time}",
            pid=self.process.pid,
            host=self.host,
            time=_clock(self.since),
        )

    def refusal(self, group: str) -> StepError:
        """The error for a run that must not start beside this holder."""
        command = f"amlwizard {self.command}"
        return StepError(
            _(
                "Another run works on the resource group {group}: {command}, by {account}, on {host} "
                "(process {pid}), since {time}.",
                group=group,
                command=command,
                account=self.account,
                host=self.host,
                pid=self.process.pid,
                time=_clock(self.since),
            ),
            why=UNDOING,
            fix=_(
                "Wait until it ends, or stop it there. If that process no longer exists, try again "
                "after {time}, when its lease expires.",
                time=_clock(self.until),
            ),
        )


def this_process(run: str, command: str, account: str, life: float) -> Holder:
    """This process as the holder for `life` seconds."""
    now = clock.now()
    process = processes.current()
    return Holder(run, command, account, node(), process, int(now), int(now + life))


def parse(text: str) -> Holder | None:
    """The holder that `str` wrote; None for any other text."""
    try:
        version, run, command, account, host, process, since, until = text.split(SEPARATOR)
        known = processes.parse(process)
        if version != VERSION or not text.isprintable() or not known:
            return None
        time.gmtime(int(since)), time.gmtime(int(until))
        return Holder(run, command, account, host, known, int(since), int(until))
    except (ValueError, OverflowError, OSError):  # the last two, of times that no clock shows
        return None


def _plain(text: str) -> str:
    plain = "".join(c if c.isprintable() and c != SEPARATOR else "?" for c in text)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def _clock(at: int) -> str:
    """HH:MM, with the date unless it is today's."""
    then = time.localtime(at)
    today = time.strftime("%F", then) == time.strftime("%F")
    return time.strftime("%H:%M" if today else "%F %H:%M", then)
