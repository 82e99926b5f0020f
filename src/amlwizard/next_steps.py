"""What to do after a run, as shell commands that can be pasted as they are shown."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amlwizard.app.port import ShellAccess
from amlwizard.command_line import command_line, replaying, resuming
from amlwizard.language import _
from amlwizard.payloads import ScoringResponse
from amlwizard.plan.outputs import SCORE
from amlwizard.view import RunView

REPLAY = _("To replay it, which keeps what is there:")
DESTROY = _("To take all of it down:")
RESUME = _("To go on with this run:")
REVIVE = _("The endpoint ends with amlwizard. To have it back, run this in a second terminal:")
ASK = _("To send the request from another shell:")
ASK_INSIDE = _("To send the request from a machine in the VNET, which alone reaches the endpoint:")


@dataclass(frozen=True)
class NextStep:
    """`what` is a sentence that ends with a colon, `commands` are the lines that do it."""

    what: str
    commands: tuple[str, ...]


def next_steps(view: RunView, recipe: str | Path, access: ShellAccess) -> Iterator[NextStep]:
    """What is left to do after a run of `recipe`, which is the path of a file."""
    if not view.run:
        return
    if view.exit_code != 0:
        yield NextStep(RESUME, (_resuming(view, recipe, access),))
    else:
        yield NextStep(REPLAY, (replaying(recipe, view.target, *access.login),))
    if any(s.state in ("done", "kept") and s.info.phase != "sign-in" for s in view.steps.values()):
        yield NextStep(DESTROY, (command_line("destroy", recipe, *access.options),))
    if answer := answered(view):
        if access.revival:
            yield NextStep(REVIVE, (access.revival,))
        scored = view.output(SCORE)
        inside = scored is not None and scored.asked_from != "here"
        yield NextStep(ASK_INSIDE if inside else ASK, request_lines(answer, recipe, access))


def _resuming(view: RunView, recipe: str | Path, access: ShellAccess) -> str:
    """`resume` signs in as the recipe says: where someone has to be asked, a replay goes on as well."""
    if access.login:
        return replaying(recipe, view.target, *access.login)
    return resuming(view.run, view.target)


def answered(view: RunView) -> ScoringResponse | None:
    """The answer to the last request that a run sent."""
    step = view.steps.get(SCORE.id)
    sent = (event.payload(ScoringResponse) for event in reversed(step.log)) if step else ()
    return next(filter(None, sent), None)


def request_lines(
    answer: ScoringResponse, recipe: str | Path, access: ShellAccess
) -> tuple[str, str]:
    """The commands that send a request again from any shell: the first fetches the key of the
    endpoint into a variable, the second uses it."""
    variables = "".join(f"{name}={shlex.quote(value)} " for name, value in access.variables.items())
    key = command_line("key", recipe, *access.options, *access.consent)
    return f"KEY=$({variables}{key})", answer.curl
