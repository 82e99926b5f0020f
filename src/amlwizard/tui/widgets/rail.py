"""The list of pages: the current one, and which of them have findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from amlwizard.errors import Finding
from amlwizard.tui.port import Wizard

GAP = 2


@dataclass(frozen=True)
class RailEntry:
    """A page in the rail. `errors` and `warnings` count its findings; missing answers
    count once the page was visited."""

    id: str
    number: int
    title: str
    here: bool = False
    open: bool = True
    visited: bool = False
    errors: int = 0
    warnings: int = 0

    @property
    def mark(self) -> str:
        if self.errors:
            return f"✗{self.errors}"
        return f"!{self.warnings}" if self.warnings else ""


class Rail(Widget):
    """One line above a narrow page, a column beside a wide one. A click goes to the page (in our
    own handler: the colours of links would hide the state of a page)."""

    entries: reactive[tuple[RailEntry, ...]] = reactive(())

    @property
    def wizard(self) -> Wizard:
        return cast(Wizard, self.app)

    def on_mount(self) -> None:
        self.watch(self.app, "findings", self.look, init=False)
        self.watch(self.app, "view", self.look, init=False)
        self.look()

    def look(self) -> None:
        """Follow the state, if the page is shown; its page has it look again once it is."""
        if self.screen in self.app.screen_stack:
            self.entries = tuple(entries(self.wizard))

    def on_click(self, event: events.Click) -> None:
        page = event.style.meta.get("page")
        if page:
            self.wizard.go(page)

    def render(self) -> Content:
        if self.size.height > 1:
            return Content("\n").join(_line(entry, self.size.width) for entry in self.entries)
        return Content(" " * GAP).join(_fitted(self.entries, self.size.width))


def entries(wizard: Wizard) -> Iterable[RailEntry]:
    draft = wizard.session.draft
    for number, page in enumerate(wizard.pages, 1):
        visited = page.id in draft.visited
        counts = _counts(wizard.findings, page.sections, visited)
        yield RailEntry(
            page.id,
            number,
            page.title,
            here=page.id == draft.page,
            open=wizard.may_go(page.id),
            visited=visited,
            errors=counts["error"],
            warnings=counts["warning"],
        )


def _counts(findings: Sequence[Finding], sections: Sequence[str], visited: bool) -> Counter[str]:
    """The number of findings of a page, by severity. Missing answers only count once it was
    visited."""
    return Counter(
        finding.severity
        for finding in findings
        if any(path.partition(".")[0] in sections for path in finding.fields)
        and (visited or finding.rule != "missing")
    )


def _line(entry: RailEntry, width: int) -> Content:
    sign = "▸" if entry.here else "✓" if entry.visited and not entry.errors else " "
    mark = f" {entry.mark}" if entry.mark else ""
    text = Content(f"{sign}{entry.number:>2} {entry.title}")
    return _styled(entry, text.truncate(width - len(mark), ellipsis=True).plain, mark)


def _fitted(entries: Sequence[RailEntry], width: int) -> list[Content]:
    """All pages by number; the current one also by name, then those with findings, then those
    nearest to it, as many as fit. Pages that have nothing to show yet are one range of numbers."""
    shown = [entry for entry in entries if entry.open or entry.here]
    closed = [entry for entry in entries if entry not in shown]
    later = f"{closed[0].number}–{closed[-1].number}" if closed else ""
    return [
        *_named(shown, width - len(later) - GAP),
        *([Content.styled(later, "dim")] if later else []),
    ]


def _named(entries: Sequence[RailEntry], width: int) -> list[Content]:
    here = next((n for n, entry in enumerate(entries) if entry.here), 0)
    named: set[int] = set()
    used = sum(cell_len(_short(entry, False)) + GAP for entry in entries) - GAP
    order = sorted(
        range(len(entries)), key=lambda n: (n != here, not entries[n].mark, abs(n - here), n < here)
    )
    for n in order:
        more = cell_len(_short(entries[n], True)) - cell_len(_short(entries[n], False))
        if used + more > width and n != here:
            break
        used += more
        named.add(n)
    return [
        _styled(
            entry,
            f"{entry.number}{f' {entry.title}' if n in named else ''}",
            f" {entry.mark}" if entry.mark else "",
        )
        for n, entry in enumerate(entries)
    ]


def _short(entry: RailEntry, name: bool) -> str:
    mark = f" {entry.mark}" if entry.mark else ""
    return f"{entry.number}{f' {entry.title}' if name else ''}{mark}"


def _styled(entry: RailEntry, text: str, mark: str) -> Content:
    style = "bold $accent" if entry.here else "" if entry.open else "dim"
    content = Content.styled(text, style)
    if mark:
        content += Content.styled(mark, "bold $error" if entry.errors else "bold $warning")
    return content.stylize(Style.from_meta({"page": entry.id}))
