"""Ratios of what is measured side by side in one run, so that a busy machine slows both sides.

    make bench, or: python benchmarks/ratios.py [--rounds N]

Each side runs N times, in turns; a ratio is that of the medians. Nothing here passes or fails: what
must hold is held by tests, which look at modules and requests and never at clocks.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUICKSTART = str(ROOT / "recipes" / "quickstart.yaml")
SANDBOX = ("--target", "sandbox", "--clock", "instant")
EVERYTHING = (
    "import textual.app, azure.identity, azure.mgmt.network, azure.ai.ml, databricks.sdk, mlflow, "
    "sklearn.linear_model, amlwizard.app.application"
)

Side = Callable[[], None]


def python(*arguments: str, **environment: str) -> Side:
    """A Python process, from start to end; its failure ends the measuring."""

    def run() -> None:
        ended = subprocess.run(
            [sys.executable, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        if ended.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{ended.stdout[-4000:]}")

    return run


def command(*arguments: str, **environment: str) -> Side:
    return python("-m", "amlwizard", *arguments, **environment)


def medians(sides: Mapping[str, Side], rounds: int) -> dict[str, float]:
    """Seconds by side; the sides take turns, so that a slow moment hits all of them."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def compare(title: str, sides: Mapping[str, Side], rounds: int) -> None:
    found = medians(sides, rounds)
    least = min(found.values())
    print(f"\n{title}")
    for name, seconds in found.items():
        print(f"  {name:<40} {seconds:8.2f} s  {seconds / least:6.1f} x")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    compare(
        "Starting",
        {
            "amlwizard --help": command("--help"),
            "amlwizard check": command("check", QUICKSTART),
            "amlwizard plan": command("plan", QUICKSTART),
            "importing everything": python("-c", EVERYTHING),
        },
        rounds,
    )
    with tempfile.TemporaryDirectory(prefix="amlwizard-ratios-") as home:
        here = {"AMLWIZARD_HOME": home}
        began = time.perf_counter()
        command("replay", QUICKSTART, *SANDBOX, **here)()
        first = time.perf_counter() - began
        compare(
            f"On a platform that stands (its first replay took {first:.1f} s)",
            {
                "amlwizard plan --target sandbox": command("plan", QUICKSTART, *SANDBOX, **here),
                "amlwizard replay, everything kept": command(
                    "replay", QUICKSTART, *SANDBOX, **here
                ),
                "amlwizard replay --rerun train": command(
                    "replay", QUICKSTART, *SANDBOX, "--rerun", "train", **here
                ),
            },
            rounds,
        )


if __name__ == "__main__":
    main()
