"""What the desk knows of earlier runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tui_support import GOLDEN, recorded

from amlwizard.cli.desk import Desk
from amlwizard.cli.targets import Choice
from amlwizard.journal import NAME
from amlwizard.plan.outputs import TRAIN


def test_training_is_found_in_the_journal_of_the_run_that_trained(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    for name in ("20260101", "20260103"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    shutil.copy(GOLDEN, tmp_path / "runs" / "20260101" / NAME)
    (tmp_path / "runs" / "20260103" / NAME).write_text("no journal\nat all\n")
    run = recorded().outputs(TRAIN.id)["run_id"]
    with Desk(Choice()) as desk:
        said = desk.trained(run)
        assert tuple(said) == recorded().steps["train"].log
        assert not desk.trained("another")
