"""Roles that image builds and deployments need; new role assignments take effect late."""

from __future__ import annotations

from dataclasses import replace
from threading import Event as CancelEvent
from typing import Any

import pytest
from support import PATIENCE, Json, recipe_of
from support.platforms import Platform

from amlwizard import engine
from amlwizard.cloud.arm import Arm
from amlwizard.errors import CloudError
from amlwizard.json_types import Document
from amlwizard.plan import Context

pytestmark = pytest.mark.xdist_group("refusals")

DEPLOYMENT = "/onlineEndpoints/mlquick01-diabetes/deployments/"
MODEL = "azureml://locations/westeurope/workspaces/w/models/nobodys/versions/1"


def quiet(*_: Any, **__: Any) -> None: ...


@pytest.fixture
def ctx(platform: Platform) -> Context:
    """All that stands before a deployment; the model is nobody's, which is found out last."""
    outputs: dict[str, Document] = {**platform.outputs, "rollout": {"model_id": MODEL}}
    job = engine.Job(recipe_of("quickstart"), "", platform.cloud, "sandbox")

    def made(step: str) -> None:
        outputs[step] = platform.steps[step].apply(
            engine.context(job, outputs, CancelEvent()), quiet
        )

    for step in ("endpoint", "endpoint-acr-pull", "endpoint-blob-reader"):
        made(step)
    return engine.context(job, outputs, CancelEvent())


def deploy(platform: Platform, ctx: Context) -> CloudError:
    """What the step ends with: at the best, that there is no such model."""
    with pytest.raises(CloudError) as error:
        platform.steps["deployment"].apply(ctx, quiet)
    return error.value


def calls(platform: Platform, since: int, method: str) -> list[str]:
    found = platform.sandbox.calls[since:]
    return [
        c for c in found if c.startswith(f"{method} ") and "/deployments/" in c and "Logs" not in c
    ]


def test_what_is_new_is_seen_late_and_leaves_a_failed_deployment(
    platform: Platform, ctx: Context
) -> None:
    platform.sandbox.change(limits={"role_looks": 2})
    resource = platform.steps["deployment"].resource
    assert resource
    address, version = ctx.resolve(resource.id), resource.api_version
    why = []
    for _ in range(8):
        with pytest.raises(CloudError) as error:
            platform.cloud.arm.put(
                address, version, ctx.resolve(resource.body), quiet, CancelEvent()
            )
        left = platform.cloud.arm.get(address, version)
        assert left and left["properties"]["provisioningState"] == "Failed"
        why.append((error.value.code, error.value.why))
    assert why[0][0] == "ImageBuildFailure" and why[-1][0] == "ResourceNotFound"
    unseen = [text for code, text in why if code == ""]  # Machine Learning gives no code
    assert "ACRTokenExchangeForbidden" in unseen[0]
    assert "AuthorizationPermissionMismatch" in unseen[-1]


def test_a_deployment_is_tried_again_until_its_roles_are_seen(
    platform: Platform, ctx: Context
) -> None:
    platform.sandbox.change(limits={"role_looks": 2})
    since = len(platform.sandbox.calls)
    assert deploy(platform, ctx).code == "ResourceNotFound"
    tries = calls(platform, since, "PUT")
    assert len(tries) > 2
    assert len(calls(platform, since, "DELETE")) == len(tries) - 1


def test_what_failed_in_the_last_run_goes_before_the_next(platform: Platform, ctx: Context) -> None:
    deploy(platform, ctx)
    since = len(platform.sandbox.calls)
    deploy(platform, ctx)
    assert len(calls(platform, since, "DELETE")) == len(calls(platform, since, "PUT")) == 1


def test_nobody_waits_for_a_role_that_is_not_there(platform: Platform, ctx: Context) -> None:
    assignment = ctx.outputs.by_step["endpoint-acr-pull"]["id"]
    platform.cloud.arm.delete(assignment, "2022-04-01", quiet, CancelEvent())
    since = len(platform.sandbox.calls)
    error = deploy(platform, ctx)
    assert "ACRTokenExchangeForbidden" in error.why and "roles" in error.fix
    assert len(calls(platform, since, "PUT")) == 1


@pytest.mark.parametrize(
    ("method", "status", "code"),
    [
        ("PUT", 403, "AuthorizationFailed"),  # rights that the preflight has seen
        ("PUT", 404, "ResourceNotFound"),  # what another service has just made
        ("GET", 404, "ResourceNotFound"),  # what was just written
    ],
)
def test_a_write_waits_until_others_see_what_it_rests_on(
    platform: Platform, method: str, status: int, code: str
) -> None:
    resource_id, version, body = platform.document("vnet")
    call = f"{method} .*/virtualNetworks/[^/]*"
    before = platform.sandbox.received(call)
    platform.sandbox.fault(call, status=status, code=code, times=2)
    signed_in = platform.cloud.arm
    patient = replace(signed_in.profile, lag=PATIENCE)
    arm = Arm(patient, signed_in.credential, signed_in.subscription)
    arm.put(resource_id, version, body, quiet, CancelEvent())
    assert platform.sandbox.received(call) >= before + 3


@pytest.mark.parametrize(("role", "says"), [("push", "pushing to"), ("pull", "pulling from")])
def test_an_image_build_needs_to_pull_and_to_push(
    platform: Platform, ctx: Context, role: str, says: str
) -> None:
    for step in ("build-compute-acr-push", *(["build-compute-acr-pull"] if role == "pull" else [])):
        platform.cloud.arm.delete(
            ctx.outputs.by_step[step]["id"], "2022-04-01", quiet, CancelEvent()
        )
    error = deploy(platform, ctx)
    assert error.code == "ImageBuildFailure" and says in error.why


def test_the_admin_user_of_a_registry_may_do_both(platform: Platform, ctx: Context) -> None:
    def without_roles(state: Json) -> None:
        for key in [k for k in state["resources"] if "/registries/" in k and "assignments/" in k]:
            if state["resources"][key]["properties"]["principalId"] == builder(state):
                del state["resources"][key]
        for key, found in state["resources"].items():
            if found["type"].endswith("/registries"):
                assert "/registries/" in key
                found["properties"]["adminUserEnabled"] = True

    def builder(state: Json) -> str:
        found = next(v for k, v in state["resources"].items() if k.endswith("/image-build"))
        return str(found["identity"]["principalId"])

    state = platform.sandbox.state
    without_roles(state)
    platform.sandbox.control("state", state, "PUT")
    assert deploy(platform, ctx).code == "ResourceNotFound"
