"""The steps of a plan or a run, by phase: a line for each, with a mark and a note."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from amlwizard.step_titles import fitted

PHASE = "phase:"
"""Prefix of the name of a phase among ids of steps, since some are the same."""
GUIDE = 2
LEAST_TITLE = 12
MOVES = ("up", "down", "pageup", "pagedown", "home", "end", "left", "right")


@dataclass(frozen=True)
class StepLine:
    """`tone` names the colours of mark and title (``done``, ``failed``...); `right` is at the
    right edge, `note` before it as far as there is room."""

    mark: str
    title: str
    tone: str = "plain"
    note: str = ""
    right: str = ""


class StepTree(Tree[str]):
    """A node's data is the id of its step, or ``phase:`` and its phase."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"steps--{tone}"
        for tone in ("plain", "phase", "quiet", "live", "done", "failed", "warning", "note")
    }

    class Highlighted(Message):
        """The highlighted step has changed. `by_hand` is whether the user did it, not the tree."""

        def __init__(self, step: str, by_hand: bool) -> None:
            super().__init__()
            self.step, self.by_hand = step, by_hand

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("steps", id=id)
        self.show_root, self.guide_depth, self.auto_expand = False, GUIDE, False
        self._leaves: dict[str, TreeNode[str]] = {}
        self._lines: dict[str, StepLine] = {}
        self._shown: tuple[tuple[str, str], ...] = ()
        self._touched = False

    def fill(self, steps: Iterable[tuple[str, str]]) -> bool:
        """Set the steps to show, (id, phase) in order. Returns whether they have changed."""
        shown = tuple(steps)
        if shown == self._shown:
            return False
        self.move_cursor(None)  # else the same line of the new tree would not count as a move
        self.clear()
        self._shown, self._leaves, self._lines = shown, {}, {}
        for step, phase in shown:
            name = PHASE + phase
            if name not in self._leaves:
                self._leaves[name] = self.root.add(Text(name), name, expand=True)
            self._leaves[step] = self._leaves[name].add_leaf(Text(step), step)
        return True

    def paint(self, lines: Mapping[str, StepLine]) -> None:
        """Set the lines by name; only those that changed are redrawn."""
        for name, line in lines.items():
            if name in self._leaves and self._lines.get(name) != line:
                self._lines[name] = line
                self._leaves[name].set_label(Text(line.title))

    # -- the highlighted step

    @property
    def step(self) -> str:
        """The id of the highlighted step; empty if a phase is highlighted."""
        node = self.cursor_node
        return node.data if node and node.data and not node.children else ""

    def lead(self, step: str) -> None:
        """Highlight a step without counting it as the user's choice."""
        node = self._leaves.get(step)
        if node and self.step != step:
            self._leaves[step].parent.expand()  # type: ignore[union-attr]
            # A tree that has just been filled has no lines yet.
            self.call_after_refresh(self._lead, node)

    def _lead(self, node: TreeNode[str]) -> None:
        self.move_cursor(node)
        phase = node.parent
        if phase and phase.children[0] is node:  # the first of its phase is shown with its title
            self.scroll_to_line(phase.line, animate=False)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[str]) -> None:
        event.stop()
        by_hand, self._touched = self._touched, False
        self.post_message(self.Highlighted(self.step, by_hand))

    def on_key(self, event: events.Key) -> None:
        self._touched = event.key in MOVES

    def on_click(self) -> None:
        self._touched = True

    # -- drawing

    def on_resize(self, event: events.Resize) -> None:
        self._invalidate()
        self.refresh()

    def get_label_width(self, node: TreeNode[str]) -> int:
        return LEAST_TITLE

    def render_label(self, node: TreeNode[str], base_style: Style, style: Style) -> Text:
        line = self._lines.get(node.data or "")
        if line is None:
            return Text(str(node.data or ""), style=base_style + style)
        width = self.scrollable_content_region.width - (
            GUIDE if node.parent is not self.root else 0
        )
        text = Text(no_wrap=True)
        if node.children:
            text.append("▾ " if node.is_expanded else "▸ ", self._tone("note", style))
        else:
            text.append(f"{line.mark} ", self._tone(line.tone, style))
        title = fitted(line.title, width - text.cell_len - cell_len(line.right) - 1)
        text.append(title, self._tone("phase" if node.children else line.tone, style))
        left = width - cell_len(line.right)
        room = left - text.cell_len - 2
        if line.note and room > 4:
            note = Text(f"  {line.note}", self._tone("note", style))
            note.truncate(room + 2, overflow="ellipsis")
            text.append_text(note)
        text.truncate(left - bool(line.right), overflow="ellipsis")
        if line.right:
            text.pad_right(left - text.cell_len)
            text.append(
                line.right, self._tone("note" if line.tone != "failed" else "failed", style)
            )
        return text

    def _tone(self, tone: str, style: Style) -> Style:
        return self.get_component_rich_style(f"steps--{tone}", partial=True) + style
