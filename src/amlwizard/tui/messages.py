"""What workers report. They change nothing themselves: the app's handlers own the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from textual.message import Message

from amlwizard import backend
from amlwizard.accounts import Account, Tenant
from amlwizard.backend import Ran
from amlwizard.errors import AmlwizardError, Finding
from amlwizard.events import Event
from amlwizard.plan import Plan
from amlwizard.posture import Posture
from amlwizard.recipe import Recipe


class RunEvent(Message):
    """An event of a run or of a sign-in, in the order in which it was stamped."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class Busy(Message):
    """What workers are doing now: ``sign-in``, ``plan``, ``run``..."""

    def __init__(self, kinds: Iterable[str]) -> None:
        super().__init__()
        self.kinds = frozenset(kinds)


class Opened(Message):
    """The target can be reached."""


class SignedIn(Message):
    def __init__(self, account: Account) -> None:
        super().__init__()
        self.account = account


class TenantsSeen(Message):
    """What there is to choose from once somebody has signed in."""

    def __init__(self, tenants: Sequence[Tenant]) -> None:
        super().__init__()
        self.tenants = tuple(tenants)


class PlanMade(Message):
    """A plan of `recipe`; without a target where no cloud was read."""

    def __init__(self, recipe: Recipe, plan: Plan, expected: Mapping[str, float]) -> None:
        super().__init__()
        self.recipe, self.plan, self.expected = recipe, plan, expected


class CloudFindings(Message):
    """What the cloud would refuse of `recipe`."""

    def __init__(self, recipe: Recipe, findings: Sequence[Finding]) -> None:
        super().__init__()
        self.recipe, self.findings = recipe, tuple(findings)


class RunEnded(Message):
    def __init__(self, ran: Ran) -> None:
        super().__init__()
        self.ran = ran


class Recalled(Message):
    """The events of an earlier run have been said again."""

    def __init__(self, ran: Ran) -> None:
        super().__init__()
        self.ran = ran


class Scored(Message):
    """The answer to a scoring request of one's own."""

    def __init__(self, scored: backend.Scored) -> None:
        super().__init__()
        self.scored = scored


class Verifying(Message):
    """What a verification that was asked for does now."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Verified(Message):
    """The platform has been judged again."""

    def __init__(self, posture: Posture) -> None:
        super().__init__()
        self.posture = posture


class Reported(Message):
    """A posture was written as a page, which lies there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path


class Failed(Message):
    """`doing` is what was asked for: ``sign-in``, ``plan``, ``run``..."""

    def __init__(self, doing: str, error: AmlwizardError) -> None:
        super().__init__()
        self.doing, self.error = doing, error
