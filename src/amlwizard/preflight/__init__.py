"""Preflight: what the cloud will refuse, found before anything is written, all of it at once.

`survey` reads (situation.py), the checks are pure functions from what was read to findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from amlwizard.errors import Finding
from amlwizard.plan import Context, Step
from amlwizard.preflight import names, network, offers, pods, quota, rights
from amlwizard.preflight.situation import Situation, survey

__all__ = ["CHECKS", "Situation", "check", "findings", "survey"]

CHECKS: tuple[Callable[[Situation], Iterator[Finding]], ...] = (
    names.places,
    names.taken,
    names.deleted_vault,
    names.deleted_workspace,
    names.endpoint,
    names.managed_group,
    offers.regions,
    offers.sizes,
    offers.fitting,
    offers.kubernetes,
    rights.providers,
    rights.actions,
    rights.policies,
    rights.notebook,
    quota.vcpus,
    quota.machine_learning,
    quota.addresses,
    quota.network,
    pods.room,
    network.overlaps,
    network.subnets,
    network.reserved,
    rights.unread,
)


def check(ctx: Context, steps: Sequence[Step]) -> list[Finding]:
    """What the cloud will refuse of the recipe in `ctx`, which has the sign-in's outputs; errors
    first. Reads only."""
    return findings(survey(ctx, steps))


def findings(situation: Situation) -> list[Finding]:
    found = [finding for check in CHECKS for finding in check(situation)]
    return sorted(found, key=lambda finding: finding.severity != "error")
