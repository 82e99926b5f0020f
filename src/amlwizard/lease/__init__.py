"""One run at a time on a platform, from whichever machine.

A run holds a lock in the state folder, which ends with the process, and a tag on the resource group
(`lease.tag`), which says who holds the platform and until when. The tag is renewed while the run
works, and removed at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from threading import Event, RLock, Thread
from types import TracebackType

from amlwizard.cloud_port import ReportProgress
from amlwizard.design.ids import Ids
from amlwizard.errors import AmlwizardError, OperationCancelledError
from amlwizard.json_record import JsonRecord
from amlwizard.json_types import Document
from amlwizard.language import _, sentences
from amlwizard.lease.holder import Holder, this_process
from amlwizard.lease.local_lock import LocalLock, holder_of
from amlwizard.lease.tag import Tag, UntaggableError
from amlwizard.plan import Context, Found, Step
from amlwizard.run_control import RunControl, cancelled_by, cleanup

__all__ = ["Lease", "holder_of"]

SIGN_IN, GROUP = "sign-in", "resource-group"


class Lease:
    """The lease of one run, by its id and command. The guarded steps take it, the end of the `with`
    block gives it back. If another run takes it over, `control` is cancelled."""

    def __init__(self, run: str, command: str, control: RunControl) -> None:
        self._run, self._command, self._control = run, command, control
        self._ended = Event()
        self._one_at_a_time = RLock()
        self._lock: LocalLock | None = None
        self._tag: Tag | None = None
        self._own: Holder | None = None
        self._renewing: Thread | None = None

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._renewing:
            self._renewing.join()
        if self._tag:
            # It expires anyway, and with the resource group it has gone already.
            with cancelled_by(self._control.cancelled), cleanup(), suppress(AmlwizardError):
                self._tag.remove()
        if self._lock:
            self._lock.release()

    def guard(self, steps: Sequence[Step]) -> list[Step]:
        """The steps, which write only once the platform is leased: right after the sign-in, or as
        soon as its resource group exists; and only as long as it is."""
        guards = {SIGN_IN: self._signing_in, GROUP: self._grouping}
        return [
            guards[s.id](s) if s.id in guards and s.phase != "remove" else self._writing(s)
            for s in steps
        ]

    def _writing(self, step: Step) -> Step:
        def apply(ctx: Context, say: ReportProgress) -> Document:
            # This machine may have slept: the renewal comes late then.
            tag = self._tag
            if tag and tag.expired and (other := self._renew_once(tag)):
                self._stop(other.refusal(tag.group).what, say)
                raise OperationCancelledError(_("cancelled before it wrote"))
            return step.apply(ctx, say)

        return replace(step, apply=apply)

    def _signing_in(self, step: Step) -> Step:
        def apply(ctx: Context, say: ReportProgress) -> Document:
            made = step.apply(ctx, say)
            signed_in = replace(ctx, outputs=type(ctx.outputs)({SIGN_IN: made}))
            try:
                self._begin(signed_in, str(made["account"]), str(made["subscription"]), say)
            except AmlwizardError:
                ctx.ask.done(str(made["account"]))
                raise
            return made

        return replace(step, apply=apply)

    def _grouping(self, step: Step) -> Step:
        def read(ctx: Context) -> Found | None:
            found = step.read(ctx)
            if found:  # another run may have made it since the sign-in
                self._take(ctx, _silent)
            return found

        def apply(ctx: Context, say: ReportProgress) -> Document:
            made = step.apply(ctx, say)
            self._take(ctx, say)
            return made

        return replace(step, read=read, apply=apply)

    def _begin(self, ctx: Context, account: str, subscription: str, say: ReportProgress) -> None:
        profile = ctx.cloud.profile
        self._own = this_process(self._run, self._command, account, profile.lease)
        lock = LocalLock(subscription, ctx.recipe.names.resource_group)
        lock.acquire(self._own)
        self._lock = lock
        self._tag = Tag(ctx.cloud.arm, profile, ctx.resolve(Ids(ctx.recipe).group))
        self._take(ctx, say)

    def _take(self, ctx: Context, say: ReportProgress) -> None:
        """Take the lease, unless it is ours, or the group does not exist yet. Where the cloud lets
        us write no tag, the local lock has to do."""
        if self._tag is None or self._renewing:
            return
        assert self._own
        try:
            taken = self._tag.take(self._own, ctx.cancel)
        except UntaggableError as why:
            self._tag = None
            say(
                _(
                    "no lease in the cloud ({reason}): only runs on this machine are kept apart",
                    reason=why,
                )
            )
            return
        if taken:
            renewing = copy_context().run
            self._renewing = Thread(target=renewing, args=(self._renew, self._tag, say))
            self._renewing.start()

    def _renew(self, tag: Tag, say: ReportProgress) -> None:
        with cancelled_by(self._ended):
            while not self._ended.wait(tag.interval):
                with suppress(AmlwizardError):  # the next attempt comes before it expires
                    if other := self._renew_once(tag):
                        return self._stop(other.refusal(tag.group).what, say)

    def _renew_once(self, tag: Tag) -> Holder | None:
        with self._one_at_a_time:
            return tag.renew()

    def _stop(self, why: str, say: ReportProgress) -> None:
        say(sentences(why, _("It has taken over the lease of this run, which stops.")))
        self._control.cancel()


def _silent(message: str, payload: JsonRecord | None = None) -> None:
    return None
