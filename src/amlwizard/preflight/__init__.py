"""Preflight: reports everything the cloud would reject, at once and before anything is written.

`survey` (situation.py) reads the cloud; the checks are pure functions from the `Situation` that it
returns to findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from amlwizard.errors import Finding
from amlwizard.plan import Context, Step
from amlwizard.preflight import (
    databricks,
    names,
    network,
    offers,
    pods,
    policies,
    quota,
    requirements,
    rights,
    standing,
    zones,
)
from amlwizard.preflight.situation import Situation, survey
from amlwizard.recipe import Sections, sections_of
from amlwizard.rules import cures

__all__ = ["CHECKS", "RULES", "Situation", "check", "findings", "survey"]

RULES = (
    "access-mode", "immutable", "kubernetes-version", "ml-vcpu-quota", "name-taken", "network-quota",
    "node-type-not-offered", "not-checked", "notebook-secrets", "other-region", "pods-without-node",
    "policy", "provider-not-registered", "public-ip-quota", "region-not-offered",
    "requirement-not-installable", "reserved-subnet", "role-action", "runtime-not-offered",
    "sku-not-offered", "sku-unfit", "soft-deleted", "subnet-in-use", "vcpu-quota", "vnet-overlap",
    "zone-linked",
)  # fmt: skip
"""The ids of the rules under which the checks find something."""

CHECKS: tuple[Callable[[Situation], Iterator[Finding]], ...] = (
    names.places,
    names.taken,
    names.deleted_vault,
    names.deleted_workspace,
    names.endpoint,
    names.managed_group,
    standing.immutable,
    offers.regions,
    offers.sizes,
    offers.fitting,
    offers.kubernetes,
    databricks.runtime,
    databricks.node_type,
    databricks.access_mode,
    requirements.installable,
    rights.providers,
    rights.actions,
    policies.policies,
    rights.notebook,
    quota.quotas,
    quota.of_pool,
    pods.room,
    network.overlaps,
    network.subnets,
    zones.linked,
    network.reserved,
    rights.unread,
)


def check(ctx: Context, steps: Sequence[Step]) -> list[Finding]:
    """The findings for the recipe in `ctx`, errors first. `ctx` must have the outputs of the
    sign-in. Read-only."""
    return findings(survey(ctx, steps))


def findings(situation: Situation) -> list[Finding]:
    """The findings of all checks, errors first, with only such cures as no rule rejects."""
    recipe = situation.recipe
    sections = sections_of(recipe)
    found = [_sound(sections, finding) for check in CHECKS for finding in check(situation)]
    return sorted(found, key=lambda finding: finding.severity != "error")


def _sound(sections: Sections, finding: Finding) -> Finding:
    """The finding, without its cure if a rule would reject that."""
    if not finding.cure or cures.allowed(sections, finding.cure):
        return finding
    return finding.uncured()
