"""Errors and findings, worded for users: what happened, why, what to do next.

Every error that may end a command carries its exit code. Nothing here may hold a secret: the text
of an error is printed, journaled and pasted into tickets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from amlwizard.json_types import Document
from amlwizard.plain_text import PlainText, plain, plain_value

Severity = Literal["error", "warning"]
ALL = "all"  # stands for every rule in a list of rules to ignore


@dataclass(frozen=True, slots=True)
class Finding(PlainText):
    """One finding in a recipe or on a cloud, listed under every field concerned.

    `rule` is the id of the rule (``AK-4``) or of the shape check (``unknown-key``); `fields` are
    dotted recipe paths (``addresses.vnet``); `line` is the line of the file, if there is one.
    `cure` holds the values, by recipe path, that would remove the finding, if the rule knows them;
    `command` is the command that does it: of the Azure CLI for problems in the cloud, of amlwizard
    for problems in the recipe.
    `otherwise` is the fix without the cure, for where that causes another error; None where `fix` does
    not name the cure. The JSON leaves it out.
    """

    rule: str
    severity: Severity
    fields: tuple[str, ...]
    what: str
    why: str = ""
    fix: str = ""
    line: int | None = None
    cure: Mapping[str, object] = field(default_factory=dict)
    command: str = ""
    otherwise: str | None = field(default=None, compare=False)

    def uncured(self) -> Finding:
        """The finding without its cure."""
        fix = self.fix if self.otherwise is None else self.otherwise
        return replace(self, cure={}, command="", fix=fix)

    def to_json(self) -> dict[str, object]:
        body = {**asdict(self), "fields": list(self.fields)}
        del body["otherwise"]
        return body

    @classmethod
    def from_json(cls, body: Document) -> Finding:
        """The inverse of `to_json`."""
        return cls(**{**body, "fields": tuple(body["fields"])})


def lowered(found: Sequence[Finding], ignored: Collection[str]) -> list[Finding]:
    """The findings, with errors of the rules in `ignored` (``all``: of every rule) as warnings."""
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
        super().__init__(plain(what))
        self.what, self.why, self.fix = what, why, fix

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, plain_value(value))

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
    """Entra refused, the user declined, or the device code expired. `code` is Entra's
    (``AADSTS50173``), if there is one."""

    exit_code = 3

    def __init__(self, what: str, *, code: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(what, why=why, fix=fix)
        self.code = code


class OperationCancelledError(AmlwizardError):
    """The user, or a signal, requested cancellation."""

    exit_code = 130


class StepError(AmlwizardError):
    """A step found that its result does not work: a failed run, cell, deployment or request."""


class ExpectationError(AmlwizardError):
    """A number differs from what the recipe expects."""


class CloudError(AmlwizardError):
    """The cloud refused or failed, in its own words.

    `code` is Azure's error code (``AnotherOperationInProgress``), `status` the HTTP status, or 0 if
    there was no response.
    """

    def __init__(
        self, what: str, *, code: str = "", status: int = 0, why: str = "", fix: str = ""
    ) -> None:
        super().__init__(what, why=why, fix=fix)
        self.code, self.status = code, status
