"""Execution contexts of a Databricks cluster: cells run in one, one after another, as in a
notebook."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import PurePath
from threading import Event as CancelEvent
from time import monotonic
from typing import TYPE_CHECKING

from amlwizard.cloud.databricks_errors import PASSING, retried, tidying, translated
from amlwizard.cloud.entra_codes import code_in, reason
from amlwizard.cloud.errors import NO_ANSWER
from amlwizard.cloud.waiting import CELL_SECONDS, Waiting
from amlwizard.cloud.wire import LostAnswerError, unrepeated
from amlwizard.cloud_port import CellResult, ReportProgress
from amlwizard.command_line import RECIPE, TARGET, command_line
from amlwizard.errors import (
    AmlwizardError,
    CloudError,
    OperationCancelledError,
    SignInError,
    StepError,
)
from amlwizard.events import Attachment
from amlwizard.json_types import MutableDocument, parsed
from amlwizard.language import _
from amlwizard.run_control import current_cancel
from amlwizard.secret import hide
from amlwizard.time_format import span

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.compute import ClusterDetails, CommandStatusResponse

ENDED = ("Finished", "Error", "Cancelled")
CLOSING_POLL_SECONDS = 0.1
CLOSING_SECONDS = 0.8
ALIVE = ("RUNNING", "RESIZING")
CONTEXT = re.compile(r"context", re.IGNORECASE)
MEANWHILE_SECONDS = 60.0
CONTEXT_SECONDS = 600.0  # until it is open, on a cluster that runs
OPENING = _("open an execution context")
LONGEST_ERROR = 500  # characters of what a cell says when it fails
MARK, FILE = "amlwizard:", "amlwizard-file:"
CUT = re.compile(r"^\*\*\* WARNING: skipped \d+ bytes of output \*\*\*$", re.MULTILINE)
# Of exceptions that cells raise: signs in their text, the cause, what to do. The first one counts.
REASONS = (
    (
        ("InteractiveBrowserCredential", "DeviceCodeCredential"),
        _("The notebook has lost its sign-in, and nobody can answer a question on a cluster."),
        _(
            "Leave MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN, MLFLOW_RUN_ID and "
            "MLFLOW_EXPERIMENT_ID as they are, and the tracking server too, then replay: MLflow is "
            "signed in by them."
        ),
    ),
    (
        (
            "AuthenticationRequiredError",
            "Interactive authentication is required",
            "Timed out waiting for user to authenticate",
        ),
        _("Somebody would have to sign in, and nobody can answer a question on a cluster."),
        _(
            "Replay: where amlwizard asks for a sign-in, it does so before the notebook's first "
            "cell. For a sign-in of its own, give the notebook a service principal, with its secret "
            "in a secret scope."
        ),
    ),
    (
        ("JVM_ATTRIBUTE_NOT_SUPPORTED", "Py4JSecurityException", "UC volume path must be provided"),
        _("The cluster is in standard access mode, which does not allow this."),
        _(
            "Have its access mode changed to dedicated, or name another cluster as names.cluster, "
            "which is then created so; then replay."
        ),
    ),
    (
        ("private link", "PublicNetworkAccess", "NameResolutionError"),
        _(
            "The workspace refused the cluster: the workspace's names do not resolve to its private endpoint "
            "from the cluster's VNET."
        ),
        _(
            "Check the private DNS zones and their links to the VNET with `{command}`, then replay.",
            command=command_line("verify", RECIPE, "--target", TARGET),
        ),
    ),
    (
        ("AuthorizationFailed", "PERMISSION_DENIED", "does not have authorization", "403"),
        _("The workspace does not allow this to the account that the notebook signs in with."),
        _(
            "Give the account the role AzureML Data Scientist on the workspace. A role that was "
            "given in the last few minutes may not be effective everywhere yet: wait, then replay."
        ),
    ),
    (
        ("ExpiredAuthenticationToken", "InvalidAuthenticationToken", "401", "Unauthorized"),
        _("The workspace no longer accepts the notebook's token."),
        _("Replay: the notebook signs in again and continues where it stopped."),
    ),
    (
        (
            "Max retries exceeded",
            "failed with exception",
            "Connection",
            "Timeout",
            "valid JSON",
        ),
        _("The workspace did not answer the cluster, or the connection broke off."),
        _(
            "Replay: the notebook continues where it stopped. If it fails again, check the workspace's "
            "private endpoint and the cluster's outbound access."
        ),
    ),
)
WIDEN = _(
    "Set spark.databricks.driver.maxReplOutputLength to 20000000 in the cluster's Spark "
    "configuration, then replay."
)


class LostContextError(CloudError):
    """What a notebook ran in is gone, or it is unknown whether its cell runs: not the fault of a
    cell, and it may start again in another context."""


class ExecutionContext:
    """An open context on a cluster, by its `id`; `polling` is in seconds."""

    def __init__(
        self, client: WorkspaceClient, cluster_id: str, context_id: str, polling: float
    ) -> None:
        self._client, self._cluster, self.id = client, cluster_id, context_id
        self._polling = min(polling, 1)

    @classmethod
    @contextmanager
    def opened(
        cls,
        client: WorkspaceClient,
        cluster_id: str,
        polling: float,
        say: ReportProgress,
        cancel: CancelEvent,
    ) -> Iterator[ExecutionContext]:
        """A context that is open for the duration of the block."""
        from databricks.sdk.service.compute import Language

        # Where an answer was lost, another context stays behind, idle, until the cluster ends.
        create = partial(
            client.command_execution.create, cluster_id=cluster_id, language=Language.PYTHON
        )
        context = cls(client, cluster_id, str(retried(OPENING, create).response.id), polling)
        try:
            context._wait_until_open(say, cancel)
            yield context
        finally:
            with tidying():
                client.command_execution.destroy(cluster_id, context.id)

    def _wait_until_open(self, say: ReportProgress, cancel: CancelEvent) -> None:
        where = _("the cluster's driver log")
        waiting = Waiting(_("The execution context"), where, CONTEXT_SECONDS, say, cancel)
        while (status := self._status(OPENING)) != "Running":
            if status == "Error":
                raise StepError(
                    _("Databricks could not open an execution context."),
                    why=_("The driver of the cluster did not start."),
                    fix=_("Check {where}, then replay: the run continues from here.", where=where),
                )
            waiting.tell(_("execution context {status}", status=status.lower()))
            waiting.pause(self._polling)

    def _status(self, doing: str) -> str:
        """``Pending``, ``Running`` or ``Error``."""
        read = partial(self._client.command_execution.context_status, self._cluster, self.id)
        status = retried(doing, read).status
        return status.value if status else "Pending"

    def lost(self, error: AmlwizardError) -> LostContextError | None:
        """The error to raise instead of `error`, which ended a cell, if the cell is not its cause.

        Databricks words it in many ways, and a cell that ran at that moment may fail with anything:
        so it is the cluster that is asked, and the context.
        """
        if isinstance(error, LostContextError):
            return error
        with suppress(CloudError, SignInError):
            cluster = retried(
                _("read the cluster"), lambda: self._client.clusters.get(self._cluster)
            )
            if cluster.state and cluster.state.value not in ALIVE:
                return _lost(
                    _(
                        "The Databricks cluster terminated in the meantime: {reason}.",
                        reason=ended_for(cluster),
                    ),
                    cluster.state_message or error.what,
                )
            if self._is_gone():
                what = _("Databricks has lost the execution context of the notebook.")
                return _lost(what, _("The driver of the cluster restarted or was overloaded."))
        return None

    def _is_gone(self) -> bool:
        try:
            return self._status(_("read the execution context")) == "Error"
        except CloudError as error:
            unknown = error.code in (NO_ANSWER, *PASSING)
            return not unknown or CONTEXT.search(error.why) is not None

    def run(
        self,
        number: int,
        cell: str,
        say: ReportProgress,
        cancel: CancelEvent,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> CellResult:
        """Run a cell to its end, calling `meanwhile` every minute. Raises StepError with the cell's
        exception or because it does not end, SignInError if Entra refused its sign-in. Cancellation
        also cancels the cell."""
        began = monotonic()
        command_id = self._begin(_("run cell {number}", number=number), cell)
        try:
            status = self._ended(number, command_id, say, cancel, meanwhile)
        except OperationCancelledError:
            raise self._cancelled(number, command_id) from None
        except StepError:  # it has taken too long
            raise self._endless(number, command_id) from None
        state = status.status.value if status.status else ""
        results = status.results
        kind = results.result_type.value if results and results.result_type else ""
        if kind == "error" or state != "Finished":
            summary = hide(str(results.summary if results else state)).strip()
            code = code_in(summary)
            if code:
                why, fix = reason(code, "notebook", summary.splitlines()[-1][:300])
                raise SignInError(
                    _(
                        "Entra refused the notebook's sign-in in cell {number}: AADSTS{code}.",
                        number=number,
                        code=code,
                    ),
                    code=f"AADSTS{code}",
                    why=why,
                    fix=fix,
                )
            said = summary.splitlines()[-1][:LONGEST_ERROR] if summary else state
            why, fix = _reason(summary)
            raise StepError(
                _("Cell {number} failed: {error}", number=number, error=said),
                why=why,
                fix=fix,
            )
        text = hide(str(results.data or "")) if results else ""
        data = _marked(number, text)
        files, lost = _files(text)
        cut = CUT.search(text) is not None
        return CellResult(_shown(text), data, monotonic() - began, files, lost, cut)

    def _begin(self, doing: str, cell: str) -> str:
        """Start a cell and return the id of its command. The request is sent once: the cell may
        run although the answer was lost, and then LostContextError is raised."""
        from databricks.sdk.service.compute import Language

        try:
            with translated(doing), unrepeated():
                command = self._client.command_execution.execute(
                    cluster_id=self._cluster,
                    context_id=self.id,
                    command=cell,
                    language=Language.PYTHON,
                )
                return str(command.command_id)
        except CloudError as error:
            if error.code not in (LostAnswerError.__name__, NO_ANSWER, *PASSING):
                raise
            raise LostContextError(
                error.what, code=error.code, why=error.why, fix=error.fix
            ) from None

    def _cancelled(self, number: int, command_id: str) -> OperationCancelledError:
        """Cancels a command; the error says whether its cell goes on."""
        if self._cancel(command_id):
            said = _("cancelled; cell {number} was ended on the cluster", number=number)
        else:
            said = _("cancelled; cell {number} may go on, until the next run", number=number)
        return OperationCancelledError(said)

    def _endless(self, number: int, command_id: str) -> StepError:
        """Cancels a command whose cell is not expected to end."""
        self._cancel(command_id)
        return StepError(
            _(
                "Cell {number} was still running after {duration} and has been cancelled.",
                number=number,
                duration=span(CELL_SECONDS),
            ),
            why=_("No cell may run longer."),
            fix=_(
                "Look for a loop that does not end, or for what the cell waits for. If it only "
                "takes long, train on a larger cluster or split the cell."
            ),
        )

    def _cancel(self, command_id: str) -> bool:
        """Whether a command could be cancelled."""
        with tidying():
            self._client.command_execution.cancel(
                cluster_id=self._cluster, context_id=self.id, command_id=command_id
            )
            return True
        return False

    def run_briefly(self, cell: str) -> None:
        """Run a cell that tidies up after others. Errors are suppressed, and it has little time
        once the command is cancelled: some is left to take back what was lent to it."""
        with tidying(CLOSING_SECONDS):
            command_id = self._begin(_("clean up"), cell)
            while current_cancel().wait(CLOSING_POLL_SECONDS) is False:
                status = self._client.command_execution.command_status(
                    self._cluster, self.id, command_id
                )
                if status.status and status.status.value in ENDED:
                    return

    def _ended(
        self,
        number: int,
        command_id: str,
        say: ReportProgress,
        cancel: CancelEvent,
        meanwhile: Callable[[], None],
    ) -> CommandStatusResponse:
        """The status of a command, once it has ended."""
        running = _("cell {number} running", number=number)
        where = _("the cluster's driver log and its Spark UI")
        waiting = Waiting(
            _("Cell {number}", number=number), where, CELL_SECONDS, say, cancel, running
        )
        last = monotonic()
        while True:
            read = partial(
                self._client.command_execution.command_status, self._cluster, self.id, command_id
            )
            status = retried(_("run cell {number}", number=number), read)
            if status.status and status.status.value in ENDED:
                return status
            if monotonic() - last >= MEANWHILE_SECONDS:
                last = monotonic()
                with suppress(AmlwizardError):  # the cell goes on, and it is tried again
                    meanwhile()
            waiting.tell(running)
            waiting.pause(self._polling)


def _lost(what: str, why: str) -> LostContextError:
    fix = _("Check the cluster's event log, then replay: the notebook continues where it stopped.")
    return LostContextError(what, code=LostContextError.__name__, why=why, fix=fix)


def ended_for(cluster: ClusterDetails) -> str:
    """Databricks' code of why a cluster has terminated, or its state."""
    reason = cluster.termination_reason
    if reason and reason.code:
        return str(reason.code.value)
    return str(cluster.state.value) if cluster.state else "UNKNOWN"


