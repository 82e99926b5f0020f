"""The lease in the cloud: a tag on the resource group.

Azure Resource Manager has no compare-and-swap for tags. What makes the lease exclusive is Fischer's
algorithm: see that it is free, write, wait, and go on only if one's own value is still there. It is
right as long as the wait (the profile's `settle`) is longer than any contender takes from its look
to the end of its write. One that took longer waits until a rightful holder, who does not look, has
renewed its lease.
"""

from __future__ import annotations

import time
from threading import Event as CancelEvent

from amlwizard.cloud import clock
from amlwizard.cloud.interruption import pause
from amlwizard.cloud_port import ArmPort, Profile
from amlwizard.design import api_versions
from amlwizard.errors import CloudError, StepError
from amlwizard.language import _
from amlwizard.lease import holder
from amlwizard.lease.holder import Holder

NAME = "amlwizard-lease"
RENEWALS = 3  # in the life of a lease
ATTEMPTS = 3  # of a write whose answer was lost: it may be repeated
READS = 4  # until a value that was written must be seen
UNTAGGABLE = (403, 409)  # a policy, a lock, missing rights


class UntaggableError(Exception):
    """The cloud does not let us write the tag; the text says why."""


class Tag:
    """The lease of the resource group named `group`. `own` is what was last written, None while it is
    not ours."""

    def __init__(self, arm: ArmPort, profile: Profile, group_id: str) -> None:
        self._arm, self._profile = arm, profile
        self._address = f"{group_id}/providers/Microsoft.Resources/tags/default"
        self.group = group_id.rpartition("/")[2]
        self.own: Holder | None = None

    @property
    def interval(self) -> float:
        """Seconds between renewals."""
        return self._profile.lease / RENEWALS

    def take(self, wanted: Holder, cancel: CancelEvent) -> bool:
        """Take the lease; False if the group does not exist. Raises StepError if another run holds
        it, UntaggableError if the cloud takes no tag."""
        began = time.monotonic()
        text = self._read()
        if text is None:
            return False
        self._must_be_free(text)
        self.own = wanted.renewed(self._profile.lease)
        self._write_first(self.own, cancel)
        slow = time.monotonic() - began > self._profile.settle
        pause(self._profile.settle + (self.interval if slow else 0), cancel)
        self._must_be_own(cancel)
        return True

    @property
    def expired(self) -> bool:
        return self.own is not None and self.own.until <= clock.now()

    def renew(self) -> Holder | None:
        """Renew the lease. Returns the holder that has taken it over, if any: ours had expired, or
        its clock is ahead."""
        assert self.own
        other = holder.parse(self._read() or "")
        if other and other.run != self.own.run and not other.gone:
            return other
        self.own = self.own.renewed(self._profile.lease)
        self._patch("Merge", self.own)
        return None

    def remove(self) -> None:
        """Remove the tag, if it is still ours."""
        if self.own:
            self._patch("Delete", self.own)

    def _must_be_free(self, text: str) -> None:
        if not text:
            return
        other = holder.parse(text)
        if other is None:
            raise StepError(
                _(
                    "The resource group {group} has a tag {name} that this version cannot read.",
                    group=self.group,
                    name=NAME,
                ),
                why=_("It says who works on it: {text!r}. Nothing was changed.", text=text[:100]),
                fix=_("Use the version of amlwizard that wrote it, or remove the tag."),
            )
        if not other.gone:
            raise other.refusal(self.group)

    def _must_be_own(self, cancel: CancelEvent) -> None:
        assert self.own
        for __ in range(READS):
            text = self._read()
            if text == str(self.own):
                return
            if text:
                self.own = None
                self._must_be_free(text)
                break
            pause(self._profile.settle, cancel)
        self.own = None
        raise UntaggableError(_("the tag does not stay"))

    def _read(self) -> str | None:
        """The tag's value, empty if there is none; None if the group does not exist."""
        found = self._arm.get(self._address, api_versions.RESOURCES)
        if found is None:
            return None
        tags = found.get("properties", {}).get("tags") or {}
        return next((str(tags[name]) for name in tags if name.lower() == NAME), "")

    def _write_first(self, own: Holder, cancel: CancelEvent) -> None:
        for left in reversed(range(ATTEMPTS)):
            try:
                return self._patch("Merge", own)
            except CloudError as error:
                if error.status in UNTAGGABLE:
                    self.own = None
                    raise UntaggableError(
                        error.code or _("status {status}", status=error.status)
                    ) from None
                if not left or 400 <= error.status < 429:
                    raise
            pause(self._profile.settle, cancel)

    def _patch(self, operation: str, value: Holder) -> None:
        body = {"operation": operation, "properties": {"tags": {NAME: str(value)}}}
        self._arm.send("PATCH", self._address, api_versions.RESOURCES, body)
