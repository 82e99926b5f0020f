"""What can go wrong, said for people: what happened, why, what to do next.

Every error that a command may end with carries its exit code. Nothing here may hold a secret:
the text of an error is printed, journaled and pasted into tickets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

Severity = Literal["error", "warning"]
ALL = "all"  # every rule, where rules are named to be ignored


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a recipe or on a cloud, under every field concerned.

    `rule` is the id of the rule (``AK-4``) or of the shape check (``unknown-key``); `fields` are
    dotted recipe paths (``addresses.vnet``); `line` is the line of the file, where there is one.
    `cure` holds the values, by recipe path, that would remove the finding, where a rule knows them;
    `command` is the command that does it: of the Azure CLI for what is wrong on the cloud, of ours
    for what is in the recipe.
    """

    rule: str
    severity: Severity
    fields: tuple[str, ...]
    what: str
    why: str = ""
    fix: str = ""
    line: int | None = None
    cure: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "fields": list(self.fields)}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Finding:
        """What `to_json` made."""
        return cls(**{**body, "fields": tuple(body["fields"])})


def lowered(found: Sequence[Finding], ignored: Collection[str]) -> list[Finding]:
    """The findings, with errors of rules that are `ignored` (``all``: of every one) as warnings."""
    return [
        replace(finding, severity="warning")
        if ALL in ignored or finding.rule in ignored
        else finding
        for finding in found
    ]


class AmlwizardError(Exception):
    """Base of every error that ends a command with a message instead of a traceback."""

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.fix) if part)


class InvalidInputError(AmlwizardError):
    """The recipe or the command line cannot be used; every finding is in `findings`."""

    exit_code = 2

    def __init__(
        self, what: str, *, findings: Sequence[Finding] = (), why: str = "", fix: str = ""
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.findings = tuple(findings)


class SignInError(AmlwizardError):
    """Entra refused, the person declined, or the device code expired. `code` is Entra's
    (``AADSTS50173``), where there is one."""

    exit_code = 3

    def __init__(self, what: str, *, code: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.code = code


class OperationCancelledError(AmlwizardError):
    """The person, or a signal, asked to stop."""

    exit_code = 130


class StepError(AmlwizardError):
    """A step found that what it made does not work: a failed run, cell, deployment or request."""


class ExpectationError(AmlwizardError):
    """A number that the recipe expects came out otherwise."""


class CloudError(AmlwizardError):
    """The cloud refused or failed, in its own words.

    `code` is Azure's error code (``AnotherOperationInProgress``), `status` the HTTP status or 0
    where no answer came.
    """

    def __init__(
        self, what: str, *, code: str = "", status: int = 0, why: str = "", fix: str = ""
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.code, self.status = code, status
