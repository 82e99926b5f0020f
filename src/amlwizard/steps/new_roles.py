"""Steps that depend on role assignments made a moment ago.

Azure accepts a role assignment at once, but it takes effect minutes later. A resource whose
creation fails in between stays behind as failed, and must be deleted before the next attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from amlwizard.cloud.errors import is_of_unseen_roles
from amlwizard.cloud.interruption import pause
from amlwizard.cloud_port import ReportProgress
from amlwizard.errors import CloudError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.plan import Context, Step


def until_seen(
    step: Step, roles: Sequence[Step], first: Callable[[Context, ReportProgress], None]
) -> Step:
    """`step`, retried while existing assignments in `roles` may not have taken effect yet, for up
    to the cloud profile's `propagation` seconds. A failed resource is deleted before the next
    attempt, in this run or the next; `first` runs before that deletion."""
    resource = step.resource
    assert resource

    def clear(ctx: Context, say: ReportProgress) -> None:
        address = ctx.resolve(resource.id)
        found = ctx.cloud.arm.get(address, resource.api_version)
        if value_at(found, "properties.provisioningState") != "Failed":
            return
        first(ctx, say)
        say(_("deleting what failed"))
        ctx.cloud.arm.delete(address, resource.api_version, say, ctx.cancel)

    def apply(ctx: Context, say: ReportProgress) -> Document:
        profile = ctx.cloud.profile
        began = time.monotonic()
        while True:
            clear(ctx, say)
            try:
                return step.apply(ctx, say)
            except CloudError as error:
                late = time.monotonic() - began >= profile.propagation
                if late or not is_of_unseen_roles(error) or not _given(ctx, roles):
                    raise
            say(_("Azure does not see its new roles yet: trying again"))
            pause(profile.retry, ctx.cancel)

    return replace(step, apply=apply)


def _given(ctx: Context, roles: Sequence[Step]) -> bool:
    found = [role.read(ctx) for role in roles]
    return all(one is not None and one.state == "ready" for one in found)
