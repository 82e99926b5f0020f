"""The price list that the sandbox answers, and what is kept of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import RECIPES, Command, Sandbox, recipe_of, running

from amlwizard.app.pricing import costs
from amlwizard.cloud import CloudProfile, from_description
from amlwizard.cloud.retail_prices import prices
from amlwizard.cloud.wire import client
from amlwizard.costs import Charge
from amlwizard.prices import needs
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("prices")


@pytest.fixture(scope="module")
def there() -> Iterator[Sandbox]:
    """Nothing is built in it."""
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox


def needed(**settings: str) -> tuple[Charge, ...]:
    recipe = recipe_of("quickstart", **settings)
    return needs(recipe, steps_for(recipe))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMLWIZARD_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C")
    return tmp_path


def unreachable(profile: CloudProfile) -> CloudProfile:
    return replace(profile, prices="https://127.0.0.1:1")


def aged(file: Path, on: str) -> None:
    kept = json.loads(file.read_text())
    file.write_text(json.dumps([{**one, "on": on} for one in kept]))


def test_prices_are_read_once_a_day_and_kept_for_when_they_cannot_be_read(
    there: Sandbox, home: Path
) -> None:
    profile = from_description(there.file)
    whole = needed(security__secure_entry="bastion") + needed(security__secure_entry="vpn-gateway")
    found = costs(profile, whole)
    assert not found.unknown and not found.problem
    assert found.summary.startswith("Free here. On Azure: about ")

    before = there.received("GET /prices/.*")
    assert costs(profile, whole) == found
    assert there.received("GET /prices/.*") == before, "they were read today"

    kept = home / "prices-sandbox-USD.json"
    aged(kept, "2026-01-02")
    stale = costs(unreachable(profile), whole)
    assert "list prices of 2026-01-02" in stale.summary
    assert costs(profile, whole) == found, "old ones are read anew"

    kept.write_text("[{")
    unknown = costs(unreachable(profile), whole)
    assert unknown.summary.startswith(
        "Prices are not known: The price list at 127.0.0.1 could not be"
    )
    assert not unknown.prices


def test_a_list_of_more_than_a_page_is_read_whole(there: Sandbox) -> None:
    profile = from_description(there.file)
    url = f"{profile.prices}/api/retail/prices"
    query = "serviceName eq 'Virtual Machines' and armRegionName eq 'westeurope'"
    with client(profile, 20) as asking:
        first = asking.get(url, params={"$filter": query}).json()
        second = asking.get(first["NextPageLink"]).json()
        refused = asking.get(url, params={"$filter": "price lt 3"})
    assert first["Count"] == 100 and second["NextPageLink"] is None
    assert not {str(row) for row in first["Items"]} & {str(row) for row in second["Items"]}
    assert (refused.status_code, refused.json()["Error"]["Code"]) == (400, "BadRequest")


def test_another_currency_than_the_list_has_is_told_in_dollars(
    there: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locale.localeconv", lambda: {"int_curr_symbol": "EUR "})
    profile = from_description(there.file)
    assert prices(profile, [need.meter for need in needed()], "EUR") == {}
    assert " USD a day" in costs(profile, needed()).summary


def test_a_plan_against_a_cloud_ends_with_what_it_costs(command: Command, there: Sandbox) -> None:
    recipe = str(RECIPES / "quickstart.yaml")
    options = ("plan", recipe, "--target", "sandbox", "--approve")
    shown = command(*options, LC_ALL="C", **there.environment)
    assert "On Azure: about " in shown.out and "3 x AKS node Standard_D4ds_v5 " in shown.out
    assert "Not counted: traffic" in shown.out
    as_json = command(*options, "--json", **there.environment)
    assert json.loads(as_json.out).keys() == {"version", "target", "steps"}
