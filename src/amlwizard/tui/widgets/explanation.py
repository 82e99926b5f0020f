"""What a field means and which rules of Azure apply to it: briefly beside the form, in full on
F1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from amlwizard.errors import Finding
from amlwizard.fields import FieldSpec, narrows, shown
from amlwizard.language import _, one_of, sentences
from amlwizard.rules import RULES, Rule, name_shapes
from amlwizard.rules.base import use
from amlwizard.tui.widgets.hanging import hanging
from amlwizard.tui.widgets.updating_static import UpdatingStatic

KINDS = {
    "text": _("text"),
    "number": _("a number"),
    "switch": _("yes or no"),
    "list": _("values with commas between them"),
    "json": "JSON",
    "file": _("the name of a file, seen from the recipe's folder"),
    "scalar": _("a number, true, false, or text (in quotes where it looks like a number)"),
}


NAME = 15


class Explain(VerticalScroll, can_focus=False):
    """The focused field in short."""

    def compose(self) -> ComposeResult:
        yield UpdatingStatic(id="explanation")

    def show(
        self, spec: FieldSpec | None, findings: Sequence[Finding], more: Sequence[Content] = ()
    ) -> None:
        lines = [*short(spec, findings), *more] if spec else []
        self.query_one("#explanation", UpdatingStatic).say(Content("\n").join(lines))
        self.set_class(bool(more), "-more")
        self.scroll_home(animate=False)


def short(spec: FieldSpec, findings: Sequence[Finding]) -> Iterator[Content]:
    """Lines beside the form: the description, and the reason and cure of each finding."""
    yield Content.assemble((spec.title, "bold $primary"), (f"  {spec.path}", "$text-muted"))
    usual = shown_default(spec)
    said = _("Usually {usual}.", usual=usual) if usual else ""
    yield Content(sentences(spec.description, said))
    for finding in findings:
        if finding.why:
            yield Content.assemble((f"{finding.rule}  ", "bold"), finding.why)
        if finding.cure:
            yield Content.assemble(("^r", "bold $accent"), f"  {use(finding.cure)}")


def long(spec: FieldSpec, findings: Sequence[Finding], width: int) -> Iterator[Content]:
    """Lines of F1: what a field means, what it takes, an example, its default, what becomes of it in
    Azure, its findings now and its rules."""
    if spec.description:
        yield Content(f"{spec.description}\n")
    default = spec.derived.replace("{prefix}", "<prefix>") if spec.derived else shown_default(spec)
    facts = {
        _("Allowed"): allowed(spec),
        _("Example"): shown(spec, spec.sample),
        _("Default"): default or _("none"),
        _("In Azure"): becomes(spec),
        _("In the recipe"): spec.path,
        _("Full width"): _("letters and digits become half width") if narrows(spec) else "",
    }
    for name, fact in facts.items():
        if fact:
            beside = hanging(fact, NAME, width)
            yield Content.assemble((set_cell_size(name, NAME), "$text-muted"), beside)
    if findings:
        yield Content.styled("\n" + _("Found now"), "bold $primary")
        for finding in findings:
            style = "$text-error" if finding.severity == "error" else "$text-warning"
            yield Content.assemble((f"{finding.rule}  ", "bold"), (finding.what, style))
            for part in (finding.why, finding.fix):
                if part:
                    yield Content(f"  {part}")
            if finding.command:
                yield Content.styled(f"  {finding.command}", "$secondary")
    ruled = rules_of(spec.path)
    if ruled:
        yield Content.styled("\n" + _("Rules"), "bold $primary")
        for rule in ruled:
            yield Content.assemble(
                (f"{rule.id}  ", "bold"), rule.text, (f"  [{rule.source}]", "$text-muted")
            )


def allowed(spec: FieldSpec) -> str:
    """The values that a field takes."""
    section, __, name = spec.path.partition(".")
    if spec.choices:
        return one_of(spec.choices)
    if spec.parts:
        return _("{parts}, with commas between them", parts="=".join(spec.parts))
    if section == "names" and name in name_shapes.SHAPES:
        return name_shapes.SHAPES[name].text
    if spec.path == "names.prefix":
        return _("{text} suit every name", text=name_shapes.PREFIX.text)
    if spec.kind == "list":
        return _("{takes}, with commas between them", takes=spec.takes)
    return spec.takes or KINDS[spec.kind]


def becomes(spec: FieldSpec) -> str:
    """The resource and its property that a field's value ends up in."""
    known = spec.becomes
    return f"{known.resource}: {known.property}" if known else ""


def shown_default(spec: FieldSpec) -> str:
    return "" if spec.default is None else shown(spec, spec.default)


def rules_of(path: str) -> list[Rule]:
    """The rules about a field, those about few others first."""
    found = (rule for rule in RULES if any(f"{path}.".startswith(f"{at}.") for at in rule.about))
    return sorted(found, key=lambda rule: (path not in rule.about, len(rule.about)))
