"""A closed platform, complete except for its model, and changes to it outside of amlwizard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest

from amlwizard import engine
from amlwizard.app.application import Application
from amlwizard.app.targets import Choice
from amlwizard.cli import main
from amlwizard.posture import Posture
from amlwizard.run_control import RunControl
from amlwizard.steps import steps_for
from support import RECIPES, Json, Sandbox, recipe_of, running

PRIVATE = str(RECIPES / "private.yaml")
SET = {"security.secure_entry": "bastion", "security.purge_protection": "true"}
PREFIX, GROUP = "mlpriv01", "rg-mlpriv01"
WORKSPACE = "/workspaces/mlw-mlpriv01"
SCORING_KEY, TOKEN = "canaryScoringKey5Q8w", "canaryAccessToken2Z7x"


@dataclass
class Guarded:
    """The private recipe with a Bastion host, built except for the model; reset for every test."""

    sandbox: Sandbox
    application: Application
    recipe_file: Path
    home: Path
    state: Json

    def __post_init__(self) -> None:
        self.recipe = recipe_of("private", **{k.replace(".", "__"): v for k, v in SET.items()})

    def stand_before(self, patch: pytest.MonkeyPatch) -> None:
        """Make commands in this process use this cloud."""
        patch.setenv("AMLWIZARD_SANDBOX", str(self.sandbox.file))
        patch.setenv("AMLWIZARD_HOME", str(self.home))

    def judged(self, skip: tuple[str, ...] = ()) -> Posture:
        return self.application.verify(self.recipe, lambda event: None, RunControl(), skip)

    def broken(self, skip: tuple[str, ...] = ()) -> list[str]:
        """The ids of the broken promises, after asserting that none is unknown."""
        posture = self.judged(skip)
        assert not posture.of("unknown"), posture.of("unknown")
        return [line.id for line in posture.of("broken")]

    def change(self, what: Callable[[dict[str, Any]], Any]) -> None:
        """Change the cloud outside of amlwizard: `what` gets its resources by their ids."""
        state = self.sandbox.state
        what(state["resources"])
        self.sandbox.control("state", state, "PUT")

    def id(self, tail: str) -> str:
        """The only resource id with that end; ValueError if there is not exactly one."""
        resources: Json = self.state["resources"]
        (found,) = [key for key in resources if key.endswith(tail.lower())]
        return found


@pytest.fixture(scope="session")
def guarded_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    recipe_file = folder / "guarded.yaml"
    text = Path(PRIVATE).read_text().replace("secure_entry: none", "secure_entry: bastion")
    recipe_file.write_text(text.replace("purge_protection: false", "purge_protection: true"))
    with running("--approve", "--clock", "instant") as box:
        box.control("plant", {"scoring_key": SCORING_KEY, "access_token": TOKEN})
        with (
            pytest.MonkeyPatch.context() as patch,
            Application(Choice(attended=True)) as application,
        ):
            built = Guarded(box, application, recipe_file, folder / "home", {})
            built.stand_before(patch)
            replay = ["replay", str(recipe_file), "--target", "sandbox", "--until", "provision"]
            assert main(replay) == 0
            with application.using("sandbox"):
                built.state = box.state
                _endpoint(built)
                built.state = box.state
                patch.undo()
                yield built


def _endpoint(guarded: Guarded) -> None:
    """Create the online endpoint without a deployment: only its address is needed."""
    cloud = guarded.sandbox.cloud()
    steps = {step.id: step for step in steps_for(guarded.recipe)}
    outputs = {
        "sign-in": {"subscription": cloud.arm.subscription},
        "kubernetes-compute": {"id": guarded.id("/computes/aks-inference")},
    }
    ctx = engine.context(engine.Job(guarded.recipe, "", cloud, "sandbox"), outputs, CancelEvent())
    steps["endpoint"].apply(ctx, lambda message, payload=None: None)
    # The workspace's tracking server takes a while to start: listing the models waits for it.
    workspace = guarded.state["resources"][guarded.id("/workspaces/mlw-mlpriv01")]["id"]
    assert cloud.arm.every(f"{workspace}/models", "2025-09-01") == []


@pytest.fixture
def guarded(guarded_once: Guarded, monkeypatch: pytest.MonkeyPatch) -> Guarded:
    """The platform as it was built, whatever earlier tests changed."""
    guarded_once.stand_before(monkeypatch)
    guarded_once.sandbox.control("state", guarded_once.state, "PUT")
    guarded_once.sandbox.clear()
    return guarded_once


# -- changes outside of amlwizard


Change = Callable[[Guarded, Any], None]


def p(resource: Any) -> Any:
    return resource["properties"]


def setting(tail: str, path: str, value: Any) -> Change:
    """Set a property; `path` is dotted, and a number is an index in a list."""

    def change(guarded: Guarded, resources: Any) -> None:
        *parents, last = path.split(".")
        target = p(resources[guarded.id(tail)])
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        target[last] = value

    return change


def gone(tail: str) -> Change:
    return lambda guarded, resources: resources.pop(guarded.id(tail))


def stranger(tail: str) -> Change:
    """Add an approved private endpoint from outside the recipe."""

    def change(guarded: Guarded, resources: Any) -> None:
        p(resources[guarded.id(tail)])["privateEndpointConnections"].append(
            {
                "id": "x",
                "properties": {
                    "privateEndpoint": {"id": "/subscriptions/s/privateEndpoints/pep-elsewhere"},
                    "privateLinkServiceConnectionState": {"status": "Approved"},
                },
            }
        )

    return change


def rule(which: str, **properties: Any) -> Change:
    """Add a rule to a security group."""

    def change(guarded: Guarded, resources: Any) -> None:
        body = {
            "access": "Allow", "direction": "Inbound", "protocol": "Tcp", "priority": 105,
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "22", **properties,
        }  # fmt: skip
        nsg = p(resources[guarded.id(f"/networksecuritygroups/nsg-{PREFIX}-{which}")])
        nsg["securityRules"].append({"name": "Foreign", "properties": body})

    return change


def without_rules(which: str, *parts: str) -> Change:
    def change(guarded: Guarded, resources: Any) -> None:
        nsg = p(resources[guarded.id(f"/networksecuritygroups/nsg-{PREFIX}-{which}")])
        nsg["securityRules"] = [
            r for r in nsg["securityRules"] if not any(part in r["name"] for part in parts)
        ]

    return change


def subnet(name: str, **properties: Any) -> Change:
    def change(guarded: Guarded, resources: Any) -> None:
        vnet = p(resources[guarded.id(f"/virtualnetworks/vnet-{PREFIX}")])
        (found,) = [s for s in vnet["subnets"] if s["name"] == f"snet-{PREFIX}-{name}"]
        p(found).update(properties)
        for key in [key for key, value in properties.items() if value is None]:
            del p(found)[key]

    return change


def address(group: str, name: str, **tags: str) -> Change:
    def change(guarded: Guarded, resources: Any) -> None:
        stem = guarded.id(f"/resourcegroups/{group.lower()}")
        resource_id = f"{stem}/providers/Microsoft.Network/publicIPAddresses/{name}"
        resources[resource_id.lower()] = {
            "id": resource_id, "name": name, "type": "Microsoft.Network/publicIPAddresses",
            "location": "westeurope", "tags": tags, "properties": {"ipAddress": "203.0.113.99"},
        }  # fmt: skip

    return change


def gateway(guarded: Guarded, resources: Any) -> None:
    resource_id = (
        f"{guarded.id(f'/resourcegroups/{GROUP}')}/providers/Microsoft.Network/"
        "virtualNetworkGateways/back-door"
    )
    resources[resource_id.lower()] = {
        "id": resource_id, "name": "back-door", "location": "westeurope",
        "type": "Microsoft.Network/virtualNetworkGateways", "properties": {"ipConfigurations": []},
    }  # fmt: skip


def peering(guarded: Guarded, resources: Any) -> None:
    p(resources[guarded.id(f"/virtualnetworks/vnet-{PREFIX}")])["virtualNetworkPeerings"] = [
        {
            "name": "to-somewhere",
            "properties": {"remoteAddressSpace": {"addressPrefixes": ["192.168.0.0/16"]}},
        }
    ]


def dropped(tail: str, path: str) -> Change:
    """Remove the first item of a list."""

    def change(guarded: Guarded, resources: Any) -> None:
        target = p(resources[guarded.id(tail)])
        for part in path.split("."):
            target = target[int(part)] if isinstance(target, list) else target[part]
        del target[0]

    return change


def let_in(guarded: Guarded, resources: Any) -> None:
    rules = p(resources[guarded.id("/storageaccounts/mlsecurestore2020")])["networkAcls"]
    rules["virtualNetworkRules"].append({"id": "/x/virtualNetworks/other/subnets/theirs"})
