"""Seconds and memory of many recipes in one process, beside those of one recipe.

    make fleet, or: python benchmarks/fleet.py [--recipes N] [--jobs N]

Both sides run `replay --until provision` in a sandbox of their own, one after the other in one run,
so that a busy machine slows both. Peaks of memory are resident sets, as Linux counts them. Nothing
here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
QUICKSTART = (ROOT / "recipes" / "quickstart.yaml").read_text()
PREFIX = "mlquick01"
ENOUGH = 10**6
MIB = 2**20


@dataclass(frozen=True)
class Cost:
    """Seconds from start to end, seconds of CPU time, and peaks of memory in bytes: of the command
    and of the sandbox."""

    seconds: float
    cpu: float
    memory: int
    sandbox_cpu: float
    sandbox_memory: int


@contextmanager
def sandbox() -> Iterator[tuple[int, dict[str, str]]]:
    """A sandbox with quota for everything: its process id and description."""
    process = subprocess.Popen(
        [sys.executable, "-m", "amlwizard.sandbox", "--until-eof", "--clock", "instant", "--approve"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout
    try:
        given = json.loads(process.stdout.readline())
        limits = dict.fromkeys(("cores", "family_cores", "ml_cores"), ENOUGH)
        httpx.post(
            f"{given['control']}/state",
            json={"limits": limits},
            headers={"Authorization": f"Bearer {given['control_token']}"},
            verify=ssl.create_default_context(cafile=given["ca"]),
        ).raise_for_status()
        yield process.pid, given
    finally:
        process.stdin.close()
        process.wait()


def peak(process: int) -> int:
    """The most memory that a process has had so far."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(
        int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")
    )


def cpu_time(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def replay(names: Sequence[str], jobs: int, home: str) -> Cost:
    recipes = []
    for name in names:
        recipes.append(str(Path(home, f"{name}.yaml")))
        Path(recipes[-1]).write_text(QUICKSTART.replace(PREFIX, name))
    options = ("--target", "sandbox", "--until", "provision", "--jobs", str(jobs))
    told = Path(home, "told")
    with sandbox() as (server, given), told.open("w") as out:
        around = {"AMLWIZARD_HOME": home, "AMLWIZARD_SANDBOX": given["description"]}
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "amlwizard", "replay", *recipes, *options],
            stdout=out, stderr=out, env={**os.environ, **around},
        )  # fmt: skip
        _, ended, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if ended:
            raise SystemExit(f"{len(names)} recipes failed:\n{told.read_text()[-4000:]}")
        cpu = used.ru_utime + used.ru_stime
        return Cost(seconds, cpu, used.ru_maxrss * 1024, cpu_time(server), peak(server))


def show(title: str, cost: Cost, recipes: int) -> None:
    print(f"\n{title}")
    for name, total, unit in (
        ("seconds", cost.seconds, "s"),
        ("CPU time", cost.cpu, "s"),
        ("memory", cost.memory / MIB, "MiB"),
        ("CPU time of the sandbox", cost.sandbox_cpu, "s"),
        ("memory of the sandbox", cost.sandbox_memory / MIB, "MiB"),
    ):
        print(f"  {name:<25}{total:9.1f} {unit:<4}{total / recipes:9.1f} {unit} a recipe")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipes", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=4)
    given = parser.parse_args()
    names = [f"mlfleet{number:03}" for number in range(given.recipes)]
    with tempfile.TemporaryDirectory(prefix="amlwizard-fleet-") as home:
        one = replay(["mlalone"], 1, home)
        show("One recipe", one, 1)
        all_of_them = replay(names, given.jobs, home)
    show(f"{given.recipes} recipes, {given.jobs} at a time", all_of_them, given.recipes)
    more = (all_of_them.memory - one.memory) / MIB / max(1, given.recipes - 1)
    print(
        f"\nEach recipe after the first: {more:.1f} MiB, and "
        f"{(all_of_them.seconds - one.seconds) / max(1, given.recipes - 1):.1f} s."
    )


if __name__ == "__main__":
    main()
