"""What a field means and which rules of Azure apply to it: briefly beside the form, in full on
F1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from amlwizard.errors import Finding
from amlwizard.fields import FieldSpec, shown
from amlwizard.rules import RULES, Rule

KINDS = {
    "text": "text",
    "number": "a number",
    "switch": "yes or no",
    "list": "values with commas between them",
    "json": "JSON",
    "file": "the name of a file, seen from the recipe's folder",
    "scalar": "a number, true, false, or text (in quotes where it looks like a number)",
}


class Explain(VerticalScroll, can_focus=False):
    """The focused field in short."""

    def compose(self) -> ComposeResult:
        yield Static(id="explanation")

    def show(
        self, spec: FieldSpec | None, findings: Sequence[Finding], more: Sequence[Content] = ()
    ) -> None:
        lines = [*short(spec, findings), *more] if spec else []
        self.query_one("#explanation", Static).update(Content("\n").join(lines))
        self.set_class(bool(more), "-more")
        self.scroll_home(animate=False)


def short(spec: FieldSpec, findings: Sequence[Finding]) -> Iterator[Content]:
    """Lines beside the form: the description, and the reason and cure of each finding."""
    yield Content.assemble((spec.title, "bold $primary"), (f"  {spec.path}", "$text-muted"))
    usual = shown_default(spec)
    parts = [spec.description, f"Usually {usual}." if usual else ""]
    yield Content(" ".join(part for part in parts if part))
    for finding in findings:
        if finding.why:
            yield Content.assemble((f"{finding.rule}  ", "bold"), finding.why)
        if finding.cure:
            yield Content.assemble(("^r", "bold $accent"), f" cures it: {cure_text(finding)}")


def cure_text(finding: Finding) -> str:
    """The changes of a cure: ``path value``, separated by commas."""
    return ", ".join(
        f"{path} {'left out' if value is None else plain(value)}"
        for path, value in finding.cure.items()
    )


def plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "empty"
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


def long(spec: FieldSpec, findings: Sequence[Finding]) -> Iterator[Content]:
    """Lines of F1: the description, values, default, findings and rules of a field."""
    yield Content.assemble((spec.title, "bold $primary"), (f"   {spec.path}", "$text-muted"))
    yield Content()
    if spec.description:
        yield Content(spec.description)
    takes = ", ".join(spec.choices) if spec.choices else KINDS[spec.kind]
    if spec.parts:
        takes = f"{'='.join(spec.parts)}, with commas between them"
    yield Content.assemble(("Takes    ", "$text-muted"), takes)
    default = spec.derived.replace("{prefix}", "<prefix>") if spec.derived else shown_default(spec)
    yield Content.assemble(("Default  ", "$text-muted"), default or "none")
    if findings:
        yield Content.styled("\nFound now", "bold $primary")
        for finding in findings:
            style = "$text-error" if finding.severity == "error" else "$text-warning"
            yield Content.assemble((f"{finding.rule}  ", "bold"), (finding.what, style))
            for part in (finding.why, finding.fix):
                if part:
                    yield Content(f"  {part}")
            if finding.command:
                yield Content.styled(f"  {finding.command}", "$secondary")
    ruled = list(rules_of(spec.path))
    if ruled:
        yield Content.styled("\nRules", "bold $primary")
        for rule in ruled:
            yield Content.assemble(
                (f"{rule.id}  ", "bold"), rule.text, (f"  [{rule.source}]", "$text-muted")
            )


def shown_default(spec: FieldSpec) -> str:
    return "" if spec.default is None else shown(spec, spec.default)


def rules_of(path: str) -> Iterator[Rule]:
    """The rules about a field."""
    return (rule for rule in RULES if any(f"{path}.".startswith(f"{at}.") for at in rule.about))
