"""The Training page: the example or a notebook of one's own, with its cells and its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from textual import on
from textual.content import Content

from amlwizard import user_notebook
from amlwizard.fields import FieldSpec
from amlwizard.language import _
from amlwizard.rules.own_training import NOTEBOOK
from amlwizard.tui.pages.form import FormPage
from amlwizard.tui.widgets.notebook_row import NotebookChoice, NotebookRow
from amlwizard.tui.widgets.row import FieldRow


class TrainingForm(FormPage):
    def __init__(self) -> None:
        super().__init__("training")

    def row_of(self, spec: FieldSpec, value: object) -> FieldRow:
        if spec.path == NOTEBOOK:
            return NotebookRow(spec, value, self._choose)
        return super().row_of(spec, value)

    def _refresh(self) -> None:
        self._follow_questions()
        super()._refresh()

    def _follow_questions(self) -> None:
        """Add rows for what is asked now, and hide those of what is not asked any more."""
        if not self._whole:
            return
        rows, before = {row.spec.path: row for row in self.rows}, None
        asked = [spec for section in self.sections for spec in self.wizard.session.specs(section)]
        for spec in asked:
            if spec.path in rows:
                rows[spec.path].spec = spec
            else:
                row = self.row_of(spec, self.wizard.session.draft.value(spec.path))
                rows[spec.path] = row
                self.query_one("#form").mount(row, after=before)
            before = rows[spec.path]
        paths = {spec.path for spec in asked}
        for path, row in rows.items():
            row.display = path in paths or row is self.focused_row

    def _choose(self, changes: Mapping[str, object], run: str = "") -> None:
        name = changes[NOTEBOOK]
        self.put(self.wizard.session.choose_notebook(str(name) if name else None))

    @on(NotebookChoice.Picking)
    def _pick(self) -> None:
        self.action_pick()

    def refused(self, spec: FieldSpec, path: Path) -> str:
        if spec.path != NOTEBOOK:
            return super().refused(spec, path)
        try:
            found = user_notebook.read(path)
        except OSError as error:
            return _("{file} cannot be read: {error}.", file=path.name, error=error.strerror)
        return "" if found.cells or not found.problems else found.problems[0].what

    def more_about(self, row: FieldRow) -> Iterator[Content]:
        """The cells of the notebook, below its explanation."""
        if row.spec.path == NOTEBOOK:
            for cell in self.wizard.session.notebook.cells:
                where = _("line {line}", line=cell.line)
                yield Content.assemble(
                    (f"{cell.number:>3} ", "$text-muted"), cell.title, (f"  {where}", "$text-muted")
                )
