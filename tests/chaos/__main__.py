"""``python -m chaos [--runs N] [--seed N] [--way WAY]``; the exit code is 1 if any figure that must be
0 is not."""

from __future__ import annotations

import random
import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from support import Sandbox, running

from chaos.grounds import GROUNDS, PLENTY, Ground
from chaos.trials import FIGURES, MUST_BE_0, WAYS, Trial, breaks


def main() -> int:
    given = _given()
    figures: Counter[str] = Counter()
    slowest = 0.0
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # the figures so far are told then, too
    with suppress(KeyboardInterrupt), _cloud() as (cloud, around):
        grounds = [made(cloud, around) for made in GROUNDS]
        points = [(ground, call) for ground in grounds for call in ground.calls]
        print(f"seed {given.seed}: {given.runs} trials at {len(points)} requests", flush=True)
        drawn = _spread(points, given) if given.way else _drawn(grounds, given)
        for number, (ground, call, way) in enumerate(drawn, 1):
            print(f"{way:20} {ground.name:9} {call}", end="  ", flush=True)  # which may hang
            trial = Trial(ground, number, call, way, around)
            verdicts = trial.verdicts(cloud)
            figures.update(["tried", *verdicts])
            slowest = max(slowest, trial.stopped_after)
            print("+".join(verdicts), flush=True)
    for figure in FIGURES:
        print(f"{figure:12}{figures[figure]:5}")
    print(f"slowest stop {slowest:.1f} s")
    return int(any(figures[figure] for figure in MUST_BE_0))


def _given() -> Namespace:
    parser = ArgumentParser("chaos")
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--way", choices=WAYS)
    return parser.parse_args()


@contextmanager
def _cloud() -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A sandbox with room for many platforms, and the environment of the runs on it."""
    with running("--approve", "--clock", "instant") as cloud, tempfile.TemporaryDirectory() as home:
        cloud.change(limits=PLENTY)
        yield cloud, {"AMLWIZARD_HOME": home, **cloud.environment}


def _drawn(grounds: Sequence[Ground], given: Namespace) -> Iterator[tuple[Ground, str, str]]:
    """Every phase is as likely as the others, however many requests it makes."""
    chance = random.Random(given.seed)  # noqa: S311 - which trials, no secret
    for _ in range(given.runs):
        ground = chance.choice(grounds)
        call = chance.choice(ground.calls)
        yield ground, call, chance.choice(breaks(call))


def _spread(
    points: Sequence[tuple[Ground, str]], given: Namespace
) -> Iterator[tuple[Ground, str, str]]:
    """Evenly over the whole journey."""
    possible = [(ground, call) for ground, call in points if given.way in breaks(call)]
    for number in range(given.runs):
        at = number * len(possible) // given.runs + given.seed
        yield *possible[at % len(possible)], given.way


if __name__ == "__main__":
    sys.exit(main())
