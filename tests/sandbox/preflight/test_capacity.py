"""Sizes, regions and versions that are not offered, and quotas that are too small."""

from __future__ import annotations

from typing import Any

import pytest
from support import Json
from support.preflights import Cloud, Judge, Preflight, only, replaying

pytestmark = pytest.mark.xdist_group("preflight")


# -- what is offered


def test_a_size_that_is_not_offered_is_one_finding_with_all_its_fields(
    cloud: Cloud, preflight: Preflight
) -> None:
    cloud.state(limits={"sizes_not_offered": ["Standard_D4ds_v5"]})
    fields = ("serving.node_size", "training.node_type")
    found = only(preflight(), "sku-not-offered", *fields)
    assert set(found["cure"]) == set(fields)
    [other] = set(found["cure"].values())
    assert found["command"] == replaying(*(f"{f}={other}" for f in fields))
    assert preflight(*(part for f in fields for part in ("--set", f"{f}={other}"))) == []


def test_a_size_that_does_not_exist(judge: Judge) -> None:
    found = only(judge(serving__node_size="Standard_X9"), "sku-not-offered", "serving.node_size")
    assert "region's list of VM sizes" in found["why"]


def test_a_region_without_a_service(cloud: Cloud, preflight: Preflight) -> None:
    missing = {"Microsoft.Databricks/workspaces": ["westeurope", "canadacentral"]}
    cloud.state(limits={"not_offered": missing})
    found = only(preflight(), "region-not-offered", "sign_in.region")
    assert "Microsoft.Databricks/workspaces" in found["what"]
    region = found["cure"]["sign_in.region"]
    assert found["command"] == replaying(f"sign_in.region={region}")
    assert preflight("--set", f"sign_in.region={region}") == []


def test_a_region_that_is_none_is_the_only_finding(preflight: Preflight) -> None:
    found = only(
        preflight("--set", "sign_in.region=westeuropa"), "region-not-offered", "sign_in.region"
    )
    assert found["cure"] == {"sign_in.region": "westeurope"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("uswest", "westus"),
        ("eastuss", "eastus"),
        ("germanynorth", "germanywestcentral"),
        # Nothing of the same place: nobody is sent elsewhere.
        ("westuk2", "ukwest"),
        ("taiwannorth", None),
        ("icelandwest", None),
        ("moonbase", None),
    ],
)
def test_what_a_region_was_meant_to_be_is_of_the_same_place(
    judge: Judge, typed: str, meant: str | None
) -> None:
    found = only(judge(sign_in__region=typed), "region-not-offered", "sign_in.region")
    assert found["cure"] == ({"sign_in.region": meant} if meant else {})


def test_another_region_is_one_of_the_same_geography(cloud: Cloud, preflight: Preflight) -> None:
    aks = "Microsoft.ContainerService/managedClusters"
    cloud.state(limits={"not_offered": {aks: ["switzerlandnorth", "japaneast", "canadacentral"]}})

    def told(region: str) -> Any:
        found = preflight("--set", f"sign_in.region={region}")
        return only(found, "region-not-offered", "sign_in.region")

    assert told("japaneast")["cure"] == {"sign_in.region": "japanwest"}
    assert told("canadacentral")["cure"] == {"sign_in.region": "canadaeast"}
    swiss = told("switzerlandnorth")
    assert swiss["cure"] == {} and "No region in the same geography" in swiss["fix"]


def test_a_size_instead_has_no_less_memory(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"sizes_not_offered": ["Standard_E4s_v5"]})
    found = only(
        preflight("--set", "serving.node_size=Standard_E4s_v5"),
        "sku-not-offered",
        "serving.node_size",
    )
    assert found["cure"] == {"serving.node_size": "Standard_E4ds_v5"}
    assert "32 GiB" in found["fix"]


def test_of_a_size_that_does_not_exist_nobody_knows_how_large_it_is(judge: Judge) -> None:
    found = only(
        judge(serving__node_size="Standard_E64x_v9"), "sku-not-offered", "serving.node_size"
    )
    assert found["cure"] == {} and "list-skus" in found["fix"]


def test_a_patch_that_is_not_offered_stays_in_its_minor_version(preflight: Preflight) -> None:
    found = only(
        preflight("--set", "serving.kubernetes_version='1.35.99'"),
        "kubernetes-version",
        "serving.kubernetes_version",
    )
    assert found["cure"] == {"serving.kubernetes_version": "1.35"}


def test_a_kubernetes_version_that_is_not_offered(cloud: Cloud, preflight: Preflight) -> None:
    cloud.sandbox.fault(
        "GET .*/kubernetesVersions",
        status=200,
        body={"values": [{"version": "1.36", "patchVersions": {"1.36.2": {}}}]},
    )
    assert preflight("--set", "serving.kubernetes_version='1.36'") == []
    found = only(
        preflight("--set", "serving.kubernetes_version='1.37'"),
        "kubernetes-version",
        "serving.kubernetes_version",
    )
    assert found["cure"] == {"serving.kubernetes_version": "1.36"}


def test_a_size_that_does_not_do_is_found_by_what_azure_says_of_it(judge: Judge) -> None:
    """Its name does not tell: two vCPUs, and one GiB."""
    findings = judge(serving__node_size="Standard_B2ats_v2")
    [found] = [f for f in findings if f["rule"] == "sku-unfit"]
    assert found["fields"] == ["serving.node_size"] and "2 vCPU and 1 GiB" in found["why"]
    ((path, other),) = found["cure"].items()
    assert judge(**{path.replace(".", "__"): other}) == []


