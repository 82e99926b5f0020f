"""When the sandbox starts the MLflow server of a workspace."""

from __future__ import annotations

from pathlib import Path

from support import RECIPES, amlwizard, running


def test_a_platform_without_training_runs_no_server(tmp_path: Path) -> None:
    """It takes seconds of processor time. What is registered can be listed all the same: nothing."""
    with running("--approve", "--clock", "instant") as sandbox:
        ran = amlwizard(
            "replay", str(RECIPES / "quickstart.yaml"), "--target", "sandbox", "--json", "--until", "provision",
            AMLWIZARD_HOME=str(tmp_path), **sandbox.environment,
        )  # fmt: skip
        workspace = ran.final("workspace")["outputs"]["id"]
        assert sandbox.cloud().ml(workspace).model_versions("diabetes-ridge") == []
        folder = Path(sandbox.description["ca"]).parent
        assert not list(folder.glob("mlflow/*"))
