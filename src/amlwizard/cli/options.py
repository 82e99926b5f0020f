"""The options of every command, as typed values read by argparse."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Self

Target = Literal["sandbox", "azure"]
Phase = Literal["sign-in", "provision", "train", "register", "deploy", "score", "verify"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a command; each field has the name of its argument."""

    @classmethod
    def of(cls, given: argparse.Namespace) -> Self:
        """The options in `given`, with the defaults of those that were left out."""
        return cls(**{field.name: getattr(given, field.name) for field in fields(cls)})


@dataclass(frozen=True, kw_only=True)
class CloudOptions(Options):
    """For commands that use a cloud. `clock` and `speed` apply to the embedded sandbox; `approve`
    None means: only if the sandbox is embedded. `capture` is a file."""

    target: Target | None
    clock: str
    speed: float
    approve: bool | None
    capture: str | None


@dataclass(frozen=True, kw_only=True)
class TargetOptions(CloudOptions):
    """For commands that require a target."""

    target: Target


@dataclass(frozen=True, kw_only=True)
class WizardOptions(CloudOptions):
    recipe: str | None


@dataclass(frozen=True, kw_only=True)
class AskOptions(CloudOptions):
    recipe: str | None
    output: str | None
    force: bool
    plain: bool


@dataclass(frozen=True, kw_only=True)
class RecipeOptions(Options):
    """For commands that take a recipe file; `set` holds changes: ``section.field=value``."""

    recipe: str
    set: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class FindingsOptions(RecipeOptions):
    """For commands that report findings."""

    json: bool


@dataclass(frozen=True, kw_only=True)
class CheckOptions(FindingsOptions):
    ignore: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PreflightOptions(FindingsOptions, TargetOptions):
    pass


@dataclass(frozen=True, kw_only=True)
class PlanOptions(RecipeOptions, CloudOptions):
    verbose: bool
    json: bool


@dataclass(frozen=True, kw_only=True)
class ReplayOptions(TargetOptions):
    recipes: Sequence[str]
    set: Sequence[str]
    jobs: int
    until: Phase | None
    rerun: Sequence[Phase]
    ignore: Sequence[str]
    json: bool
    yes: bool


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(CloudOptions):
    run: str | None
    ignore: Sequence[str]
    json: bool
    yes: bool


@dataclass(frozen=True, kw_only=True)
class RunsOptions(CloudOptions):
    """`delete` is the id of a run."""

    recipe: str | None
    set: Sequence[str]
    json: bool
    delete: str | None
    yes: bool


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(RecipeOptions, TargetOptions):
    verbose: bool
    json: bool
    html: str | None
    skip: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class KeyOptions(RecipeOptions, TargetOptions):
    pass


@dataclass(frozen=True, kw_only=True)
class DestroyOptions(RecipeOptions, TargetOptions):
    verbose: bool
    purge: bool
    dry_run: bool
    yes: bool
    json: bool


@dataclass(frozen=True, kw_only=True)
class ExportOptions(RecipeOptions):
    to: str
    output: str | None
    force: bool


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Options):
    recipe: str | None
    pace: str
    step: bool
    record: str | None
    journal: str | None


@dataclass(frozen=True, kw_only=True)
class CopyOptions(Options):
    name: str
    output: str | None
    force: bool


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(Options):
    json: bool


@dataclass(frozen=True, kw_only=True)
class CompletionOptions(Options):
    shell: str


@dataclass(frozen=True, kw_only=True)
class SandboxOptions(Options):
    port: int
    state: str | None
    clock: str
    speed: float
    approve: bool
    capture: str | None
    reset: bool


@dataclass(frozen=True, kw_only=True)
class CompareOptions(Options):
    captures: Sequence[str]
    json: bool