def test_arm_processors_are_found_whatever_the_name_says(
    cloud: Cloud, preflight: Preflight
) -> None:
    def sku(name: str, architecture: str) -> dict[str, object]:
        given = {"vCPUs": "4", "MemoryGB": "16", "CpuArchitectureType": architecture}
        capabilities = [{"name": key, "value": value} for key, value in given.items()]
        kind = {"resourceType": "virtualMachines", "name": name, "family": "x"}
        return {**kind, "capabilities": capabilities, "restrictions": []}

    listed = [sku("Standard_D4ds_v5", "Arm64"), sku("Standard_DS3_v2", "x64")]
    cloud.sandbox.fault("GET .*/Microsoft.Compute/skus", status=200, body={"value": listed})
    found = only(preflight(), "sku-unfit", "serving.node_size")
    assert "Arm" in found["why"] and found["cure"] == {"serving.node_size": "Standard_DS3_v2"}


# -- quota: 3 AKS nodes and one for upgrades, 1 Databricks node, 4 vCPUs each


def test_what_is_just_enough_is_no_finding(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"cores": 20, "PublicIPAddresses": 3, "PrivateEndpoints": 5})
    assert preflight() == []


def test_one_less_than_is_needed(cloud: Cloud, preflight: Preflight) -> None:
    """Those of Machine Learning are counted apart from the others."""
    less = {"cores": 19, "PublicIPAddresses": 2, "PrivateEndpoints": 4, "ml_cores": 3}
    cloud.state(limits=less)
    told = preflight()

    def of(rule: str) -> list[Json]:
        return [f for f in told if f["rule"] == rule]

    found = only(
        of("vcpu-quota"),
        "vcpu-quota",
        "serving.nodes",
        "serving.node_size",
        "training.workers",
        "training.node_type",
    )
    assert "20 are needed, 19 are left" in found["what"] and "16 for 3 AKS nodes" in found["why"]
    scope = f"{cloud.subscription}/providers/Microsoft.Compute/locations/westeurope"
    assert found["command"] == (
        f"az quota update --resource-name cores --scope {scope} --limit-object value=20"
    )
    found = only(
        of("public-ip-quota"), "public-ip-quota", "names.public_ip", "serving.load_balancer",
        "security.aks_outbound",
    )  # fmt: skip
    assert "3 are needed, 2 are left" in found["what"]
    assert "--resource-name publicipaddresses" in found["command"].lower()
    found = only(of("network-quota"), "network-quota", "sign_in.region")
    assert "5 are needed, 4 are left" in found["what"]
    counted_apart = of("ml-vcpu-quota")
    assert len(counted_apart) == 2 and len(told) == 5
    assert all(f["fields"] == ["serving.build_node_size"] for f in counted_apart)
    assert "Microsoft.MachineLearningServices/locations/westeurope" in counted_apart[0]["command"]


def test_behind_an_internal_load_balancer_an_address_less_is_enough(
    cloud: Cloud, preflight: Preflight
) -> None:
    cloud.state(limits={"PublicIPAddresses": 2})
    assert preflight("--set", "serving.load_balancer=internal") == []


def test_vcpus_of_as_many_workers_as_there_may_be(cloud: Cloud, preflight: Preflight) -> None:
    scaled = ("--set", "training.workers=1", "--set", "training.max_workers=3")
    cloud.state(limits={"cores": 32})
    assert preflight(*scaled) == []
    cloud.state(limits={"cores": 31})
    found = preflight(*scaled)[0]
    assert (
        "32 are needed, 31 are left" in found["what"] and "training.max_workers" in found["fields"]
    )


def test_vcpus_of_a_pool_are_not_held_against_the_node_type(
    cloud: Cloud, preflight: Preflight
) -> None:
    cloud.state(limits={"cores": 16})
    found = only(
        preflight("--set", "training.instance_pool=warm", "--set", "training.workers=2"),
        "not-checked",
        "training.instance_pool",
        severity="warning",
    )
    assert "3 nodes of the instance pool warm" in found["what"]


def test_vcpus_of_a_family(cloud: Cloud, preflight: Preflight) -> None:
    cloud.state(limits={"family_cores": 19})
    found = preflight("--set", "training.node_type=Standard_E4s_v5")
    assert found == []
    found = preflight()
    assert [f["rule"] for f in found] == ["vcpu-quota"]
    assert "standardDDSv5Family" in found[0]["what"]
    assert "--resource-name standardDDSv5Family" in found[0]["command"]


def test_a_usage_without_an_id_counts(cloud: Cloud, preflight: Preflight) -> None:
    name = {"value": "TotalDedicatedCores", "localizedValue": "x"}
    usage = {"id": None, "name": name, "currentValue": 9, "limit": 9, "unit": "Count"}
    path = ".*/Microsoft.MachineLearningServices/locations/westeurope/usages"
    cloud.sandbox.fault(f"GET {path}", status=200, body={"value": [usage]})
    try:
        found = only(preflight(), "ml-vcpu-quota", "serving.build_node_size")
    finally:
        cloud.sandbox.clear()
    assert "0 are left" in found["what"]
