"""One field of a form: its title, its editor, and its findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from amlwizard.errors import Finding
from amlwizard.fields import FieldSpec, laid_out, shown, title, typed
from amlwizard.tui.widgets.choices import Choices
from amlwizard.tui.widgets.immediate_keys import run_binding_at_once

SWITCH = ("yes", "no")
FEW = 2
"""An error about up to this many fields is shown in full under each, else only under the first."""
LONG = 29
"""Longer titles take two lines."""


def text_of(spec: FieldSpec, value: object) -> str:
    """A value as editable text."""
    is_json = spec.kind == "json" and isinstance(value, dict | list)
    return laid_out(value) if is_json else shown(spec, value)


class FieldText(TextArea):
    """Several lines of text."""

    async def _on_key(self, event: Key) -> None:
        await run_binding_at_once(self, event)


class FieldInput(Input):
    """A line of text. The right arrow in an empty one copies the placeholder for editing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "take_placeholder", show=False),
    ]

    async def _on_key(self, event: Key) -> None:
        await run_binding_at_once(self, event)

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
        self, spec: FieldSpec, value: object, give: Callable[[Mapping[str, object]], None]
    ) -> None:
        super().__init__(classes="-long" if len(spec.title) > LONG else None)
        self.spec, self._give = spec, give
        self.findings: tuple[Finding, ...] = ()
        self.editor = self._editor(text_of(spec, value))
        self._given = self.value

    def _editor(self, text: str) -> Choices | FieldInput | TextArea:
        kind = self.spec.kind
        if kind == "switch":
            return Choices(SWITCH, text)
        if kind == "choice":
            return Choices(self.spec.choices, text, none="left out" if self.spec.optional else "")
        if kind == "json":
            return FieldText(text, compact=True, show_line_numbers=False, soft_wrap=True)
        return FieldInput(text, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        yield self.editor

    def render(self) -> Content:
        return Content("\n".join(wrap(self.spec.title, LONG)))

    # -- the value

    @property
    def text(self) -> str:
        return self.editor.text if isinstance(self.editor, TextArea) else self.editor.value

    @property
    def value(self) -> object:
        value = typed(self.spec, self.text)
        return value

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
        self._given = self.value

    def hint(self, text: str) -> None:
        """Set the placeholder: the value that applies if nothing is typed."""
        if isinstance(self.editor, FieldInput) and self.editor.placeholder != text:
            self.editor.placeholder = text

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.value == self._given:
            return  # a newly mounted editor posts a change, too
        self._given = self.value
        self._give({self.spec.path: self._given})

    on_text_area_changed = on_choices_changed = on_input_changed

    # -- findings

    def find(self, findings: Sequence[Finding]) -> None:
        """Show the findings of this field in short."""
        if tuple(findings) == self.findings:
            return
        self.findings = tuple(findings)
        notes = self.query("Static.notes")
        text = Content("\n").join(note(finding, self.spec.path) for finding in self.findings)
        if not findings:
            notes.remove()
        elif notes:
            notes.first(Static).update(text)
        else:
            self.mount(Static(text, classes="notes"))
        self.set_class(any(f.severity == "error" for f in self.findings), "-error")


def note(finding: Finding, path: str = "") -> Content:
    """A finding in a line or two: what, then how to fix it. Below one of many fields (`path`) it
    only points to the first."""
    error = finding.severity == "error"
    style = "$text-error" if error else "$text-warning"
    mark = "✗" if error else "!"
    few = error and len(finding.fields) <= FEW
    if path and not few and path != finding.fields[0]:
        return Content.styled(f"{mark} see {title(finding.fields[0])}", style)
    parts = [(f"{mark} {finding.what}", style)]
    if finding.fix:
        parts.append((f" {finding.fix}", "$text-muted"))
    return Content.assemble(*parts)
