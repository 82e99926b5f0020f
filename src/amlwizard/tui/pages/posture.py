"""Whether the platform keeps what its recipe promises: every check, with its evidence from
outside the VNET and from inside."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from amlwizard.language import _, _n, listed
from amlwizard.plan.outputs import VERIFY
from amlwizard.posture import Posture, PromiseLine, promised
from amlwizard.recipe import Recipe
from amlwizard.tui.dialogs.questions import AskPath
from amlwizard.tui.pages import evidence
from amlwizard.tui.pages.page import Page
from amlwizard.tui.pages.progress import title_of
from amlwizard.tui.widgets.step_tree import StepTree
from amlwizard.tui.widgets.updating_static import UpdatingStatic
from amlwizard.view import RunView

EVENTS = 0.25
REPORT = _(
    "The file to write: one HTML page, with all evidence and the network drawn. It holds no secret."
)
UNVERIFIED = _("This run did not verify the platform. Press v to verify it now.")


class PosturePage(Page):
    """Live from the events of a run; a later verification on request replaces them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "verify", _("Verify now")),
        Binding("escape", "stop", _("Stop verifying")),
        Binding("o", "only", _("Not kept only")),
        Binding("o", "all", _("All promises")),
        Binding("w", "report", _("Report")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.posture: Posture | None = None
        self._at = 0.0
        self._stale = self._filtered = False
        self._pending: tuple[Recipe | None, tuple[PromiseLine, ...]] = (None, ())

    def compose_page(self) -> ComposeResult:
        yield UpdatingStatic(id="verdict")
        with Vertical(id="promised"):
            yield StepTree(id="promises")
        with VerticalScroll(id="evidence"):
            yield UpdatingStatic(id="proof")

    def on_mount(self) -> None:
        for name in ("view", "running", "busy", "verified", "verifying"):
            self.watch(self.app, name, self._mark, init=False)
        self.query_one(StepTree).focus()
        self._draw()

    def on_screen_resume(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    # -- the checks to show

    def _lines(self) -> tuple[PromiseLine, ...]:
        """The checks to show; before a verification, those that it will make."""
        if self.posture:
            left = tuple(line for line in self.posture.lines if line.outcome != "ok")
            return left if self._filtered and left else self.posture.lines
        recipe = self.wizard.session.reading.recipe
        if self._pending[0] is not recipe:
            self._pending = (recipe, promised(recipe) if recipe else ())
        return self._pending[1]

    @property
    def _verifying(self) -> bool:
        return "verify" in self.wizard.busy

    # -- drawing: at most every EVENTS seconds, however fast events arrive

    def _mark(self) -> None:
        if not self._stale:
            self._stale = True
            self.set_timer(EVENTS, self._draw)

    def _draw(self) -> None:
        self._stale = False
        if not self.is_current:
            return
        posture = self.posture = self.wizard.verified or evidence.of_run(self.wizard.view)
        lines = self._lines()
        self.query_one("#verdict", UpdatingStatic).say(self._head(posture, len(lines)))
        tree = self.query_one(StepTree)
        others = tree.fill((line.id, line.area) for line in lines)
        tree.paint(dict(evidence.drawn(lines, posture is None)))
        at, self._at = self._at, posture.at if posture else 0.0
        unkept = [line for line in lines if line.outcome != "ok"] if posture else []
        if lines and (others or (unkept and at != self._at)):
            tree.lead((unkept or lines)[0].id)
        self._describe()
        self.refresh_bindings()

    def _head(self, posture: Posture | None, count: int) -> Content:
        if self._verifying:
            text = self.wizard.verifying or _("from outside, and from inside")
            return Content.assemble(("◌ " + _("Verifying"), "bold $accent"), f"  {text}")
        if posture is None:
            text = without(self.wizard.view)
            said = _n("· {n} promise", "· {n} promises", count)
            return Content.assemble((said, "bold"), f"  {text}")
        outcome = evidence.worst(posture)
        mark, style = evidence.MARKS[outcome][0], evidence.STYLES[outcome]
        return Content.styled(f"{mark} {evidence.summary(posture, self.wizard.now())}", style)

    def _describe(self) -> None:
        step = self.query_one(StepTree).step
        line = next((line for line in self._lines() if line.id == step), None)
        width = self.query_one("#evidence").scrollable_content_region.width
        text = evidence.described(line, self.posture is None, width) if line else ()
        self.query_one("#proof", UpdatingStatic).say(Content("\n").join(text))

    @on(StepTree.Highlighted)
    def _looked(self) -> None:
        self._describe()
        self.query_one("#evidence").scroll_home(animate=False)

    # -- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        posture = self.posture
        shown = {
            "verify": not self._verifying,
            "stop": self._verifying,
            "only": bool(posture and not posture.kept and not self._filtered),
            "all": bool(posture and not posture.kept and self._filtered),
            "report": posture is not None,
        }
        return shown.get(action, super().check_action(action, parameters))

    def action_verify(self) -> None:
        self.wizard.verify()

    def action_stop(self) -> None:
        self.wizard.stop_verifying()

    def action_only(self) -> None:
        self._filtered = True
        self._draw()

    def action_all(self) -> None:
        self._filtered = False
        self._draw()

    def action_report(self) -> None:
        posture = self.posture
        if posture:
            ask = AskPath(_("Write the report"), REPORT, f"{posture.recipe}-posture.html")
            self.app.push_screen(ask, lambda path: self._write(posture, path))

    def _write(self, posture: Posture, path: Path | None) -> None:
        if path:
            self.wizard.save_report(posture, path)


def without(view: RunView) -> str:
    """Why there is no result yet."""
    step = view.steps.get(VERIFY.id)
    if step is None:
        return UNVERIFIED
    before = [view.steps[name] for name in step.info.after if name in view.steps]
    left = [one.info.title for one in before if one.state not in ("done", "kept")]
    return {
        "waiting": _(
            "Verified at the end of the run, which waits for {steps}.", steps=listed(left, 1)
        )
        if left
        else _("Verified next."),
        "running": step.message or _("Verifying now."),
        "failed": step.end.what if step.end else _("The verification failed."),
        "blocked": _("Not verified: {step} failed.", step=title_of(step.end.because, view))
        if step.end
        else _("Not verified."),
        "cancelled": _(
            "The run was cancelled before it could verify. Press v to verify what exists."
        ),
    }.get(step.state, UNVERIFIED)
