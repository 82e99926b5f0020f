"""Asks for the sections of a recipe: missing values are asked for, all others are listed and
changed by number. Findings follow each section, with a fix to accept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.cells import cell_len, chop_cells

from amlwizard import fields
from amlwizard.errors import Finding
from amlwizard.fields import FieldSpec, Pasted, pasted, shown, typed
from amlwizard.json_types import JsonObject
from amlwizard.language import _
from amlwizard.prompts.askers import Asker
from amlwizard.rules import scoring_request
from amlwizard.rules.own_training import NOTEBOOK
from amlwizard.session import Session

ALL = "all"
REQUEST = "scoring.request"
NONE = _("(none)")
WIDEST = 60  # cells
CHANGE = _("Fields to change (such as 2, 5-7 or all; Enter continues)")


class Screen(Protocol):
    """What an interview prints on; it wraps at words."""

    def say(self, text: str) -> None:
        """A paragraph, with the indentation that `text` has."""

    def show(self, findings: Sequence[Finding]) -> None: ...

    def table(self, rows: Sequence[Sequence[str]]) -> None: ...


class Interview:
    def __init__(self, session: Session, asker: Asker, screen: Screen) -> None:
        self.session, self.asker, self.screen = session, asker, screen
        self._declined: set[str] = set()

    def walk(self, sections: Sequence[str] = ()) -> None:
        """Ask for these sections in order (all by default), then for those with errors again,
        until only warnings are left."""
        for section in sections or fields.sections():
            self.section(section)
        while self.session.errors:
            told = _("The recipe cannot be used yet:")
            self.screen.say(f"\n{told}")
            self.screen.show(self.session.errors)
            for section in at_fault(self.session.errors):
                self.section(section)

    # -- a section

    def section(self, section: str) -> None:
        """Ask for missing values, list the others, and change what the user picks."""
        specs = list(self.session.asked(section))
        sections = fields.sections()
        head = _(
            "Section {number} of {count}, {title}: {about}",
            number=[*sections].index(section) + 1,
            count=len(sections),
            title=fields.section_title(section),
            about=(sections[section].__doc__ or section).strip(),
        )
        self.screen.say(f"\n{head}")
        for spec in specs:
            if self._missing(spec):
                self.field(spec)
        while True:
            specs = self._overview(section)
            wanted = self.asker.text(CHANGE, "")
            chosen = numbers(wanted, len(specs))
            if chosen is None:
                self.screen.say(
                    _("Answer with numbers from 1 to {last}, such as 2, 5-7.", last=len(specs))
                )
            elif not chosen:
                return
            else:
                for number in chosen:
                    self.field(specs[number - 1])

    def _missing(self, spec: FieldSpec) -> bool:
        needed = not spec.optional and spec.default is None and spec.derived is None
        return needed and self._value(spec) is None

    def _overview(self, section: str) -> list[FieldSpec]:
        """Show the fields of a section and its findings, and offer each fix once; after a fix, show
        all of it again."""
        while True:
            specs = list(self.session.asked(section))
            self.screen.table([self._row(number, spec) for number, spec in enumerate(specs, 1)])
            found = [f for f in self.session.findings if _about(f, section)]
            self.screen.show(found)
            if not any(self._fixed(finding) for finding in found if finding.cure):
                return specs

    def _row(self, number: int, spec: FieldSpec) -> Sequence[str]:
        value = shown(spec, self._value(spec)) or self._stands(spec) or NONE
        return str(number), spec.title, _short(value)

    def _fixed(self, finding: Finding) -> bool:
        changes = "; ".join(self._changes(finding))
        offer = _("Fix {rule}: {changes}?", rule=finding.rule, changes=changes)
        if offer in self._declined:
            return False
        if not self.asker.confirm(offer, finding.severity == "error"):
            self._declined.add(offer)
            return False
        self.session.put(dict(finding.cure))
        self.session.keep()
        return True

    def _changes(self, finding: Finding) -> Iterator[str]:
        for path, value in finding.cure.items():
            specs = self.session.specs(path.partition(".")[0])
            title = next((spec.title for spec in specs if spec.path == path), path)
            text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            if value is None:
                yield _("clear {field}", field=title)
            elif text:
                yield _("set {field} to {value}", field=title, value=text)
            else:
                yield _("set {field} to nothing", field=title)

    # -- a field

    def field(self, spec: FieldSpec) -> None:
        """Ask for a value, and once more if it is not valid; after that, leave it to the end of
        the section."""
        if spec.description:
            self.screen.say(f"    {spec.description}")
        for __ in range(2):
            self._take(spec, self._asked(spec))
            wrong = [
                f
                for f in self.session.findings
                if all(f"{path}.".startswith(f"{spec.path}.") for path in f.fields)
                and f.line is None
            ]
            wrong = [f for f in wrong if f.severity == "error"]
            if not wrong:
                return
            self.screen.show(wrong)

    def _take(self, spec: FieldSpec, value: object) -> None:
        if spec.path != NOTEBOOK or value == self._value(spec):
            self.session.put({spec.path: value})
            self.session.keep()
            return
        self.session.put(self.session.choose_notebook(str(value) if value else None))
        self.session.keep()
        for cell in self.session.notebook.cells:
            told = _(
                "cell {number}, line {line}: {title}",
                number=cell.number,
                line=cell.line,
                title=cell.title,
            )
            self.screen.say(f"    {told}")
        for parameter in fields.of_parameters(self.session.notebook, ()):
            self.field(parameter)

    def _asked(self, spec: FieldSpec) -> object:
        current = shown(spec, self._value(spec))
        if spec.kind == "switch":
            return self.asker.confirm(spec.title, self._value(spec) is True)
        if spec.kind == "choice":
            choices = [*spec.choices, *([NONE] if spec.optional else [])]
            picked = self.asker.choose(spec.title, choices, current or choices[-1])
            return None if picked == NONE else typed(spec, picked)
        if spec.kind != "json":
            taking = partial(pasted, spec)
            return typed(spec, self.asker.text(spec.title, current, self._stands(spec), taking))
        hint = _("JSON or CSV, or @FILE") if spec.path == REQUEST else _("JSON, or @FILE")
        text = self.asker.text(f"{spec.title} ({hint})", current, self._stands(spec), Pasted)
        given = _from_file(text)
        request = self._request(given) if spec.path == REQUEST else None
        return typed(spec, given) if request is None else request

    def _request(self, text: str) -> JsonObject | None:
        """The request in a text in any of the forms that people write; None if it is none."""
        training = self.session.reading.sections.training
        model = scoring_request.before_training(training) if training else scoring_request.UNKNOWN
        return scoring_request.parsed(text, model)[0]

    def _value(self, spec: FieldSpec) -> object:
        return self.session.draft.value(spec.path)

    def _stands(self, spec: FieldSpec) -> str:
        """The value that applies if the question is not answered."""
        if spec.derived is not None:
            prefix = self.session.draft.value("names.prefix") or _("<prefix>")
            return spec.derived.replace("{prefix}", str(prefix))
        return shown(spec, spec.default)


def at_fault(errors: Sequence[Finding]) -> list[str]:
    """The sections that the errors are about; all of them if the errors name none."""
    named = {path.partition(".")[0] for finding in errors for path in finding.fields}
    return [name for name in fields.sections() if name in named] or list(fields.sections())


def numbers(text: str, last: int) -> list[int] | None:
    """The numbers that ``2, 5-7`` or ``all`` stands for, up to `last`; None if the text is not
    valid."""
    if text.strip().lower() == ALL:
        return list(range(1, last + 1))
    found: list[int] = []
    for part in re.split(r"[,\s]+", re.sub(r"\s*-\s*", "-", text.strip())):
        if not part:
            continue
        match = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", part)
        if not match:
            return None
        first, end = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= end <= last:
            return None
        found += range(first, end + 1)
    return list(dict.fromkeys(found))


def _from_file(text: str) -> str:
    """The content of the file for ``@FILE``. If it cannot be read, the text itself, which is
    then reported as invalid."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return text


def _about(finding: Finding, section: str) -> bool:
    return any(path.partition(".")[0] == section for path in finding.fields)


def _short(value: str) -> str:
    return value if cell_len(value) <= WIDEST else f"{chop_cells(value, WIDEST - 3)[0]}..."
