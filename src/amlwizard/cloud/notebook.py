"""Notebooks on a Databricks cluster: their cells, run one after another in an execution context of
their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from threading import Event as CancelEvent
from typing import TYPE_CHECKING

from amlwizard.cloud.execution import ExecutionContext, unreadable
from amlwizard.cloud_port import CellResult, DeviceCodePrompt, ReportProgress
from amlwizard.errors import AmlwizardError, OperationCancelledError
from amlwizard.language import _
from amlwizard.payloads import CellFinished, CellStarted

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


@dataclass
class Notebook:
    """The arguments are those of `Databricks.run_cells`."""

    cells: Sequence[str]
    say: ReportProgress
    cancel: CancelEvent
    ask: DeviceCodePrompt | None
    before_each: Callable[[], None]
    closing: Callable[[str], str] | None
    noted: Callable[[str], AbstractContextManager[None]]

    def run(self, client: WorkspaceClient, cluster_id: str, polling: float) -> list[CellResult]:
        """Run the cells in a new context. Raises LostContextError if they may run again in another
        one, else what `run_cells` raises."""
        opened = ExecutionContext.opened(client, cluster_id, polling, self.say, self.cancel)
        with opened as context, self.noted(context.id):
            try:
                return self._run_in(context)
            except OperationCancelledError:
                self._close(context, "KILLED")
                raise
            except AmlwizardError as error:
                if lost := context.lost(error):
                    raise lost from None
                self._close(context, "FAILED")
                raise

    def _close(self, context: ExecutionContext, status: str) -> None:
        if self.closing:
            context.run_briefly(self.closing(status))

    def _run_in(self, context: ExecutionContext) -> list[CellResult]:
        results = []
        for number, cell in enumerate(self.cells, 1):
            result = self._cell(context, number, cell)
            kept = result.data.get("notebook_result")
            results.append(replace(result, data=kept) if kept else result)
            self._report(number, cell, results[-1])
            if kept:
                break
        if results and results[-1].cut and not results[-1].data:
            raise unreadable(len(results))
        return results

    def _cell(self, context: ExecutionContext, number: int, cell: str) -> CellResult:
        self.say(f"{self._position(number)}: {_title(cell)}", CellStarted(number, _title(cell)))
        self.before_each()
        result = context.run(number, cell, self.say, self.cancel, self.before_each)
        login = result.data.pop("login_needed", None)
        if login and self.ask:
            self.ask(login["url"], login["user_code"], login["expires_at"])
        if self.ask and "login_done" in result.data:
            self.ask.done(result.data["login_done"])
        return result

    def _report(self, number: int, cell: str, result: CellResult) -> None:
        lost = (_("{name} did not arrive complete", name=name) for name in result.lost)
        text = "\n".join([result.text, *lost])
        finished = CellFinished(
            number, _title(cell), text, result.seconds, result.data or None, result.files
        )
        self.say(_("{cell}: done", cell=self._position(number)), finished)

    def _position(self, number: int) -> str:
        return _("cell {number} of {all}", number=number, all=len(self.cells))


def _title(cell: str) -> str:
    """Its first line. Those of our own cells are in the catalogue."""
    return _(cell.partition("\n")[0].removeprefix("#").strip())
