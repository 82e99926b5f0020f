"""After a teardown: following any printed advice literally leads to a new platform."""

from __future__ import annotations

import shlex
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import Json, Ran
from support.standing import GROUP, MANAGED, QUICKSTART, TAG, Destroy, Standing

pytestmark = pytest.mark.xdist_group("destroy")


def quiet(*_: Any, **__: Any) -> None: ...


def az(platform: Standing, command: str) -> None:
    """What the Azure CLI sends for the commands that are printed."""
    for one in command.split(" && "):
        words = shlex.split(one)
        given = {
            words[i]: words[i + 1] for i, word in enumerate(words[:-1]) if word.startswith("--")
        }
        arm, name = platform.arm, given.get("--name", "")
        group = f"/subscriptions/{arm.subscription}/resourceGroups/{name}"
        if one.startswith("az group create "):
            tags = dict([given["--tags"].split("=")])
            arm.put(
                group,
                "2025-04-01",
                {"location": given["--location"], "tags": tags},
                quiet,
                CancelEvent(),
            )
        elif one.startswith("az group delete "):
            arm.delete(group, "2021-04-01", quiet, CancelEvent())
        elif one.startswith("az keyvault recover "):
            body = {
                "location": given["--location"],
                "properties": {
                    "createMode": "recover",
                    "tenantId": platform.state["tenant"],
                    "sku": {"family": "A", "name": "standard"},
                    "accessPolicies": [],
                },
            }
            vault = f"{platform.group}/providers/Microsoft.KeyVault/vaults/{name}"
            arm.put(vault, "2025-05-01", body, quiet, CancelEvent())
        elif one.startswith("az rest --method delete "):
            path, _, query = given["--url"].partition("?")
            version, *more = query.removeprefix("api-version=").split("&")
            arm.send("DELETE", f"{path}?{'&'.join(more)}", version)
        else:
            raise AssertionError(f"not a command of az that is known: {one}")


def refused(destroy: Destroy) -> list[Json]:
    """What stops a replay before it writes anything."""
    ran = destroy("--until", "provision", "--json", command="replay")
    assert ran.code == 2, ran.err
    return list(ran.final("preflight")["outputs"]["findings"])


def stands_again(destroy: Destroy) -> Ran:
    ran = destroy("--until", "provision", "--json", command="replay")
    assert ran.code == 0, ran.err
    return ran


def nothing_in_the_way(destroy: Destroy) -> None:
    ran = destroy(command="preflight")
    assert ran.code == 0, ran.err


def test_destroy_then_purge_then_replay(torn: Standing, destroy: Destroy) -> None:
    assert f"destroy {shlex.quote(str(QUICKSTART))} --target sandbox --purge" in " ".join(
        f["fix"] for f in refused(destroy)
    )
    shown = destroy("--purge", "--dry-run")
    assert "replay, then purge" not in " ".join(shown.out.split())
    ran = destroy("--purge", "--yes", "--json")
    assert ran.code == 0 and ran.final("workspace")["outcome"] == "done"
    kept = [k for k in torn.state["deleted"] if k.startswith(("vaults/", "workspaces/"))]
    assert kept == [] and torn.resources == {}
    stands_again(destroy)


@pytest.mark.parametrize("vault", ["its command", "recovered"])
def test_every_command_of_the_findings(torn: Standing, destroy: Destroy, vault: str) -> None:
    found = {f["fields"][0]: f for f in refused(destroy)}
    assert set(found) == {"names.key_vault", "names.workspace"}
    az(torn, found["names.workspace"]["command"])
    if vault == "recovered":
        again = {f["fields"][0]: f for f in refused(destroy)}
        az(torn, again["names.key_vault"]["command"])
        stands_again(destroy)
        assert torn.resources[torn.group.lower()]["tags"] == TAG
        assert destroy("--yes", "--purge").code == 0 and torn.resources == {}
    else:
        az(torn, found["names.key_vault"]["command"])
        nothing_in_the_way(destroy)


def test_a_stranger_of_the_same_name_is_not_purged(torn: Standing, destroy: Destroy) -> None:
    state = torn.state
    (held,) = [v for k, v in state["deleted"].items() if k.startswith("workspaces/")]
    held["tags"] = {"team": "others"}
    torn.sandbox.control("state", state, "PUT")
    ran = destroy("--purge", "--yes", "--json")
    assert ran.final("workspace")["outcome"] == "kept"
    assert any(key.startswith("workspaces/") for key in torn.state["deleted"])


# -- Databricks' managed group


def test_without_force_its_data_stays_and_the_way_out_is_said(
    platform: Standing, destroy: Destroy
) -> None:
    """As the portal deletes it, or somebody else."""
    workspace = platform.id("Microsoft.Databricks/workspaces", "dbw-mlquick01")
    platform.arm.delete(workspace, "2026-01-01", quiet, CancelEvent())
    left = [key for key in platform.resources if f"/{MANAGED}" in key]
    assert any(key.endswith(f"/{MANAGED}") for key in left) and len(left) > 1
    ran = destroy("--yes", "--json")
    word = ran.final("databricks")["what"]
    assert ran.code == 0 and f"az group delete --name {MANAGED}" in word
    found = {f["fields"][0]: f for f in refused(destroy)}["names.databricks_managed_group"]
    assert f"az group delete --name {MANAGED}" in found["fix"]
    az(platform, f"az group delete --name {MANAGED}")
    assert destroy("--yes", "--purge").code == 0
    nothing_in_the_way(destroy)


def test_a_group_that_stays_in_spite_of_force_fails_the_step(
    platform: Standing, destroy: Destroy
) -> None:
    group = f"/subscriptions/{platform.arm.subscription}/resourceGroups/{MANAGED}"
    platform.sandbox.fault(
        f"GET {group}", status=200, body={"id": group, "name": MANAGED, "location": "westeurope"}
    )
    ran = destroy("--yes", "--json")
    word = ran.final("databricks")
    assert (ran.code, word["outcome"]) == (1, "failed") and MANAGED in word["what"]
    assert f"az group delete --name {MANAGED}" in word["fix"]
    assert GROUP in platform.group and QUICKSTART
