"""``python -m chaos [RUNS] [SEED]``; the exit code is 1 if any figure that must be 0 is not."""

from __future__ import annotations

import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from support import Sandbox, running

from chaos.grounds import GROUNDS, PLENTY, Ground
from chaos.trials import FIGURES, MUST_BE_0, Trial, breaks


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    figures: Counter[str] = Counter()
    slowest = 0.0
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # the figures so far are told then, too
    with suppress(KeyboardInterrupt), _cloud() as (cloud, around):
        grounds = [made(cloud, around) for made in GROUNDS]
        possible = sum(len(breaks(call)) for ground in grounds for call in ground.calls)
        print(f"seed {seed}: {count} of {possible} trials", flush=True)
        for trial in _drawn(grounds, count, seed, around):
            verdicts = trial.verdicts(cloud)
            figures.update(["tried", *verdicts])
            slowest = max(slowest, trial.stopped_after)
            said = (trial.what, trial.ground.name, trial.call)
            print(f"{'+'.join(verdicts):12} {said[0]:20} {said[1]:9} {said[2]}", flush=True)
    for figure in FIGURES:
        print(f"{figure:12}{figures[figure]:5}")
    print(f"slowest stop {slowest:.1f} s")
    return int(any(figures[figure] for figure in MUST_BE_0))


@contextmanager
def _cloud() -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A sandbox with room for many platforms, and the environment of the runs on it."""
    with running("--approve", "--clock", "instant") as cloud, tempfile.TemporaryDirectory() as home:
        cloud.change(limits=PLENTY)
        yield cloud, {"AMLWIZARD_HOME": home, **cloud.environment}


def _drawn(
    grounds: Sequence[Ground], count: int, seed: int, around: dict[str, str]
) -> Iterator[Trial]:
    """Every phase is as likely as the others, however many requests it makes."""
    chance = random.Random(seed)  # noqa: S311 - which trials, no secret
    for number in range(1, count + 1):
        ground = chance.choice(grounds)
        call = chance.choice(ground.calls)
        yield Trial(ground, number, call, chance.choice(breaks(call)), around)


if __name__ == "__main__":
    sys.exit(main())
