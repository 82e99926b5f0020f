"""The runs of several recipes in one process. Each has its journal, its lease and its clients; they
share the target, the sign-ins and what was imported, and none writes before all were looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Condition

from amlwizard.app.application import Application
from amlwizard.app.port import RunResult
from amlwizard.cloud import SharedSignIns
from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import Finding, OperationCancelledError
from amlwizard.events import Emit
from amlwizard.language import _
from amlwizard.plan import Context, Phase
from amlwizard.preflight import quota
from amlwizard.preflight.situation import Situation
from amlwizard.preflight.step import Joint
from amlwizard.recipe import Recipe
from amlwizard.run_control import POLL_SECONDS, FleetControl, RunControl


@dataclass(frozen=True)
class Work:
    """What to do with every recipe, as `Application.run` takes it."""

    rerun: Collection[Phase] = ()
    last: Phase | None = None
    ignored: Collection[str] = ()


class Turns:
    """Lets at most `jobs` recipes work at a time. Of those that wait, the first in the list is
    next."""

    def __init__(self, jobs: int) -> None:
        self.free = jobs
        self.waiting: set[int] = set()
        self.changed = Condition()


class Turn:
    """The turn of the recipe at `place` in the list."""

    def __init__(self, turns: Turns, place: int, control: RunControl) -> None:
        self._turns, self._place, self._control = turns, place, control
        self._is_held = False

    def take(self) -> None:
        """Wait for it. Raises OperationCancelledError if the run is cancelled meanwhile."""
        turns = self._turns
        with turns.changed:
            turns.waiting.add(self._place)
            try:
                while not (turns.free and self._place == min(turns.waiting)):
                    _look(turns.changed, self._control)
                turns.free -= 1
                self._is_held = True
            finally:
                turns.waiting.remove(self._place)
                turns.changed.notify_all()

    def give_back(self) -> None:
        """Nothing happens if it is not held."""
        with self._turns.changed:
            self._turns.free += self._is_held
            self._is_held = False
            self._turns.changed.notify_all()


def _look(changed: Condition, control: RunControl) -> None:
    """Wait for a change, for a moment. Raises OperationCancelledError."""
    if control.cancelled.is_set():
        raise OperationCancelledError(_("cancelled while other recipes were replayed"))
    changed.wait(POLL_SECONDS)


class JointPreflight:
    """Judges the quota that all recipes need together, once each was looked at or has ended."""

    def __init__(self, names: Collection[str]) -> None:
        self._names, self._missing = names, set(names)
        self._situations: dict[str, Situation] = {}
        self._found: Mapping[str, Sequence[Finding]] | None = None
        self._changed = Condition()

    def add(self, name: str, situation: Situation) -> bool:
        """Whether others are still missing."""
        with self._changed:
            self._situations[name] = situation
            self._drop(name)
            return bool(self._missing)

    def leave(self, name: str) -> None:
        """The recipe has ended: it needs nothing, or what it needed is in use."""
        with self._changed:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._missing.discard(name)
        if not self._missing and self._found is None:
            known = self._situations
            self._found = quota.exceeded_together({n: known[n] for n in self._names if n in known})
            self._situations.clear()
            self._changed.notify_all()

    def findings(self, name: str, control: RunControl) -> Sequence[Finding]:
        """Waits for the others. Raises OperationCancelledError."""
        with self._changed:
            while self._found is None:
                _look(self._changed, control)
            return self._found.get(name, ())


class Fleet:
    """Runs `recipes`, by their names, `jobs` at a time, on the target that `application` has
    opened."""

    def __init__(
        self,
        application: Application,
        recipes: Mapping[str, Recipe],
        jobs: int,
        control: FleetControl,
    ) -> None:
        self.application, self.recipes, self.control = application, recipes, control
        self._turns = Turns(jobs)
        self._preflight = JointPreflight(recipes)
        self._sign_ins = SharedSignIns()

    def run(self, work: Work, emit: Callable[[str], Emit]) -> dict[str, RunResult | None]:
        """The results by name, None for a recipe that was cancelled before it began. `emit` makes
        the listener of a recipe; it is called in several threads."""
        with ThreadPoolExecutor(len(self.recipes), thread_name_prefix="recipe") as pool:
            runs = {
                name: pool.submit(self._run, place, name, work, emit(name))
                for place, name in enumerate(self.recipes)
            }
            # Never without an end: the main thread has to handle signals.
            while wait(runs.values(), POLL_SECONDS).not_done:
                pass
        return {name: run.result() for name, run in runs.items()}

    def _run(self, place: int, name: str, work: Work, emit: Emit) -> RunResult | None:
        control = self.control.members[place]
        turn = Turn(self._turns, place, control)
        try:
            turn.take()
            return self.application.beside(self._sign_ins).run(
                self.recipes[name],
                name,
                emit,
                control,
                work.rerun,
                work.last,
                work.ignored,
                self._joint(name, turn, control),
            )
        except OperationCancelledError:
            return None
        except BaseException:
            self.control.cancel()  # such as a full disk: no run can go on
            raise
        finally:
            turn.give_back()
            self._preflight.leave(name)

    def _joint(self, name: str, turn: Turn, control: RunControl) -> Joint:
        """Another recipe has the turn while this one waits for the judgement."""

        def joint(situation: Situation, ctx: Context, say: ReportProgress) -> Sequence[Finding]:
            if self._preflight.add(name, situation):
                say(_("waiting until the other recipes have been looked at"))
            turn.give_back()
            found = self._preflight.findings(name, control)
            turn.take()
            return found

        return joint
