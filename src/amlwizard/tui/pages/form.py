"""The generic form, generated from the fields of a recipe's sections."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from amlwizard import fields
from amlwizard.errors import Finding
from amlwizard.fields import NOT_SET, FieldSpec
from amlwizard.language import _
from amlwizard.tui.dialogs.help import room
from amlwizard.tui.dialogs.pick_file import PickFile
from amlwizard.tui.pages.page import Page
from amlwizard.tui.widgets.explanation import Explain, long
from amlwizard.tui.widgets.row import FieldRow, note
from amlwizard.tui.widgets.updating_static import UpdatingStatic

AT_ONCE = 8
LOCKED = _("A run is in progress: answers cannot be changed until it ends.")


class Rows(VerticalScroll):
    """Arrow keys scroll it only while it has the focus itself, as its fields are locked: else they
    move from field to field."""

    def action_scroll_up(self) -> None:
        self._only_focused()
        super().action_scroll_up()

    def action_scroll_down(self) -> None:
        self._only_focused()
        super().action_scroll_down()

    def _only_focused(self) -> None:
        if not self.has_focus:
            raise SkipAction


class FormPage(Page):
    """A page that asks for the fields of `sections`.

    To show more than fields, override `compose_extra` (widgets before the form) and
    `answers_changed` (called after every change, with findings up to date). `put` sets answers.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("ctrl+r", "cure", _("Fix")),
        Binding("ctrl+z", "undo", _("Undo")),
        Binding("ctrl+y", "redo", _("Redo")),
        Binding("f3", "pick", _("Pick a file")),
    ]

    def __init__(self, *sections: str) -> None:
        super().__init__()
        self.sections = sections
        self._coming = self._questions()
        self._whole = False
        self._wanted = ""

    # -- contents

    def compose_page(self) -> ComposeResult:
        yield from self.compose_extra()
        with Rows(id="form", can_focus=False):
            yield UpdatingStatic(id="page-notes")
            yield from islice(self._coming, AT_ONCE)
        yield Explain()

    def _questions(self) -> Iterator[Widget]:
        for section in self.sections:
            title = (fields.sections()[section].__doc__ or section).strip()
            yield Static(
                title, classes="section" if section != self.sections[0] else "section first"
            )
            for spec in self.wizard.session.specs(section):
                yield self.row_of(spec, self.wizard.session.draft.value(spec.path))

    def row_of(self, spec: FieldSpec, value: object) -> FieldRow:
        """The row of a field."""
        return FieldRow(spec, value, self.put)

    async def _mount_more(self) -> None:
        """Mount the remaining rows a few at a time, so that keys are handled in between."""
        more = list(islice(self._coming, AT_ONCE))
        if more:
            await self.query_one("#form").mount_all(more)
            self._follow()
            self.call_after_refresh(self._mount_more)
        else:
            self._whole = True
            self._focus_wanted()

    def compose_extra(self) -> ComposeResult:
        """Widgets before the form; none by default."""
        yield from ()

    def answers_changed(self) -> None:
        """Called when answers or findings have changed, on this page or elsewhere."""

    # -- answers

    def on_mount(self) -> None:
        for name in ("findings", "running"):
            self.watch(self.app, name, self._follow, init=False)
        self._follow()
        self.call_after_refresh(self._mount_more)

    def on_screen_resume(self) -> None:
        self._follow()
        self._focus_wanted()

    def _follow(self) -> None:
        """Update the page, if it is shown; otherwise it is updated once it is shown. Updating
        all pages at once would delay keys."""
        if self in self.app.screen_stack:
            self._lock(self.wizard.running)
            self._refresh()

    @property
    def rows(self) -> Iterator[FieldRow]:
        return iter(self.query(FieldRow))

    def row(self, path: str) -> FieldRow | None:
        """The row of a field, or of the list that an item is in, or the first of its parts if these
        have rows of their own."""
        whole = (row for row in self.rows if f"{path}.".startswith(f"{row.spec.path}."))
        parts = (r for r in self.rows if r.spec.path.startswith(f"{path}.") and r.display)
        return next(whole, None) or next(parts, None)

    def put(self, changes: Mapping[str, object], run: str = "") -> None:
        """Set answers by recipe path; None removes one. Changes of one `run` that follow each other
        are undone together."""
        self.wizard.answer(changes, run)

    def _refresh(self) -> None:
        """Update rows, notes and explanation to the current answers."""
        draft = self.wizard.session.draft
        found = [(finding, [*map(self.row, finding.fields)]) for finding in self.findings()]
        prefix = draft.value("names.prefix") or _("<prefix>")
        for row in self.rows:
            row.put(draft.value(row.spec.path))
            row.hint(hint(row.spec, str(prefix)))
            row.find([finding for finding, rows in found if row in rows])
        rest = [finding for finding, rows in found if not any(rows)]
        notes = self.query_one("#page-notes", UpdatingStatic)
        lines = [note(finding) for finding in rest]
        if self.wizard.running:
            lines.insert(0, Content.styled(LOCKED, "bold $text-warning"))
        notes.say(Content("\n").join(lines))
        notes.display = bool(lines)
        self._explain()
        self.refresh_bindings()
        self.answers_changed()

    def findings(self) -> list[Finding]:
        """The findings about the fields of this page."""
        return [
            finding
            for finding in self.wizard.findings
            if any(path.partition(".")[0] in self.sections for path in finding.fields)
        ]

    def _lock(self, running: bool) -> None:
        self.query_one("#form", VerticalScroll).can_focus = running
        for row in self.rows:
            row.disabled = running

    # -- the field that has the focus

    @property
    def focused_row(self) -> FieldRow | None:
        at = self.focused
        return (
            next((a for a in at.ancestors_with_self if isinstance(a, FieldRow)), None)
            if at
            else None
        )

    def focus_field(self, path: str) -> None:
        """Move the cursor to a field, or to the first one if this page does not have it."""
        self._wanted = path
        if self.is_current:
            self._focus_wanted()

    def _focus_wanted(self) -> None:
        row = self.row(self._wanted) if self._wanted else None
        if row or self._whole:
            self._wanted = ""
        if row is None and self.focused_row is None:
            row = next(self.rows, None)
        if row:
            row.editor.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        row = self.focused_row
        if row:
            row.scroll_visible(animate=False)
        self._explain()
        self.refresh_bindings()

    def _explain(self) -> None:
        row = self.focused_row
        more = list(self.more_about(row)) if row else ()
        self.query_one(Explain).show(row.spec if row else None, row.findings if row else (), more)

    def more_about(self, row: FieldRow) -> Iterator[Content]:
        """Lines below the explanation of the focused field; none by default."""
        yield from ()

    def field_help(self) -> tuple[str, Content] | None:
        row = self.focused_row
        if row is None:
            return None
        lines = [*long(row.spec, row.findings, room(self.app)), *self.more_about(row)]
        return (row.spec.title, Content("\n").join(lines))

    @on(Input.Submitted)
    def _next_field(self) -> None:
        self.focus_next()

    # -- files beside the recipe

    def action_pick(self) -> None:
        """Let the file be picked that the focused field names."""
        row, folder = self.focused_row, self.wizard.session.draft.folder
        if row is None:
            return
        beside = (folder / row.text).parent if row.spec.suffixes and row.value else folder

        def picked(path: Path | None) -> None:
            if path:
                row.take(os.path.relpath(path, folder.resolve()))

        start = beside if beside.is_dir() else folder if folder.is_dir() else Path()
        refused = partial(self.refused, row.spec)
        self.app.push_screen(PickFile(row.spec.title, start, row.spec.suffixes, refused), picked)

    def refused(self, spec: FieldSpec, path: Path) -> str:
        """Why a field does not take a file; empty if it does, right or not."""
        return ""

    # -- cures and undo

    def curable(self) -> Finding | None:
        """The finding whose fix the key applies: that of the focused field, else the page's
        first."""
        row = self.focused_row
        near = [*(row.findings if row else ()), *self.findings()]
        return next((finding for finding in near if finding.cure), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "pick":
            row = self.focused_row
            return bool(row and row.spec.suffixes) and not self.wizard.running
        if action in ("cure", "undo", "redo"):
            history = self.wizard.session.history
            there = {"cure": self.curable(), "undo": history.done, "redo": history.undone}
            return bool(there[action]) and not self.wizard.running
        return super().check_action(action, parameters)

    def action_cure(self) -> None:
        finding = self.curable()
        if finding:
            self.put(finding.cure)

    def action_undo(self) -> None:
        self.wizard.undo()

    def action_redo(self) -> None:
        self.wizard.redo()


def hint(spec: FieldSpec, prefix: str) -> str:
    """The value that applies if a field is left empty."""
    if spec.derived is not None:
        return spec.derived.replace("{prefix}", prefix)
    if spec.optional:
        return NOT_SET
    return fields.shown(spec, spec.default)
