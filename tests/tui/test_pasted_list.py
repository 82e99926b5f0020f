"""A list that is pasted into the wizard's real terminal, marked as a paste as terminals do it."""

from __future__ import annotations

from pathlib import Path

import pexpect
from support import PATIENCE, RECIPES, environment, forking

from amlwizard.draft import DraftStore, from_file

LOST = 20  # seconds without an effect of a Tab


def test_the_lines_that_a_terminal_pastes_are_one_list_in_the_form(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "sessions")
    draft = from_file(RECIPES / "quickstart.yaml")
    draft.detach()
    draft.page = "addresses"
    store.save(draft)
    child = pexpect.spawn(
        forking.python(), ["-m", "amlwizard"], dimensions=(36, 120), timeout=PATIENCE,
        encoding="utf-8",
        env=environment({"AMLWIZARD_HOME": str(tmp_path), "TERM": "xterm-256color"}),
    )  # fmt: skip
    try:
        child.expect("Continue")
        child.send("\r")
        field = ""
        while field != "addresses.peered":
            # What the help of the field in focus calls it; a Tab is lost while the page fills.
            lost = child.expect([r"addresses\.\w+(?=\W)", pexpect.TIMEOUT], timeout=LOST)
            if lost or child.after != field:
                field = field if lost else str(child.after)
                child.send("" if field == "addresses.peered" else "\t")
        child.send("\x1b[200~10.61.0.0/16\r10.62.0.0/16\r10.63.0.0/16\x1b[201~")
        child.expect("3 ranges pasted")
        child.sendcontrol("q")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    # The one that this process holds was continued as a copy.
    kept = [draft.value("addresses.peered") for draft in store.unfinished()]
    assert ["10.61.0.0/16", "10.62.0.0/16", "10.63.0.0/16"] in kept
