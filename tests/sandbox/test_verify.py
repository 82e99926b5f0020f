"""`verify` as a command and as the last step of a run: its requests, its output, its limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import RECIPES, Json, Ran, existing, recipe_of
from support.faults import FAULTS
from support.guarded import PREFIX, SCORING_KEY, TOKEN, WORKSPACE, Guarded, p

from amlwizard import engine
from amlwizard.cli import main
from amlwizard.plan import PHASES, in_order, until
from amlwizard.posture import Posture, promised
from amlwizard.steps import steps_for
from amlwizard.steps.verify import verify

pytestmark = pytest.mark.xdist_group("verify")


@pytest.fixture
def command(guarded: Guarded, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*options: str, recipe: str | Path = guarded.recipe_file) -> Ran:
        capsys.readouterr()
        code = main(["verify", str(recipe), "--target", "sandbox", "--approve", *options])
        return Ran(code, *capsys.readouterr())

    return run


# -- all is well


def test_a_platform_as_promised_exits_0(
    command: Callable[..., Ran], guarded: Guarded, tmp_path: Path
) -> None:
    html = tmp_path / "posture.html"
    ran = command("--json", "--html", str(html))
    assert ran.code == 0, ran.out
    posture = Posture.from_json(json.loads(ran.out))
    assert posture.kept and posture.recipe == PREFIX and posture.target == "sandbox"
    assert len(posture.lines) == len({line.id for line in posture.lines}) == 29
    sources = {piece.source for line in posture.lines for piece in line.evidence}
    assert sources == {"ARM", "outside", "inside"}
    page = html.read_text()
    assert "29 of 29 promises kept" in page and page.count("<svg") == 2
    for text in (page, ran.out, ran.err):
        assert SCORING_KEY not in text and TOKEN not in text
    assert guarded.sandbox.unknown == []


def test_verify_asks_from_outside_and_inside(guarded: Guarded) -> None:
    """A sleeping cluster is woken for that."""
    state = guarded.sandbox.state
    sleeping(state)
    guarded.sandbox.control("state", state, "PUT")
    posture = guarded.judged()
    assert posture.kept
    (workspace,) = guarded.sandbox.state["databricks"].values()
    assert {c["state"] for c in workspace["clusters"].values()} == {"RUNNING"}
    lines = {line.id: line for line in posture.lines}
    assert lines.keys() == {line.id for line in promised(guarded.recipe)}

    def seen(line: str, source: str) -> dict[str, str]:
        return {p.what: p.seen for p in lines[line].evidence if p.source == source}

    assert seen("workspace.closed", "outside") == {
        "request with a valid token": "HTTP 403 UserError"
    }
    assert seen("endpoint.workspace", "inside")["tracking request"] == "HTTP 200"
    blob = "stmlpriv01.blob.core.windows.net"
    inside, outside = (
        seen("endpoint.storage-blob", "inside")[blob],
        seen("names.outside", "outside"),
    )
    assert inside.startswith("10.100.100.") and outside[blob].startswith("198.51.100.")
    assert (
        seen("endpoint.storage-blob", "inside")["request"] == "HTTP 401 NoAuthenticationInformation"
    )
    assert seen("scoring.internal", "outside")["request"] == "no answer (ConnectError)"
    api = seen("aks.api", "inside")
    assert all(address.startswith("10.100.120.") for address in api.values()) and api


def test_the_table_says_it_all(command: Callable[..., Ran]) -> None:
    ran = command("-v")
    assert ran.code == 0
    for text in ("workspace.closed", "endpoint.key-vault", "nsg.bastion", "29 of 29 promises kept"):
        assert text in ran.out
    assert "Security posture check: done in" in ran.err


def test_an_open_workspace_exits_1_and_says_how_to_close_it(
    command: Callable[..., Ran], guarded: Guarded, tmp_path: Path
) -> None:
    """Done by another client, through Azure Resource Manager."""
    arm = guarded.sandbox.cloud().arm
    workspace = guarded.state["resources"][guarded.id(WORKSPACE)]["id"]
    body = existing(arm.get(workspace, "2025-09-01"))
    body["properties"]["publicNetworkAccess"] = "Enabled"
    arm.put(workspace, "2025-09-01", body, lambda *_, **__: None, CancelEvent())
    html = tmp_path / "broken.html"
    ran = command("--html", str(html))
    assert ran.code == 1
    assert "1 not kept" in ran.out and "outside: request with a valid token" in ran.out
    assert "seen HTTP 200" in ran.out.replace("\n", " ")
    assert "--public-network-access Disabled" in ran.out
    assert "1 not kept" in html.read_text()


# -- what cannot be seen


def test_what_cannot_be_read_is_no_kept_promise(
    command: Callable[..., Ran], guarded: Guarded
) -> None:
    guarded.sandbox.fault("GET .*/vaults/kv-mlpriv01", status=403, code="AuthorizationFailed")
    ran = command("--json")
    posture = Posture.from_json(json.loads(ran.out))
    assert ran.code == 1 and not posture.of("broken")
    unknown = {line.id: line.seen for line in posture.of("unknown")}
    assert set(unknown) == {"key-vault.closed", "key-vault.roles", "key-vault.deletion"}
    assert all("AuthorizationFailed" in seen for seen in unknown.values())


@pytest.mark.parametrize("fault", [FAULTS["503"], FAULTS["lost"], FAULTS["unreadable"]])
def test_names_that_no_resolver_tells_are_no_broken_promise(
    command: Callable[..., Ran], guarded: Guarded, fault: Json
) -> None:
    guarded.sandbox.fault("GET /dns-query", **fault)
    try:
        ran = command("--json", "--skip", "inside")
    finally:
        guarded.sandbox.clear()
    posture = Posture.from_json(json.loads(ran.out))
    assert ran.code == 1 and not posture.of("broken"), ran.err
    assert {line.id for line in posture.of("unknown")} >= {"names.outside"}
    assert "foresee" not in ran.err and "Traceback" not in ran.err


def test_a_side_may_be_left_out(command: Callable[..., Ran], guarded: Guarded) -> None:
    before = len(guarded.sandbox.calls)
    ran = command("--json", "--skip", "inside", "--skip", "outside")
    posture = Posture.from_json(json.loads(ran.out))
    assert ran.code == 0 and posture.kept
    assert {piece.source for line in posture.lines for piece in line.evidence} == {"ARM"}
    assert "names.outside" not in {line.id for line in posture.lines}
    calls = guarded.sandbox.calls[before:]
    assert not [call for call in calls if "dns-query" in call or "contexts" in call]


def sleeping(state: Json) -> None:
    for workspace in state["databricks"].values():
        for cluster in workspace["clusters"].values():
            cluster["state"] = "TERMINATED"


def test_a_run_lets_the_cluster_sleep(guarded: Guarded) -> None:
    """A replay that changes nothing must not cost a cluster; it says what it did not look at."""
    state = guarded.sandbox.state
    sleeping(state)
    guarded.sandbox.control("state", state, "PUT")
    events: list[Any] = []
    journey = [s for s in steps_for(guarded.recipe) if s.id != "verify"]
    step = verify(guarded.recipe, journey)
    sign_in = journey[0]
    job = engine.Job(guarded.recipe, "", guarded.sandbox.cloud(), "sandbox")
    assert engine.run([sign_in, replace(step, after=("sign-in",))], job, events.append) == 0
    (said,) = [e for e in events if e.kind == "step-progress" and "posture" in e.data]
    posture = Posture.from_json(said.data["posture"])
    assert {line.id.partition(".")[0] for line in posture.of("unknown")} == {"endpoint", "aks"}
    assert "amlwizard verify" in posture.of("unknown")[0].seen
    final = next(e for e in events if e.kind == "step-finished" and e.step == "verify")
    assert final.outcome == "done" and len(final.outputs["without_evidence"]) == 6


def test_a_machine_in_the_vnet_is_no_witness_of_the_outside(guarded: Guarded) -> None:
    held = {}
    for resource in guarded.state["resources"].values():
        for config in p(resource).get("customDnsConfigs") or []:
            held[config["fqdn"]] = config["ipAddresses"]
    guarded.sandbox.change(public_dns=held)
    guarded.change(lambda r: p(r[guarded.id(WORKSPACE)]).update(publicNetworkAccess="Enabled"))
    posture = guarded.judged()
    assert [line.id for line in posture.of("broken")] == ["workspace.closed"]
    assert [line.id for line in posture.of("unknown")] == ["names.outside", "scoring.internal"]
    assert "inside the VNET" in posture.of("unknown")[0].seen


def test_a_platform_that_is_not_there_is_a_clear_error(command: Callable[..., Ran]) -> None:
    ran = command(recipe=RECIPES / "quickstart.yaml")
    assert ran.code == 1
    assert "rg-mlquick01 holds no finished platform" in ran.err and "Replay the recipe" in ran.err
    assert "Traceback" not in ran.err and ran.out == ""
    assert "quickstart.yaml on sandbox" in ran.err


def test_bad_input_is_refused_before_any_cloud(command: Callable[..., Ran], tmp_path: Path) -> None:
    assert command(recipe=tmp_path / "no.yaml").code == 2
    ran = command("--html", str(tmp_path))
    assert ran.code == 2 and "is a folder" in ran.err


# -- a phase of every run


@pytest.mark.parametrize("name", ["quickstart", "article", "private"])
def test_verify_ends_the_journey(name: str) -> None:
    recipe = recipe_of(name, security__secure_entry="vpn-gateway")
    steps = steps_for(recipe)
    last = in_order(steps)[-1]
    assert last.id == "verify" and last.phase == PHASES[-1]
    before: set[str] = set()
    by_id = {step.id: step for step in steps}
    waiting = [last.id]
    while waiting:
        step = by_id[waiting.pop()]
        before |= {step.id}
        waiting += [name for name in step.after if name not in before]
    assert set(by_id) - before == {"score"}
    assert "verify" not in {step.id for step in until(steps, "score")}