def _marked(number: int, text: str) -> MutableDocument:
    for line in reversed(text.splitlines()):
        if line.startswith(MARK):
            try:
                return dict(parsed(line.removeprefix(MARK)))
            except (ValueError, TypeError):
                raise unreadable(number) from None
    return {}


def unreadable(number: int) -> StepError:
    """The error for a cell whose output Databricks has cut off."""
    return StepError(
        _("The output of cell {number} cannot be read.", number=number),
        why=_("Databricks cuts the middle out of long output."),
        fix=WIDEN,
    )


def _files(text: str) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """The files in a cell's output, and the names of those that are incomplete."""
    files, lost = [], []
    for line in text.splitlines():
        if line.startswith(FILE):
            name, _, content = line.removeprefix(FILE).partition(" ")
            name = PurePath(name).name  # a cell prints it: it leads nowhere else
            size, _, encoded = content.partition(" ")
            try:
                decoded = base64.b64decode(encoded, validate=True)
            except ValueError:
                decoded = b""
            if size == str(len(decoded)):
                files.append(Attachment(name, decoded))
            else:
                lost.append(name)
    return tuple(files), tuple(lost)


def _shown(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith((MARK, FILE)))


def _reason(summary: str) -> tuple[str, str]:
    """Why a cell failed, if the words of its exception tell, and what to do."""
    known = (reason for signs, *reason in REASONS if any(sign in summary for sign in signs))
    why, fix = next(known, ("", _("Correct the cause, then replay: what exists is kept.")))
    return why, fix
