"""The Addresses page: the form beside a map of the address space, the capacity of each range,
and a key that suggests a free plan."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from amlwizard import fields
from amlwizard.fields import FieldSpec
from amlwizard.language import _
from amlwizard.rules.address_plan import NoRoomError, changes, suggest
from amlwizard.rules.address_space import Space, space_of
from amlwizard.rules.capacity import Load, load_of
from amlwizard.tui.dialogs.questions import Choose, DialogOption
from amlwizard.tui.pages.form import FormPage
from amlwizard.tui.widgets.address_capacity import CapacityTable
from amlwizard.tui.widgets.address_map import AddressMap
from amlwizard.tui.widgets.row import FieldRow

SECTION = "addresses"
ROOM_FOR_MAP = 70
"""Columns of the terminal."""
SPECS = {spec.path: spec for spec in fields.specs(SECTION)}
WAYS = (
    DialogOption(
        "take", _("Use these ranges"), _("Replaces the ranges above; Undo brings yours back.")
    ),
    DialogOption("stay", _("Keep my ranges"), _("Changes nothing.")),
)


class AddressesPage(FormPage):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f2", "suggest", _("Free plan"))]

    def __init__(self) -> None:
        super().__init__(SECTION)
        self._pointed: dict[Widget, str] = {}

    def compose_extra(self) -> ComposeResult:
        with Vertical(id="picture"):
            yield AddressMap()
            yield CapacityTable()

    def on_resize(self, event: events.Resize) -> None:
        """The values come before the map, where there is no room for both."""
        self.set_class(event.size.width < ROOM_FOR_MAP, "-cramped")

    # -- the address plan, as far as the answers are valid

    def _space(self) -> Space:
        return space_of(self.wizard.session.reading.sections)

    def _load(self) -> Load:
        known = self.wizard.session.reading.sections
        return load_of(known.security, known.serving, known.training)

    def row_of(self, spec: FieldSpec, value: object) -> FieldRow:
        """The row, hidden from its beginning if it is not asked: it must not have the focus until then."""
        row = super().row_of(spec, value)
        row.display = spec.path in self._asked()
        return row

    def _asked(self) -> Collection[str]:
        return {spec.path for spec in self.wizard.session.asked(SECTION)}

    def answers_changed(self) -> None:
        space = self._space()
        self.query_one(AddressMap).show(space)
        self.query_one(CapacityTable).show(space, self._load())
        asked = self._asked()
        for row in self.rows:
            row.display = row.spec.path in asked

    # -- the highlighted field, in the form and on the map

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._light()

    def on_enter(self, event: events.Enter) -> None:
        row = _row_of(event.node)
        if row:
            self._pointed[row] = row.spec.path
            self._light()

    def on_leave(self, event: events.Leave) -> None:
        row = _row_of(event.node)
        if row and self._pointed.pop(row, None):
            self._light()

    @on(AddressMap.Pointed)
    def _point(self, event: AddressMap.Pointed) -> None:
        self._pointed[event.control] = event.path
        for row in self.rows:
            row.set_class(row.spec.path == event.path, "-pointed")
        self._light()

    def _light(self) -> None:
        """Highlight what the mouse points at, else the focused field."""
        focused = self.focused_row.spec.path if self.focused_row else ""
        at = next((path for path in self._pointed.values() if path), focused)
        self.query_one(AddressMap).light(at)
        self.query_one(CapacityTable).light(at)

    @on(AddressMap.Picked)
    def _picked(self, event: AddressMap.Picked) -> None:
        self.focus_field(event.path)

    # -- a free plan

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "suggest":
            return not self.wizard.running
        return super().check_action(action, parameters)

    def action_suggest(self) -> None:
        space = self._space()
        try:
            change = changes(space, suggest(space, self._load()))
        except NoRoomError as no:
            text = "\n".join((no.why, no.fix))
            self.notify(text, title=no.what, severity="error", timeout=12, markup=False)
            return
        if not change:
            self.notify(_("Every range is free and large enough as it is."))
            return
        typed = [at for at in change if not self._is_default(at)]
        if not typed:
            self.put(change)
            return

        def decided(way: str | None) -> None:
            if way == "take":
                self.put(change)

        lines = (f"{SPECS[at].title}: {self._shown(at)} → {new}" for at, new in change.items())
        self.app.push_screen(Choose(_("Free ranges"), "\n".join(lines), WAYS), decided)

    def _is_default(self, at: str) -> bool:
        value = self.wizard.session.draft.value(at)
        return value is None or str(value) == str(SPECS[at].default)

    def _shown(self, at: str) -> str:
        return fields.shown(SPECS[at], self.wizard.session.draft.value(at)) or _("empty")


def _row_of(node: object) -> FieldRow | None:
    if not isinstance(node, Widget):
        return None
    return next((at for at in node.ancestors_with_self if isinstance(at, FieldRow)), None)
