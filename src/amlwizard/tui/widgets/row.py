"""One field of a form: its title, its editor, and its findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key, Paste
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from amlwizard.errors import Finding
from amlwizard.fields import (
    NO,
    NOT_SET,
    YES,
    FieldSpec,
    Pasted,
    laid_out,
    narrowed,
    pasted,
    shown,
    typed,
)
from amlwizard.language import _, sentences
from amlwizard.recipe import title
from amlwizard.tui.widgets.choices import Choices
from amlwizard.tui.widgets.immediate_keys import OF_THE_PAGE, run_binding_at_once

WIDE_SPACE = "\u3000"
"""The space of a Japanese input method, which Textual takes for no letter."""
FEW = 2
"""An error about up to this many fields is shown in full under each, else only under the first."""


def text_of(spec: FieldSpec, value: object) -> str:
    """A value as editable text."""
    is_json = spec.kind == "json" and isinstance(value, dict | list)
    return laid_out(value) if is_json else shown(spec, value)


class FieldText(TextArea):
    """Several lines of text. Undo and redo are its own, as far as they go back, then the page's."""

    async def _on_key(self, event: Key) -> None:
        if event.character == WIDE_SPACE:
            self.insert(WIDE_SPACE)
            event.stop()
            return
        _settle(self, event)
        await run_binding_at_once(self, event)

    def action_undo(self) -> None:
        if not self.history.undo_stack:
            raise SkipAction
        super().action_undo()

    def action_redo(self) -> None:
        if not self.history.redo_stack:
            raise SkipAction
        super().action_redo()


