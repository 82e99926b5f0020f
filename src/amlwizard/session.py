"""A session of the wizard: its answers, what they add up to, and when they are saved. No widgets
and no threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amlwizard import rules
from amlwizard.app.port import TargetName
from amlwizard.draft import Draft, DraftStore
from amlwizard.errors import Finding
from amlwizard.recipe import Reading, Recipe, SignIn, examine


class Session:
    """`dirty` means that answers have changed since they were last saved; `done` that a run built
    everything, so that there is nothing to continue."""

    def __init__(self, store: DraftStore, draft: Draft) -> None:
        self.store, self.draft = store, draft
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

    def put(self, changes: Mapping[str, object]) -> None:
        """Set answers by their recipe paths; None removes an answer."""
        for path, value in changes.items():
            self.draft.put(path, value)
        self.dirty, self.done = True, False
        self._examine()

    def add(self, found: Sequence[Finding]) -> None:
        """Replace the findings of the cloud. Each one stays until an answer that it is about
        changes."""
        self._of_the_cloud = [
            (finding, {path: self.draft.value(path) for path in finding.fields})
            for finding in found
        ]
        self._examine()

    @property
    def recipe(self) -> Recipe | None:
        """The recipe, if there are no errors, only warnings."""
        return None if self.errors else self.reading.recipe

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def sign_in(self) -> SignIn | None:
        """How to sign in; None while those answers are invalid."""
        sections = self.reading.sections
        return sections.sign_in if sections.is_whole("sign_in") else None

    # -- keeping

    def at(self, page: str) -> None:
        """The user is now on this page."""
        if self.draft.page != page or page not in self.draft.visited:
            self.draft.page = page
            self.draft.visited = [*(p for p in self.draft.visited if p != page), page]
            self._touch()

    def aim(self, target: TargetName) -> None:
        """Change the target."""
        self.draft.target = target
        self._touch()

    def ran(self, run: str) -> None:
        """A run of these answers has started."""
        self.draft.run, self.dirty = run, True

    def saved(self, path: str) -> None:
        """The recipe was written to a file."""
        self.draft.saved = path
        self._touch()

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
