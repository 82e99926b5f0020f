"""The online endpoint, the deployment, and the traffic to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from amlwizard.cloud_port import ReportProgress
from amlwizard.command_line import replaying
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.design.private_endpoints import links
from amlwizard.errors import CloudError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plan import Context, Removal, Resource, Step
from amlwizard.plan.outputs import ROLLOUT, WORKSPACE
from amlwizard.recipe import Recipe
from amlwizard.serving.unfit import recognised
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.new_roles import until_seen
from amlwizard.steps.platform import after_private_link
from amlwizard.steps.private_link import ready_for
from amlwizard.steps.roles import pulls_and_pushes, pulls_and_reads
from amlwizard.steps.rollout import keeping_canary, rollout
from amlwizard.steps.scoring_script import has_script, script_of
from amlwizard.steps.traffic import endpoint_of, share, traffic_of

# How Machine Learning refuses a deployment that is not valid, before anything is built; and the
# detail of the same error where it does not reach the cluster.
REFUSED_AS_SENT, UNREACHED = ("BadRequest", "InferencingClientCallFailed"), "KubernetesUnaccessible"

Withdrawal = Callable[[Context, ReportProgress], None]


def serving(recipe: Recipe) -> list[Step]:
    """The steps for the endpoint with its roles, the deployment, and the traffic."""
    ids, n = Ids(recipe), recipe.names
    in_workspace = f"-g {n.resource_group} -w {n.workspace}"
    endpoint = ids.tracked(
        {"authMode": "Key", "compute": "{kubernetes-compute.id}"},
        identity={"type": "SystemAssigned"},
    )
    traffic = {**endpoint, "properties": {**endpoint["properties"], "traffic": {n.deployment: 100}}}
    roles = [
        replace(step, phase="deploy")
        for step in pulls_and_reads(recipe, "endpoint", n.endpoint, after=("endpoint",))
    ]
    builder = pulls_and_pushes(recipe, "build-compute", n.build_compute, after=())
    puller = pulls_and_reads(recipe, "kubernetes-compute", n.kubernetes_compute, after=())
    needed = [*roles, *puller, *builder]

    def deploy(name: str, model: str) -> Step:
        withdraw = _without_traffic(ids.endpoint, name)
        # A teardown, which knows no rollout, removes it before what it is deployed after.
        step = _deployment(recipe, ids, name, model, withdraw)
        return replace(until_seen(step, needed, withdraw), after=(ROLLOUT.id, *deployed_after))

    deployed_after = (
        "register",
        *(("scoring-code", "scoring-environment") if has_script(recipe) else ()),
        *(step.id for step in needed),
        *_image_sources(recipe),
    )
    return [
        arm_step(
            "endpoint",
            _("Online endpoint"),
            Resource(ids.endpoint, api_versions.MACHINE_LEARNING, endpoint),
            after=("kubernetes-compute", *after_private_link(recipe)),
            outputs={"principal": "identity.principalId", "scoring_uri": "properties.scoringUri"},
            phase="deploy",
            az=(f"az ml online-endpoint create {in_workspace} -n {n.endpoint} -f endpoint.yml",),
        ),
        *roles,
        rollout(recipe, deployed_after, deploy),
        deploy(n.deployment, f"{{{ROLLOUT.id}.model_id}}"),
        arm_step(
            "traffic",
            _("Traffic to the deployment"),
            Resource(ids.endpoint, api_versions.MACHINE_LEARNING, traffic),
            after=("deployment",),
            outputs={"scoring_uri": "properties.scoringUri"},
            phase="deploy",
            az=(
                f"az ml online-endpoint update {in_workspace} -n {n.endpoint} "
                f"--traffic {n.deployment}=100",
            ),
            removal=None,
            suited=keeping_canary(recipe),
        ),
    ]


def _deployment(recipe: Recipe, ids: Ids, name: str, model: str, withdraw: Withdrawal) -> Step:
    """A deployment by its name and the id of its model; `withdraw` takes its traffic away."""
    n, s = recipe.names, recipe.serving
    resources = {"cpu": s.cpu, "memory": s.memory}
    body = ids.tracked(
        {
            "endpointComputeType": "Kubernetes",
            "model": model,
            **_scored_by(recipe),
            "appInsightsEnabled": True,
            "scaleSettings": {"scaleType": "Default"},
            "containerResourceRequirements": {
                "containerResourceRequests": resources,
                "containerResourceLimits": resources,
            },
        },
        sku={"name": "Default", "capacity": s.instances},
    )
    deploy = arm_step(
        "deployment",
        _("Deployment"),
        Resource(f"{ids.endpoint}/deployments/{name}", api_versions.MACHINE_LEARNING, body),
        after=(ROLLOUT.id,),
        phase="deploy",
        az=(
            f"az ml online-deployment create -g {n.resource_group} -w {n.workspace} -e {n.endpoint} -f deployment.yml",
        ),
        removal=Removal(before_delete=withdraw),
        suited=lambda new, found: new if has_script(recipe) else _without_script(ids, new, found),
    )
    deploy = deploy if has_script(recipe) else _with_way_out(deploy)
    return _with_logs(deploy, n.endpoint, name)


def _scored_by(recipe: Recipe) -> Document:
    """Properties of a deployment with a scoring script of its own; empty for a no-code one."""
    if not has_script(recipe):
        return {}
    script = {"codeId": "{scoring-code.id}", "scoringScript": script_of(recipe)[0]}
    return {"codeConfiguration": script, "environmentId": "{scoring-environment.id}"}


def _without_script(ids: Ids, new: MutableDocument, found: Document) -> MutableDocument:
    """A no-code deployment instead of an existing one with our script."""
    code = str(value_at(found, "properties.codeConfiguration.codeId") or "").lower()
    if f"/codes/{ids.names.scoring}/versions/" not in code:
        return new
    gone = {"codeConfiguration": None, "environmentId": None}
    return {**new, "properties": {**new["properties"], **gone}}


def _with_way_out(step: Step) -> Step:
    """`step`, a no-code deployment, with the alternative in the error if the endpoint may want a
    scoring script: Microsoft's documents disagree."""

    def apply(ctx: Context, say: ReportProgress) -> Document:
        try:
            return step.apply(ctx, say)
        except CloudError as error:
            said = f"{error.code} {error.why}"
            if any(code in said for code in REFUSED_AS_SENT) and UNREACHED not in said:
                error.fix = _(
                    "If the endpoint takes no MLflow model without a scoring script, bring one: "
                    "`{command}`.",
                    command=replaying(
                        ctx.name, ctx.cloud.profile.name, "--set", "serving.scoring=script"
                    ),
                )
            raise

    return replace(step, apply=apply)


