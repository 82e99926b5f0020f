"""Cures work: none corrupts a value, moves to another country, or breaks another rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import RECIPES, Json, amlwizard

from amlwizard import rules
from amlwizard.draft import from_file
from amlwizard.errors import Finding
from amlwizard.recipe import parse, read

QUICKSTART = str(RECIPES / "quickstart.yaml")
VNET = "/subscriptions/0/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/hub"


def findings(**changes: str) -> list[Finding]:
    changed = {path.replace("__", "."): value for path, value in changes.items()}
    found = rules.findings_of(read(RECIPES / "private.yaml", changed))
    return [f for f in found if f.severity == "error" or set(f.fields) & set(changed)]


# -- ids and host names where a name is wanted


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("vnet", VNET),
        ("registry", VNET.replace("Network/virtualNetworks", "ContainerRegistry/registries")),
        ("resource_group", "/subscriptions/0/resourceGroups/rg-net"),
        ("scoring_subnet", f"{VNET}/subnets/snet-aks"),
        ("log_analytics", "resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w"),
        ("node_resource_group", "/subscriptions/0/resourceGroups/MC_x"),
        ("prefix", VNET),
        ("endpoint", VNET),
    ],
)
def test_an_id_is_called_one_and_not_mangled(field: str, given: str) -> None:
    (found,) = findings(**{f"names__{field}": given})
    assert found.rule == "NM-7" and found.fields == (f"names.{field}",) and found.cure == {}
    assert "is the id of a resource" in found.what and "not supported yet" in found.fix


@pytest.mark.parametrize(
    ("field", "given", "meant"),
    [
        ("registry", "crteam01.azurecr.io", "crteam01"),
        ("key_vault", "https://kv-team01.vault.azure.net/", "kv-team01"),
        ("storage", "stteam01.blob.core.windows.net", "stteam01"),
    ],
)
def test_the_name_in_a_host_name_is_the_cure(field: str, given: str, meant: str) -> None:
    (found,) = findings(**{f"names__{field}": given})
    assert found.cure == {f"names.{field}": meant}


def test_an_id_of_a_subscription_is_cured_by_the_uuid_in_it() -> None:
    uuid = "11111111-2222-3333-4444-555555555555"
    (found,) = findings(sign_in__subscription=f"/subscriptions/{uuid}/resourceGroups/x")
    assert found.cure == {"sign_in.subscription": uuid}


def test_a_range_that_is_an_id_is_called_one() -> None:
    (found,) = findings(addresses__scoring=f"{VNET}/subnets/snet-aks")
    assert "id of a resource" in found.what and found.cure == {}


# -- other clouds


@pytest.mark.parametrize(
    ("region", "cloud"),
    [
        ("chinaeast2", "China"), ("chinanorth3", "China"), ("China North 2", "China"),
        ("usgovvirginia", "US Government"), ("USGov Arizona", "US Government"),
        ("usdodeast", "US Government"),
    ],
)  # fmt: skip
def test_another_cloud_is_named_and_nobody_sent_abroad(region: str, cloud: str) -> None:
    (found,) = findings(sign_in__region=region)
    assert found.rule == "RG-2" and cloud in found.what and "not supported" in found.what
    assert found.cure == {} and found.severity == "error"


@pytest.mark.parametrize("tenant", ["contoso.onmicrosoft.us", "contoso.partner.onmschina.cn"])
def test_a_tenant_of_another_cloud_is_named(tenant: str) -> None:
    (found,) = findings(sign_in__tenant=tenant)
    assert found.rule == "TN-2" and found.cure == {}


@pytest.mark.parametrize(
    ("typed", "meant"), [("West Europe", "westeurope"), ("(US) East US 2", "eastus2")]
)
def test_a_region_as_a_portal_writes_it(typed: str, meant: str) -> None:
    (found,) = findings(sign_in__region=typed)
    assert found.cure == {"sign_in.region": meant}


# -- what YAML makes of text without quotes


@pytest.mark.parametrize(
    ("field", "written", "cured"),
    [
        ("names.storage", "12", False),  # too short: no cure leads there
        ("serving.kubernetes_version", "1.30", True),
        ("serving.kubernetes_version", "1.40", True),
        ("training.scikit_learn", "1.10", True),
        ("training.mlflow", "2.20", True),
        ("names.cluster", "0123", True),
        ("names.cluster", "1.0e+3", True),
    ],
)
def test_text_that_yaml_takes_for_something_else_is_not_mangled(
    field: str, written: str, cured: bool
) -> None:
    section, _, name = field.partition(".")
    text = f"{section}: {{{name}: {written}}}"
    for reading in (parse(text), read(Path(QUICKSTART), {field: written})):
        found = next(f for f in rules.findings_of(reading) if field in f.fields)
        assert f"must be text, not {written}." in found.what
        assert found.cure == ({field: written} if cured else {})


def test_the_wizard_takes_such_text_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("serving:\n  kubernetes_version: 1.40\n  nodes: 4\n")
    serving = from_file(file).answers["serving"]
    assert (serving["kubernetes_version"], serving["nodes"]) == ("1.40", 4)


def test_cures_of_items_of_one_list_do_not_undo_one_another() -> None:
    found = findings(addresses__peered="[10.9.0.1/24, 10.8.0.1/24, 192.168.9.9/24]")
    assert len(found) == 3
    assert [f.cure for f in found] == [
        {"addresses.peered": ["10.9.0.0/24", "10.8.0.0/24", "192.168.9.0/24"]}
    ] * 3


def test_a_cure_that_the_next_rule_refuses_is_not_offered() -> None:
    assert findings(addresses__compute="10.100.110.7/24")[0].cure
    assert not findings(addresses__compute="10.100.100.7/24")[0].cure  # over the endpoints


# -- versions and sizes


def test_a_version_that_is_newer_than_we_know_is_a_warning() -> None:
    (found,) = findings(serving__kubernetes_version="'1.41'")
    assert found.severity == "warning" and "2026" in found.what and "preflight" in found.fix


@pytest.mark.parametrize("version", ["1.33", "1.20", "1.20.7"])
def test_a_version_that_had_retired_is_a_warning_with_its_cure(version: str) -> None:
    """Azure is asked before the first write; what we know has an expiry date."""
    (found,) = findings(serving__kubernetes_version=f"'{version}'")
    assert found.severity == "warning" and "2026" in found.what and "preflight" in found.fix
    assert found.cure == {"serving.kubernetes_version": "1.34"}


@pytest.mark.parametrize("version", ["latest", "v1.36", "1", "1.36.x"])
def test_what_is_no_version_is_refused(version: str) -> None:
    (found,) = findings(serving__kubernetes_version=f"'{version}'")
    assert found.severity == "error" and found.rule == "AML-K8S-1"


@pytest.mark.parametrize(
    ("typed", "cure"), [("E16s v5", "Standard_E16s_v5"), ("64GB", None), ("the big one", None)]
)
def test_what_is_no_size_is_not_replaced_by_a_small_one(typed: str, cure: str | None) -> None:
    (found,) = findings(serving__node_size=typed)
    assert found.cure == ({"serving.node_size": cure} if cure else {})


def test_a_machine_with_arm_processors_is_replaced_by_one_as_large() -> None:
    (found,) = findings(serving__node_size="Standard_E16pds_v5")
    assert found.cure == {"serving.node_size": "Standard_E16ds_v5"}


# -- judgements that somebody knows better


def test_what_a_rule_finds_can_be_taken_as_a_warning() -> None:
    overlap = ["--set", "addresses.on_premises=[10.240.0.0/12]"]
    assert amlwizard("check", QUICKSTART, *overlap).code == 2
    ignored = amlwizard("check", QUICKSTART, *overlap, "--ignore", "SN-6")
    assert ignored.code == 0 and "SN-6" in ignored.out
    assert amlwizard("check", QUICKSTART, *overlap, "--ignore", "SN-5").code == 2
    assert amlwizard("check", QUICKSTART, *overlap, "--ignore", "all").code == 0


def test_what_is_no_recipe_cannot_be_ignored() -> None:
    wrong = ["--set", "serving.nodes=many", "--ignore", "all"]
    assert amlwizard("check", QUICKSTART, *wrong).code == 2


# -- letters that a terminal has and we do not


def test_bytes_that_are_no_text_are_said_in_a_sentence() -> None:
    """In a value and in a key, of a section and of a field."""
    wrong = ("names.prefix=\udcc3", "names.cluster=a\udcff", "n\udcc3.x=1", "names.\udcc3=1")
    settings = [part for setting in wrong for part in ("--set", setting)]
    ran = amlwizard("check", QUICKSTART, *settings, "--json", PYTHONIOENCODING="gbk")
    assert ran.code == 2 and "Traceback" not in ran.err
    found: list[Json] = [f for f in json.loads(ran.out)["findings"] if f["severity"] == "error"]
    assert {f["rule"] for f in found} <= {"control-character", "unknown-key"}
    assert {f["fields"][0] for f in found} == {"names.prefix", "names.cluster", "n\ufffd", "names"}
