"""Exports: parsed by independent tools, deployed, and compared with the plan."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest
from pycep import BicepParser
from support import RECIPES, Json, Ran, Sandbox, amlwizard, existing, recipe_of, running
from support.deployments import ArmTemplate, BicepTemplate, Deployment

from amlwizard import engine
from amlwizard.errors import InvalidInputError
from amlwizard.export import FORMATS
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for
from amlwizard.steps.foundation import PROVIDERS

pytestmark = pytest.mark.xdist_group("export")

SHIPPED = ("quickstart", "article", "private")
TLS = {
    "serving__tls_certificate": "/safe/it's here/cert.pem",
    "serving__tls_key": "~/keys/$HOME/key.pem",
    "serving__tls_name": "score.example.org",
}
PEM = base64.b64encode(b"-----BEGIN PEM-----").decode()
# What no export builds: it needs a trained model.
WORK = {
    "sign-in", "databricks-cluster", "cluster-libraries", "train", "check-training", "fit-to-serve", "register",
    "rollout", "deployment", "traffic", "score", "verify",
}  # fmt: skip


def quiet(*_: Any, **__: Any) -> None: ...


def kept(sandbox: Sandbox, recipe: Recipe) -> None:
    """A plan finds all that an export builds as it should be."""
    built = [step for step in steps_for(recipe) if step.id not in WORK - {"sign-in"}]
    job = engine.Job(recipe, "", sandbox.cloud(), "sandbox")
    plan = engine.survey(built, job, quiet)
    wrong = {step.id: step.differences for step in plan.steps if step.action != "keep"}
    assert set(wrong) == {"sign-in", "preflight"}, wrong
    assert sandbox.unknown == []


# -- templates


@pytest.fixture(scope="module")
def registered() -> Iterator[tuple[Sandbox, Json]]:
    with running("--approve", "--clock", "instant") as sandbox:
        sandbox.cloud().arm.register(PROVIDERS, quiet, CancelEvent())
        yield sandbox, sandbox.state


@pytest.fixture
def empty(registered: tuple[Sandbox, Json]) -> Sandbox:
    """A cloud in which nothing is but the providers."""
    sandbox, state = registered
    sandbox.control("state", state, "PUT")
    return sandbox


@pytest.mark.parametrize(
    ("name", "to", "changes"),
    [
        ("quickstart", "arm-json", {}),
        ("article", "arm-json", {"security__secure_entry": "vpn-gateway"}),
        ("private", "bicep", {"security__secure_entry": "bastion"}),
        ("article", "bicep", TLS),
    ],
    ids=["json", "json-article-vpn", "bicep-private-bastion", "bicep-article-tls"],
)
def test_a_template_deploys_to_what_a_plan_keeps(
    empty: Sandbox, name: str, to: str, changes: dict[str, str]
) -> None:
    sandbox, recipe = empty, recipe_of(name, **changes)
    arm = sandbox.cloud().arm

    def put(resource_id: str, version: str, body: dict[str, Any]) -> dict[str, Any]:
        arm.send("PUT", resource_id, version, body)
        return dict(existing(arm.get(resource_id, version)))

    group = recipe.names.resource_group
    on = Deployment(
        arm.subscription, sandbox.description["tenant"], group, put,
        {"tlsCertificate": PEM, "tlsKey": PEM} if changes is TLS else {},
    )  # fmt: skip
    tags = {"amlwizard": recipe.names.prefix}
    put(on.prefix, "2025-04-01", {"location": recipe.sign_in.region, "tags": tags})
    languages: dict[str, type[ArmTemplate | BicepTemplate]] = {
        "arm-json": ArmTemplate, "bicep": BicepTemplate,
    }  # fmt: skip
    on.make(languages[to](FORMATS[to](recipe), on).resources())
    kept(sandbox, recipe)


@pytest.mark.parametrize("name", SHIPPED)
def test_both_languages_say_the_same(name: str) -> None:
    recipe = recipe_of(name)

    def deployed(language: Any, to: str) -> dict[str, Any]:
        bodies: dict[str, Any] = {}

        def put(resource_id: str, version: str, body: dict[str, Any]) -> dict[str, Any]:
            bodies[resource_id] = version, body
            given = {"principalId": "p", "scoringUri": "u"}
            return {"id": resource_id, "properties": given, "identity": given}

        on = Deployment("s", "t", recipe.names.resource_group, put)
        on.make(language(FORMATS[to](recipe), on).resources())
        return bodies

    json_bodies = deployed(ArmTemplate, "arm-json")
    assert json_bodies == deployed(BicepTemplate, "bicep")
    wanted = {
        step.id
        for step in steps_for(recipe)
        if step.resource and step.id not in WORK | {"resource-group"}
    }
    assert len(json_bodies) == len(wanted)


# -- the script


@pytest.mark.parametrize("name", SHIPPED)
def test_the_script_is_bash(name: str) -> None:
    text = FORMATS["az"](recipe_of(name))
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "set -euo pipefail" in text and text.startswith("#!/usr/bin/env bash\n")
    commands = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in commands if re.search(r"<[a-z.-]+>|\{[a-z.-]+\}", line)]


def test_values_of_a_recipe_never_run(tmp_path: Path) -> None:
    """A path is a word of the script, whatever is in it."""
    trap = tmp_path / "sprung"
    recipe = recipe_of(
        "quickstart",
        **{**TLS, "serving__tls_key": f'/x/$(touch {trap})/`touch {trap}`/"; touch {trap} #'},
    )
    heads = FORMATS["az"](recipe).split("\nput() {")[0].replace("az account", "echo")
    done = subprocess.run(
        ["bash", "-c", heads + '\necho "$TLS_KEY|$TLS_CERTIFICATE"'],
        text=True, capture_output=True, env={"PATH": os.environ["PATH"], "HOME": "/home/me"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not trap.exists()
    assert done.stdout.splitlines()[-1].startswith(f"/x/$(touch {trap})/`touch {trap}`")
    assert "/safe/it's here/cert.pem" in done.stdout


AZ = os.environ.get("AMLWIZARD_AZ") or shutil.which("az")


@pytest.mark.az
@pytest.mark.skipif(
    AZ is None, reason="azure-cli is not here: put az on PATH, or name it in AMLWIZARD_AZ"
)
@pytest.mark.parametrize("recipe", ["quickstart", "article", "private"])
def test_the_script_runs_under_the_real_cli(recipe: str, tmp_path: Path) -> None:
    assert AZ
    script = tmp_path / "build.sh"
    file = str(RECIPES / f"{recipe}.yaml")
    assert amlwizard("export", file, "--to", "az", "-o", str(script)).code == 0
    with running("--approve", "--clock", "instant") as sandbox:
        given = sandbox.description
        environment = {
            **os.environ,
            "PATH": f"{Path(AZ).parent}{os.pathsep}{os.environ['PATH']}",
            "AZURE_CONFIG_DIR": str(tmp_path / "az"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "REQUESTS_CA_BUNDLE": given["ca"],
            "PAUSE": "0.2",
        }
        environment.pop("PYTHONPATH", None)

        def run(*command: str) -> None:
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-3000:]

        run(AZ, "cloud", "register", "-n", "sandbox", "--endpoint-resource-manager", given["arm"])
        run(AZ, "cloud", "set", "-n", "sandbox")
        run(AZ, "login", "--use-device-code", "--tenant", given["tenant"])
        run(str(script))
        kept(sandbox, recipe_of(recipe))


# -- what is in none of them


@pytest.mark.parametrize("to", FORMATS)
def test_tls_files_are_named_and_never_read(to: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("canary-of-a-key")
    recipe = recipe_of("quickstart", **{**TLS, "serving__tls_key": str(tmp_path / "key.pem")})
    text = FORMATS[to](recipe)
    assert "canary" not in text and str(tmp_path / "key.pem") in text
    if to == "bicep":
        parameters = BicepParser().parse(text=text)["parameters"]
        assert {"type": "secure"} in parameters["tlsKey"]["decorators"]
        assert parameters["tlsKey"]["default"] is None
    if to == "arm-json":
        parameters = json.loads(text)["parameters"]
        assert parameters["tlsKey"]["type"] == "securestring"
        assert "defaultValue" not in parameters["tlsKey"]


# -- the command

QUICKSTART = str(RECIPES / "quickstart.yaml")


@pytest.mark.parametrize("to", FORMATS)
def test_the_command_prints_or_writes(command: Callable[..., Ran], to: str, tmp_path: Path) -> None:
    printed = command("export", QUICKSTART, "--to", to)
    assert printed.code == 0 and printed.out == FORMATS[to](recipe_of("quickstart"))
    path = tmp_path / "out"
    assert command("export", QUICKSTART, "--to", to, "-o", str(path)).code == 0
    assert path.read_text() == printed.out
    assert bool(path.stat().st_mode & 0o100) == (to == "az")


def test_what_cannot_be_exported_is_exit_2(command: Callable[..., Ran], tmp_path: Path) -> None:
    assert command("export", QUICKSTART, "--to", "az", "-o", str(tmp_path)).code == 2
    bad = tmp_path / "bad.yaml"
    bad.write_text("names: {prefix: x}\n")
    ran = command("export", str(bad), "--to", "bicep")
    assert ran.code == 2 and "names.prefix" in ran.err and ran.out == ""


def test_what_is_left_to_do_is_said() -> None:
    for to in FORMATS:
        text = FORMATS[to](recipe_of("quickstart"))
        for title in ("Training run", "Registered model", "Deployment", "Scoring request"):
            assert title in text, (to, title)


@pytest.mark.parametrize("to", FORMATS)
def test_no_export_says_where_it_was_made(
    command: Callable[..., Ran], to: str, tmp_path: Path
) -> None:
    """Wherever the recipe lies, and whoever exports it, the text is the same."""
    elsewhere = tmp_path / "canary" / "mine.yaml"
    elsewhere.parent.mkdir()
    shutil.copy(QUICKSTART, elsewhere)
    around = {name: str(tmp_path / "canary") for name in ("HOME", "AMLWIZARD_HOME")}
    ran = command("export", str(elsewhere), "--to", to, **around)
    assert ran.code == 0 and ran.out == FORMATS[to](recipe_of("quickstart"))
    assert "canary" not in ran.out


def test_reserved_subnets_are_never_taken_away() -> None:
    """A template says all subnets of a VNET; making a VNET anew would empty it."""
    recipe = recipe_of(
        "quickstart", addresses__reserved="[{name: snet-ingress, range: 10.100.5.0/24}]"
    )
    for to in ("bicep", "arm-json"):
        with pytest.raises(InvalidInputError, match="reserved subnets"):
            FORMATS[to](recipe)
    script = FORMATS["az"](recipe)
    assert "network vnet create" not in script and "network vnet subnet create" in script


def test_the_surge_of_upgrades_is_exported() -> None:
    recipe = recipe_of("quickstart", serving__max_surge="33%", serving__max_nodes="6")
    for to in FORMATS:
        text = FORMATS[to](recipe)
        assert "maxSurge" in text and "33%" in text and "maxCount" in text
