"""A session of the wizard: its answers, the recipe and the findings that follow from them, and when
they are saved. No widgets and no threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from amlwizard import fields, rules, user_notebook
from amlwizard.answer_history import AnswerHistory, Change
from amlwizard.app.port import TargetName
from amlwizard.draft import Draft, DraftStore
from amlwizard.errors import Finding
from amlwizard.fields import FieldSpec
from amlwizard.recipe import PARAMETERS, Reading, Recipe, SignIn, examine, save_beside
from amlwizard.rules.address_space import NEIGHBOURS, path, space_of
from amlwizard.rules.own_training import NOTEBOOK, notebook_of
from amlwizard.user_notebook import UserNotebook

NAMELESS = "nonameyet"  # as a prefix


class Session:
    """`dirty` means that answers have changed since they were last saved; `done` that a run built
    everything, so that there is nothing to continue."""

    def __init__(self, store: DraftStore, draft: Draft) -> None:
        self.store, self.draft = store, draft
        self.history = AnswerHistory()
        self.dirty = self.done = False
        self._of_the_cloud: list[tuple[Finding, Mapping[str, object]]] = []
        self._examine()

    def _examine(self) -> None:
        self.reading: Reading = examine(self.draft.answers, folder=self.draft.folder)
        self._of_the_cloud = [
            (finding, given)
            for finding, given in self._of_the_cloud
            if all(self.draft.value(path) == value for path, value in given.items())
        ]
        self.findings: tuple[Finding, ...] = (
            *rules.findings_of(self.reading),
            *(finding for finding, _ in self._of_the_cloud),
        )

    # -- answers

    def put(self, changes: Mapping[str, object], run: str = "") -> None:
        """Set answers by their recipe paths; None removes an answer. Changes of one `run` that follow
        each other, such as letters typed into a field, are undone together."""
        self.history.add(Change({path: self.draft.value(path) for path in changes}, changes, run))
        self._put(changes)

    def undo(self) -> Mapping[str, object]:
        """Take back the last change; returns the answers that it changed, empty if there is none."""
        return self._put(self.history.undo())

    def redo(self) -> Mapping[str, object]:
        """Make the change again that was undone last; returns as `undo` does."""
        return self._put(self.history.redo())

    def _put(self, changes: Mapping[str, object]) -> Mapping[str, object]:
        for field, value in changes.items():
            self.draft.put(field, value)
        if changes:
            self.dirty, self.done = True, False
            self._examine()
        return changes

    def save(self, path: Path) -> None:
        """Write the recipe, finished or not, with the comments of the file that it comes from, and name
        its files from there. Raises OSError."""
        source = Path(self.draft.saved) if self.draft.saved else None
        for field, name in save_beside(self.reading, path, source).items():
            self.draft.put(field, name)
        self.draft.saved, self.draft.as_saved = str(path), True
        self._touch()
        self._examine()

    @property
    def compared(self) -> Recipe | None:
        """The recipe as it is compared with the cloud: where only names are still to be given, those of a
        stand-in take their place, so that a region is not looked up only after them."""
        if self.reading.recipe or self.reading.sections.is_whole("names"):
            return self.reading.recipe
        answers = {**self.draft.answers, "names": {"prefix": NAMELESS}}
        return examine(answers, folder=self.draft.folder).recipe

    def add(self, found: Sequence[Finding]) -> None:
        """Replace the findings of the cloud. Each one stays until an answer that it is about
        changes. What is found about names that stand in for the user's own is left out."""
        if not self.reading.recipe:
            found = [finding for finding in found if NAMELESS not in str(finding)]
        self._of_the_cloud = [
            (finding, {path: self.draft.value(path) for path in self._depends_on(finding)})
            for finding in found
        ]
        self._examine()

    def _depends_on(self, finding: Finding) -> Iterator[str]:
        """The answers that a finding is about: a name that is not given follows from the prefix."""
        yield from finding.fields
        if any(p.startswith("names.") and self.draft.value(p) is None for p in finding.fields):
            yield "names.prefix"

    @property
    def recipe(self) -> Recipe | None:
        """The recipe, if there are no errors, only warnings."""
        return None if self.errors else self.reading.recipe

    # -- questions

    def specs(self, section: str) -> Iterator[FieldSpec]:
        """The fields of a section as they are asked: each parameter of the notebook by itself."""
        for spec in fields.specs(section):
            if spec.path == PARAMETERS:
                given = self.draft.value(PARAMETERS)
                names = given if isinstance(given, dict) else {}
                yield from fields.of_parameters(self.notebook, names)
            else:
                yield spec

    def asked(self, section: str) -> Iterator[FieldSpec]:
        """The fields that the other answers leave to be asked: an address range of what is built."""
        space = space_of(self.reading.sections)
        used = {path(name) for name in (*space.names, "reserved", *NEIGHBOURS, "dns_service_ip")}
        for spec in self.specs(section):
            if section != "addresses" or spec.path in used:
                yield spec

    @property
    def notebook(self) -> UserNotebook:
        """The notebook that trains, or the example; without cells if it cannot be read."""
        training = self.reading.sections.training
        name = training.notebook if training else None
        found = notebook_of(training) if training else None
        return found or UserNotebook(str(name or user_notebook.EXAMPLE))

    def choose_notebook(self, name: str | None) -> dict[str, object]:
        """The changes that take a notebook by its name from the recipe's folder, or the example:
        parameters that only the former one reads go, as does what is suggested for the example."""
        file = self.draft.folder / Path(name).expanduser() if name else None
        try:
            read = user_notebook.read(file).parameters
        except OSError:
            read = {}
        given, former = self.draft.value(PARAMETERS), self.notebook.parameters
        parameters = given if isinstance(given, dict) else {}
        left = {n: v for n, v in parameters.items() if n in read or n not in former}
        changes: dict[str, object] = {NOTEBOOK: name, PARAMETERS: left}
        for spec in fields.specs("scoring"):
            if spec.example is not None and self.draft.value(spec.path) in (spec.example, None):
                changes[spec.path] = None if name else spec.example
        return changes

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def sign_in(self) -> SignIn | None:
        """How to sign in; None while those answers are invalid."""
        sections = self.reading.sections
        return sections.sign_in if sections.is_whole("sign_in") else None

    # -- keeping

    def visit(self, page: str) -> None:
        """Record that the user is on this page now."""
        if self.draft.page != page or page not in self.draft.visited:
            self.draft.page = page
            self.draft.visited = [*(p for p in self.draft.visited if p != page), page]
            self._touch()

    def set_target(self, target: TargetName) -> None:
        """Build on another cloud: the last run, and what the cloud said of the answers, belong to
        the former one."""
        self.draft.target, self.draft.run = target, ""
        self.add(())
        self._touch()

    def ran(self, run: str) -> None:
        """A run of these answers has started."""
        self.draft.run, self.dirty = run, True

    def _touch(self) -> None:
        """A session without any answers yet leaves no file."""
        self.dirty = self.dirty or self.draft.changed > 0

    def keep(self) -> None:
        """Save the draft if anything has changed. Raises OSError if it cannot be written."""
        if self.dirty and not self.done:
            self.store.save(self.draft)
            self.dirty = False

    def finish(self) -> None:
        """A run has built everything: there is nothing to continue, unless an answer changes."""
        self.done = True
        self.store.forget(self.draft)
