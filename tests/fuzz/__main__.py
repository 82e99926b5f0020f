"""Looks for inputs on which a command does not end as it must: ``python -m fuzz [RUNS] [SEED]``.

Every property is tried on RUNS inputs. The smallest input that breaks it is printed, and the exit code
is 1: make it a test, and mend it.
"""

from __future__ import annotations

import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, seed, settings
from support import running

from fuzz import answers, files, recipes

MOST_MEMORY = 8 << 30  # bytes
MOST_SECONDS = 10.0  # of the processor, for an input on average
SEARCHED = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
"""Limits on how long one input takes would be those of the machine: `MOST_SECONDS` is one on the sum."""
HERE: dict[str, Callable[[], None]] = {
    "recipes": recipes.any_recipe,
    "settings": recipes.any_setting,
    "journals": files.any_journal,
    "sessions": files.any_session,
    "captures": files.any_capture,
    "states": files.any_state,
    "descriptions": files.any_description,
    "leases": files.any_lease,
}


def properties(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """All of them, by name. Answers come last: a whole journey is recorded for them."""
    yield from HERE.items()
    with running("--approve", "--clock", "instant") as sandbox:
        tapes = answers.recorded(sandbox, answers.COMMANDS)
        description = answers.described(sandbox, folder)
    for command, tape in tapes.items():
        yield f"answers to {command}", answers.any_answer(command, tape, description)


def holds(name: str, run: Callable[[], None], runs: int, chance: int) -> bool:
    """Whether a property held for `runs` inputs, as a line of the table."""
    tried = settings(SEARCHED, max_examples=runs)(run)
    began, verdict = time.process_time(), "held"
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS * runs)
    try:
        seed(chance)(tried)()
    except Exception:  # noqa: BLE001 - whatever it is, it is a finding
        traceback.print_exc()
        verdict = "broken"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    print(f"{name:40}{verdict:8}{time.process_time() - began:8.1f} s", flush=True)
    return verdict == "held"


def _too_long(number: int, frame: object) -> None:
    raise AssertionError(f"more than {MOST_SECONDS:.0f} seconds for an input on average")


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    chance = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    signal.signal(signal.SIGPROF, _too_long)
    print(f"seed {chance}: {runs} inputs of each kind")
    with tempfile.TemporaryDirectory() as folder:
        verdicts = [holds(name, run, runs, chance) for name, run in properties(Path(folder))]
    return int(not all(verdicts))


if __name__ == "__main__":
    sys.exit(main())
