"""``python -m chaos [RUNS] [SEED]``; the exit code is 1 if any figure that must be 0 is not."""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter

from support import running

from chaos.grounds import GROUNDS, PLENTY
from chaos.trials import FIGURES, MUST_BE_0, Trial, breaks


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)  # noqa: S311 - which trials, no secret
    figures: Counter[str] = Counter()
    slowest = 0.0
    with running("--approve", "--clock", "instant") as cloud, tempfile.TemporaryDirectory() as home:
        cloud.change(limits=PLENTY)
        around = {"AMLWIZARD_HOME": home, **cloud.environment}
        grounds = [made(cloud, around) for made in GROUNDS]
        possible = sum(len(breaks(call)) for ground in grounds for call in ground.calls)
        print(f"seed {seed}: {count} of {possible} trials", flush=True)
        for number in range(1, count + 1):
            ground = chance.choice(grounds)
            call = chance.choice(ground.calls)
            what = chance.choice(breaks(call))
            trial = Trial(ground, number, call, what, around)
            verdicts = trial.verdicts(cloud)
            figures.update(["tried", *verdicts])
            slowest = max(slowest, trial.stopped_after)
            print(f"{'+'.join(verdicts):12} {what:20} {ground.name:9} {call}", flush=True)
    for figure in FIGURES:
        print(f"{figure:12}{figures[figure]:5}")
    print(f"slowest stop {slowest:.1f} s")
    return int(any(figures[figure] for figure in MUST_BE_0))


if __name__ == "__main__":
    sys.exit(main())
