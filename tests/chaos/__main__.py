"""Breaks runs at random, a seed at a time, and says in figures what became of them.

Every run builds a platform of its own in one sandbox, is broken once, and is then repeated without
the fault. ``python -m chaos [RUNS] [SEED]``; the exit code is 1 if any figure that must be 0 is not.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support import RECIPES, Json, Ran, Sandbox, amlwizard, replaying_afresh, running
from support.faults import FAULTS

TARGET = (str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--until", "provision")
MUST_BE_0 = ("misleading", "wrong", "redone", "leaked")
PLENTY = {"cores": 100_000, "family_cores": 100_000, "ml_cores": 100_000}
WRITES = ("PUT", "PATCH", "DELETE")


@dataclass
class Trial:
    """A run that is broken once. `call` is a regular expression for ``METHOD path``, `fault` one of
    FAULTS, or ``kill``."""

    prefix: str
    call: str
    fault: str

    def broken(self, cloud: Sandbox, around: dict[str, str]) -> Ran:
        options = (*TARGET, "--set", f"names.prefix={self.prefix}")
        if self.fault == "kill":
            return self._killed(cloud, options, around)
        cloud.fault(self.call, times=1, **FAULTS[self.fault])
        try:
            return amlwizard("replay", *options, "--json", **around)
        finally:
            cloud.clear()

    def _killed(self, cloud: Sandbox, options: tuple[str, ...], around: dict[str, str]) -> Ran:
        """A run that is killed while this request is not answered."""
        before = len(cloud.calls)
        cloud.gate(self.call)
        with replaying_afresh(*options, **around) as replay:
            assert isinstance(replay.process, subprocess.Popen)
            while replay.process.poll() is None:
                if any(re.fullmatch(self.call, line) for line in cloud.calls[before:]):
                    replay.send(signal.SIGKILL)
                    break
            replay.process.wait()
            ran = replay.end()
        cloud.clear()
        return ran

    def verdicts(self, cloud: Sandbox, around: dict[str, str]) -> Iterator[str]:
        """Words of the figures that this trial counts for."""
        ran = self.broken(cloud, around)
        done = ran.that_are("done") if ran.events else set()
        if ran.code == 0:
            yield "survived"
        elif self.fault == "kill":
            yield "killed"
        elif "Traceback" in ran.err or "foresee" in ran.err:
            yield "misleading"
        else:
            yield "clean"
        before = len(cloud.calls)
        again = amlwizard(
            "replay", *TARGET, "--set", f"names.prefix={self.prefix}", "--json", **around
        )
        if again.code:
            yield "wrong"
        if again.that_are("done") & done - {"sign-in", "preflight"}:
            yield "redone"
        if self._twins(cloud):
            yield "redone"
        if any(scope for w in cloud.state["databricks"].values() for scope in w["scopes"].values()):
            yield "leaked"
        if again.code or "misleading" in ran.err:
            print(json.dumps({"trial": vars(self), "code": again.code, "calls": before}))
            print(ran.err[-1500:], again.err[-1500:], sep="\n--\n")

    def _twins(self, cloud: Sandbox) -> bool:
        made = Counter(
            spec["spec"]["cluster_name"]
            for w in cloud.state["databricks"].values()
            for spec in w["clusters"].values()
        )
        return made[f"{self.prefix}-training"] > 1


def calls(cloud: Sandbox, prefix: str, around: dict[str, str]) -> list[str]:
    """A regular expression for every kind of request that an undisturbed run makes."""
    ran = amlwizard("replay", *TARGET, "--set", f"names.prefix={prefix}", "--json", **around)
    assert ran.code == 0, ran.err
    return sorted({_kind(line, prefix) for line in cloud.calls})


def _kind(line: str, prefix: str) -> str:
    """The request with names and ids left open."""
    method, _, path = line.partition(" ")
    parts = [
        "[^/]+" if prefix in part or re.search(r"[0-9a-f]{8}", part) else re.escape(part)
        for part in path.split("/")
    ]
    return f"{method} {'/'.join(parts)}"


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)  # noqa: S311 - which trials, no secret
    figures: Counter[str] = Counter()
    with running("--approve", "--clock", "instant") as cloud, tempfile.TemporaryDirectory() as home:
        cloud.change(limits=PLENTY)
        around = {"AMLWIZARD_HOME": str(Path(home)), **cloud.environment}
        kinds = calls(cloud, "chaos0", around)
        print(f"seed {seed}: {runs} of {len(kinds) * (len(FAULTS) + 1)} trials")
        for number in range(runs):
            call, fault = chance.choice(kinds), chance.choice([*FAULTS, "kill"])
            silent = FAULTS.get(fault, Json()).get("status") == 200
            if silent and call.startswith(WRITES):
                continue  # no service says 200 to a write and does nothing
            trial = Trial(f"chaos{number + 1:03}", call, fault)
            verdicts = list(trial.verdicts(cloud, around))
            figures.update(["tried", *verdicts])
            print(f"{'+'.join(verdicts):12} {fault:20} {call}", flush=True)
    for figure in ("tried", "survived", "clean", "killed", *MUST_BE_0):
        print(f"{figure:12}{figures[figure]:5}")
    return int(any(figures[figure] for figure in MUST_BE_0))


if __name__ == "__main__":
    sys.exit(main())
