"""One run that is broken once, and what became of it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from support import Json, Ran, Replay, Sandbox, amlwizard, commanding
from support.faults import DISRUPTIONS, FAULTS, REFUSALS
from support.trainings import done_twice, nothing_lent, runs

from chaos.grounds import Ground

MUST_BE_0 = ("misleading", "wrong", "redone", "leaked")
FIGURES = ("tried", "survived", "clean", "stopped", "killed", "refused", *MUST_BE_0)
WRITES = ("PUT", "PATCH", "DELETE")
SIGNALS = {
    "kill": signal.SIGKILL,
    "INT": signal.SIGINT,
    "TERM": signal.SIGTERM,
    "HUP": signal.SIGHUP,
}
SECOND = "a second run"
DATABRICKS = re.compile(r"(GET|POST) /api/1\\?\.2/")
POLL_SECONDS = 0.05
REFUSED, BOTH_FAILED, HUNG = "Another run", 99, 98
FAULTY: dict[str, Json] = {**FAULTS, **REFUSALS, **DISRUPTIONS}
WAYS = (*FAULTY, *SIGNALS, SECOND)


def breaks(call: str) -> list[str]:
    """The ways in which a request of this kind may be broken."""
    silent = {name for name, fault in FAULTS.items() if fault.get("status") == 200}
    never = silent if call.startswith(WRITES) else set()  # no service says 200 and does nothing
    never = never if DATABRICKS.match(call) else {*never, *DISRUPTIONS}
    never = {*never, *REFUSALS} if "oauth2" in call else never
    return [name for name in WAYS if name not in never]


@dataclass
class Trial:
    """A run of `ground` that is broken at a request `call` by `what`: one of `breaks`. It runs
    `around` these variables. `stopped_after` is how many seconds it took to end after a signal."""

    ground: Ground
    number: int
    call: str
    what: str
    around: dict[str, str]
    stopped_after: float = 0

    @property
    def command(self) -> tuple[str, ...]:
        return self.ground.command(self.number)

    def verdicts(self, cloud: Sandbox) -> list[str]:
        """Words of the figures that it counts for."""
        self.ground.ready(cloud)
        try:
            ran = self._broken(cloud)
        except subprocess.TimeoutExpired:
            ran = Ran(HUNG, "", "")
        finally:
            cloud.clear()
        done = _that_are_done(ran)
        again = amlwizard(*self.command, **self.around)
        found = [*self._of_broken(ran), *self._of_repeated(cloud, again, done)]
        if again.code or set(found) & set(MUST_BE_0):
            told = {"call": self.call, "what": self.what, "codes": [ran.code, again.code]}
            print(json.dumps(told), ran.err[-1500:], again.err[-1500:], sep="\n--\n")
        return found

    def _broken(self, cloud: Sandbox) -> Ran:
        if self.what in SIGNALS:
            return self._cut(cloud)
        if self.what == SECOND:
            return self._beside_another(cloud)
        cloud.control("faults", {"match": self.call, "times": 1, **FAULTY[self.what]})
        return amlwizard(*self.command, **self.around)

    def _cut(self, cloud: Sandbox) -> Ran:
        """A run that gets a signal while this request is not answered."""
        gate = self._gated(cloud)
        with self._begun() as (run, ending):
            if gate.met_before(ending):
                sent = monotonic()
                run.send(SIGNALS[self.what])
                ending.result()
                self.stopped_after = monotonic() - sent
            return ending.result()

    def _beside_another(self, cloud: Sandbox) -> Ran:
        """A run during which, while this request is not answered, another one is started."""
        gate = self._gated(cloud)
        elsewhere = {**self.around, "AMLWIZARD_HOME": f"{self.around['AMLWIZARD_HOME']}/2"}
        with self._begun() as (_, ending):
            if not gate.met_before(ending):
                return ending.result()
            with commanding(*self.command, **elsewhere) as second:
                cloud.clear()
                other = second.end()
            return _the_worse(ending.result(), other)

    @contextmanager
    def _begun(self) -> Iterator[tuple[Replay, Future[Ran]]]:
        """The run, and its end."""
        with commanding(*self.command, **self.around) as run, ThreadPoolExecutor(1) as pool:
            yield run, pool.submit(run.end)

    def _gated(self, cloud: Sandbox) -> _Gate:
        gate = _Gate(cloud, self.call, cloud.received(self.call))
        cloud.gate(self.call)
        return gate

    def _of_broken(self, ran: Ran) -> Iterator[str]:
        if "Traceback" in ran.err or "foresee" in ran.err or _unexplained(ran):
            yield "misleading"
        elif ran.code == 0:
            yield "survived"
        elif self.what == "kill":
            yield "killed"
        elif self.what in SIGNALS:
            yield "stopped" if ran.code == 130 and "Cancelling" in ran.err else "wrong"
        elif self.what == SECOND:
            yield "refused" if ran.code == 1 and REFUSED in ran.out + ran.err else "wrong"
        else:
            yield "clean" if ran.code in (1, 3) else "wrong"

    def _of_repeated(self, cloud: Sandbox, again: Ran, done: set[str]) -> Iterator[str]:
        if again.code:
            yield "wrong"
        if _that_are_done(again) & done - ALWAYS or _twins(cloud) or done_twice(cloud):
            yield "redone"
        if not nothing_lent(cloud) or "RUNNING" in runs(cloud).values():
            yield "leaked"


ALWAYS = {"sign-in", "preflight", "train", "check-training", "score", "verify"}
"""Steps that every run does. A training that was not registered is among them, for it takes up the run
that has finished: whether it does is seen in MLflow."""


@dataclass
class _Gate:
    """A request that is not answered, after `before` of its kind."""

    cloud: Sandbox
    call: str
    before: int

    def met_before(self, ending: Future[Ran]) -> bool:
        """Wait until it was made; False if the command ends before."""
        while not ending.done():
            if self.cloud.received(self.call) > self.before:
                return True
            wait([ending], POLL_SECONDS)
        return False


def _that_are_done(ran: Ran) -> set[str]:
    """The steps that a replay did; a command that tells in words did none."""
    try:
        return ran.that_are("done")
    except ValueError:
        return set()


def _unexplained(ran: Ran) -> bool:
    """Whether a step has failed without a word of what to do."""
    try:
        return any(e["outcome"] == "failed" and not e["fix"] for e in ran.of("step-finished"))
    except ValueError:
        return False


def _the_worse(one: Ran, other: Ran) -> Ran:
    """The one that failed; if both did, with an exit code that no command has."""
    if one.code and other.code:
        return Ran(BOTH_FAILED, one.out, one.err + other.err)
    return one if one.code else other


def _twins(cloud: Sandbox) -> bool:
    """Whether a workspace has two clusters of one name."""
    return any(
        count > 1
        for workspace in cloud.state["databricks"].values()
        for count in Counter(
            c["spec"]["cluster_name"] for c in workspace["clusters"].values()
        ).values()
    )