def _without_traffic(endpoint: str, deployment: str) -> Withdrawal:
    """Set the deployment's traffic to zero: Azure does not delete a deployment that has traffic."""

    def withdraw(ctx: Context, say: ReportProgress) -> None:
        found = endpoint_of(ctx, endpoint)
        traffic = traffic_of(found)
        if found and traffic.pop(deployment, 0):
            say(_("withdrawing its traffic"))
            share(ctx, found, traffic if sum(traffic.values()) == 100 else {}, say)

    return withdraw


def _image_sources(recipe: Recipe) -> tuple[str, ...]:
    """Ids of the steps that make registry and blobs reachable for the image build and the pull."""
    reached = (link for link in links(recipe) if link.name in ("registry", "storage-blob"))
    return tuple(step for link in reached for step in ready_for(recipe, link))


def _with_logs(step: Step, endpoint: str, deployment: str) -> Step:
    """`step`, with the container's log added to its errors, which say little by themselves, and what is
    known of it."""

    def apply(ctx: Context, say: ReportProgress) -> Document:
        try:
            return step.apply(ctx, say)
        except CloudError as error:
            ml = ctx.cloud.ml(ctx.outputs[WORKSPACE].id)
            wrote = ml.last_exception(endpoint, deployment)
            if wrote:
                told = _("The container wrote: {wrote}", wrote=wrote)
                cause, fix = recognised(wrote) or ("", error.fix)
                error.why = "\n".join(filter(None, (error.why, cause, told)))
                error.fix = fix
            raise

    return replace(step, apply=apply)
