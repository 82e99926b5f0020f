"""What `--capture` records of a whole run, in which every name and secret is a canary."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import amlwizard, recipe_of
from support.journeys import ACCESS_TOKEN, DOMAIN, SCORING_KEY, USER_CODE, Journey

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journey")]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_way_out_is_recorded(quickstart: Journey) -> None:
    assert quickstart.ran.code == 0, quickstart.ran.err
    urls = [line["url"] for line in lines(quickstart.recorded)]
    for way in (
        "/oauth2/v2.0/devicecode", "/oauth2/v2.0/token", "/providers/Microsoft.Network/",
        "/api/2.1/clusters/create", "/commands/execute", "/listKeys", "/mlflow/", "/dns-query",
        "/score",
    ):  # fmt: skip
        assert any(way in url for url in urls), way
    assert f"{len(urls)} exchanges are in" in quickstart.ran.err
    assert "cells send from the cluster" in quickstart.ran.err
    cells = [
        line for line in lines(quickstart.recorded) if line["url"].endswith("/commands/execute")
    ]
    assert cells and all("cluster" in line["not_seen"] for line in cells)


def test_the_file_of_a_whole_run_can_be_shown_to_anybody(quickstart: Journey) -> None:
    state = quickstart.sandbox.state
    recipe = recipe_of("quickstart")
    subnets = {
        f"{one.network_address}".removesuffix(".0")
        for one in (recipe.addresses.workspace, recipe.addresses.compute, recipe.addresses.scoring)
    }
    canaries = {
        recipe.names.prefix, DOMAIN, SCORING_KEY, ACCESS_TOKEN, USER_CODE, "lovelace", *subnets,
        state["tenant"], state["person"]["oid"], *state["subscriptions"],
    }  # fmt: skip
    recorded = quickstart.recorded.read_text()
    text = recorded.lower()
    assert {canary for canary in canaries if canary.lower() in text} == set()
    assert not re.search(r"eyJ[\w-]{10,}\.eyJ", recorded)
    assert "BEGIN" not in recorded


def test_a_whole_run_replays_as_it_went(quickstart: Journey) -> None:
    ran = amlwizard("sandbox", "compare", str(quickstart.recorded), "--json")
    said = json.loads(ran.out)
    assert said["compared"] > 150
    told = {
        (d["what"], d["request"], d["azure"], d["sandbox"])
        for d in said["differences"]
        if d["what"] != "property"
    }
    assert told == set()
    # What is served needs the model, which cells have registered: no capture has those.
    assert any("a model that cells registered" in reason for reason in said["aside"])
