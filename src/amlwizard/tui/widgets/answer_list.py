"""All answers of a session on one page: each under the page that asks for it, with a mark where it
differs from the default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from amlwizard.fields import FieldSpec, shown
from amlwizard.language import _
from amlwizard.session import Session
from amlwizard.tui.port import PageInfo

OWN = "●"
TITLE = 26


class AnswerList(OptionList):
    """Enter on an answer posts `ToField`."""

    BORDER_TITLE = _("Answers   {own} differs from the default", own=OWN)

    class ToField(Message):
        """Go to the field with this path in the recipe."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self) -> None:
        super().__init__(id="answers", compact=True)
        self._shown: tuple[tuple[str, str, str, bool], ...] = ()

    def show(self, pages: Sequence[PageInfo], session: Session) -> None:
        rows = tuple(rows_of(pages, session))
        if rows == self._shown:
            return
        self._shown, at = rows, self.highlighted
        self.set_options(_option(*row) for row in rows)
        self.highlighted = at

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.ToField(event.option.id or ""))


def rows_of(pages: Sequence[PageInfo], session: Session) -> Iterator[tuple[str, str, str, bool]]:
    """A row for every answer, and one before the first of a page: path (empty for a page), title,
    value as text, and whether it differs from the default."""
    prefix = str(session.draft.value("names.prefix") or "<prefix>")
    for page in pages:
        if page.sections:
            yield "", page.title, "", False
        for section in page.sections:
            for spec in session.specs(section):
                given = session.draft.value(spec.path)
                usual = default_of(spec, prefix)
                value = usual if given in (None, "") else shown(spec, given)
                yield spec.path, spec.title, value or _("none"), value != usual


def default_of(spec: FieldSpec, prefix: str) -> str:
    """The value that applies if a field is left empty, as text."""
    if spec.derived is not None:
        return spec.derived.replace("{prefix}", prefix)
    return shown(spec, spec.default)


def _option(path: str, title: str, value: str, own: bool) -> Option:
    if not path:
        return Option(Content.styled(title, "bold $primary"), disabled=True)
    text = Content.assemble(
        (f"{OWN if own else ' '} ", "$accent"),
        Content.styled(title, "$text-muted").truncate(TITLE, ellipsis=True, pad=True),
        " ",
        (" ".join(value.split()), "bold" if own else ""),
    )
    return Option(text, id=path)