class FieldInput(Input):
    """A line of text. The right arrow in an empty one copies the placeholder for editing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "take_placeholder", show=False),
    ]

    def __init__(
        self, text: str, paste: Callable[[str], None], meant: Callable[[str], str]
    ) -> None:
        super().__init__(text, compact=True, select_on_focus=False)
        self._paste, self._meant = paste, meant

    def replace(self, text: str, start: int, end: int) -> None:
        """Insert full-width letters as those that they stand for."""
        whole = f"{self.value[:start]}{text}{self.value[end:]}"
        narrow = self._meant(text) if self._meant(whole).isascii() else text
        super().replace(narrow, start, end)

    async def _on_key(self, event: Key) -> None:
        if event.character == WIDE_SPACE:
            self.replace(WIDE_SPACE, *sorted(self.selection))
            event.stop()
            return
        _settle(self, event)
        await run_binding_at_once(self, event)

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        self._paste(event.text)

    def action_paste(self) -> None:
        self._paste(self.app.clipboard)

    def action_take_placeholder(self) -> None:
        if self.value or not self.placeholder:
            self.action_cursor_right()
            return
        self.value = str(self.placeholder)
        self.cursor_position = len(self.value)


class FieldRow(Widget):
    """Passes the value of its text to `give`, None if there is none.

    It draws its title itself and mounts a widget for notes only if there are any: a page has
    many rows and shows them at once.
    """

    def __init__(
        self, spec: FieldSpec, value: object, give: Callable[[Mapping[str, object], str], None]
    ) -> None:
        super().__init__()
        self.spec, self._give = spec, give
        self.findings: tuple[Finding, ...] = ()
        self._pasted = Pasted("")
        self._after_paste: str | None = None
        self._notes: list[Content] = []
        self._length = 0
        self.editor = self._editor(text_of(spec, value))
        self._given = self.value
        self._length = len(self.text)

    def _editor(self, text: str) -> Choices | FieldInput | TextArea:
        kind = self.spec.kind
        if kind == "switch":
            return Choices((YES, NO), text)
        if kind == "choice":
            return Choices(self.spec.choices, text, none=NOT_SET if self.spec.optional else "")
        if kind == "json":
            return FieldText(text, compact=True, show_line_numbers=False, soft_wrap=True)
        return FieldInput(text, self._paste, partial(narrowed, self.spec))

    def compose(self) -> ComposeResult:
        yield self.editor

    def render(self) -> Content:
        return Content("\n").join(self._title_lines())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        below = super().get_content_height(container, viewport, width)
        return max(below, len(self._title_lines()))

    def on_resize(self) -> None:
        self._place_notes()

    def _place_notes(self) -> None:
        """Keep the notes, which are below the editor, below the title, too."""
        beside = max(1, self.editor.size.height)
        for notes in self.query("Static.notes"):
            notes.styles.margin = (max(0, len(self._title_lines()) - beside), 0, 0, 2)

    def _title_lines(self) -> list[Content]:
        """The title as wide as the room that the editor leaves."""
        return Content(self.spec.title).wrap(max(1, self.editor.styles.margin.left - 1))

    # -- the value

    @property
    def text(self) -> str:
        return self.editor.text if isinstance(self.editor, TextArea) else self.editor.value

    @property
    def value(self) -> object:
        return typed(self.spec, self.text)

    def put(self, value: object) -> None:
        """Show another value, unless the field is being edited."""
        if value == self._given or self.value != self._given:
            return
        text = text_of(self.spec, value)
        with self.prevent(Input.Changed, TextArea.Changed, Choices.Changed):
            if isinstance(self.editor, TextArea):
                self.editor.text = text
            else:
                self.editor.value = text
        self._given, self._length = self.value, len(text)

    def hint(self, text: str) -> None:
        """Set the placeholder: the value that applies if nothing is typed."""
        if isinstance(self.editor, FieldInput) and self.editor.placeholder != text:
            self.editor.placeholder = text

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.settle()

    on_text_area_changed = on_choices_changed = on_input_changed

    def settle(self) -> None:
        """Give the value as it is now, if it has changed: what is typed in one go is one change."""
        self._show_notes()
        if self.value == self._given:
            return  # a newly mounted editor posts a change, too
        self._given, before, self._length = self.value, self._length, len(self.text)
        run = "" if self._is_just_pasted() else "longer" if self._length > before else "shorter"
        self._give({self.spec.path: self._given}, run and f"{self.spec.path} {run}")

    def take(self, value: object) -> None:
        """Give a value that was chosen elsewhere."""
        self.settle()
        self._give({self.spec.path: value}, "")

    # -- pasting

    def _paste(self, text: str) -> None:
        """Insert a pasted text: a list whole, however it is written."""
        assert isinstance(self.editor, FieldInput)
        self.settle()
        self._pasted = pasted(self.spec, text)
        start, end = sorted(self.editor.selection)
        if self._pasted.text:
            text = self._pasted.between(self.text[:start], self.text[end:])
            self.editor.replace(text, start, end)
        self._after_paste = self.text
        self.settle()

    def _is_just_pasted(self) -> bool:
        return self._after_paste == self.text

    # -- findings

    def find(self, findings: Sequence[Finding]) -> None:
        """Show the findings of this field in short."""
        self.findings = tuple(findings)
        self._show_notes()

    def _show_notes(self) -> None:
        """Show what was said of the last paste, until the text changes, and the findings."""
        said = self._pasted if self._is_just_pasted() else Pasted("")
        lines = [note(finding, self.spec.path) for finding in self.findings]
        if said.said:
            style = "$text-error" if said.refused else "$text-muted"
            lines.insert(0, Content.styled(f"{'✗' if said.refused else '✓'} {said.said}", style))
        if lines == self._notes:
            return
        self._notes = lines
        notes = self.query("Static.notes")
        text = Content("\n").join(lines)
        if not lines:
            notes.remove()
        elif notes:
            notes.first(Static).update(text)
        else:
            self.mount(Static(text, classes="notes"))
            self._place_notes()
        errors = any(f.severity == "error" for f in self.findings)
        self.set_class(errors or said.refused, "-error")


def _settle(editor: Widget, event: Key) -> None:
    """Give what was typed before a key that undoes it or puts a cure in its place."""
    if event.key in OF_THE_PAGE and isinstance(editor.parent, FieldRow):
        editor.parent.settle()


def note(finding: Finding, path: str = "") -> Content:
    """A finding in a line or two: what, then how to fix it. Below one of many fields (`path`) it
    only points to the first."""
    error = finding.severity == "error"
    style = "$text-error" if error else "$text-warning"
    mark = "✗" if error else "!"
    few = error and len(finding.fields) <= FEW
    if path and not few and not f"{finding.fields[0]}.".startswith(f"{path}."):
        where = _("see {title}", title=title(finding.fields[0]))
        return Content.styled(f"{mark} {where}", style)
    fix = sentences(finding.what, finding.fix).removeprefix(finding.what)
    return Content.assemble((f"{mark} {finding.what}", style), (fix, "$text-muted"))
