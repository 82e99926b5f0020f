"""Rollout: a new version of the model is deployed beside the one that serves and is sent the
recipe's request before it gets any traffic. If it does not answer as expected, the old version
keeps serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.errors import ExpectationError, StepError
from amlwizard.json_path import value_at
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plan import Context, Found, Step
from amlwizard.plan.outputs import REGISTER, ROLLOUT, RolloutOutput
from amlwizard.recipe import Recipe
from amlwizard.steps.arm_step import Suited
from amlwizard.steps.scoring import asked_as_expected
from amlwizard.steps.traffic import endpoint_of, share, traffic_of

NEXT = "-next"

Deploy = Callable[[str, str], Step]
"""The step for a deployment, by its name and the id of its model."""


def rollout(recipe: Recipe, after: tuple[str, ...], deploy: Deploy) -> Step:
    """The step that decides which version the recipe's deployment serves, after it has tried the
    registered one beside an older one."""
    n, work = recipe.names, _Rollout(recipe, deploy)
    there = f"-g {n.resource_group} -w {n.workspace} -e {n.endpoint}"
    return Step(
        ROLLOUT.id, _("Rollout of a new version"), "deploy", after, work.read, work.apply, runs=True,
        az=(
            f"az ml online-deployment create {there} -n {work.candidate} -f deployment.yml",
            f"az ml online-endpoint invoke -g {n.resource_group} -w {n.workspace} -n {n.endpoint} "
            f"--deployment-name {work.candidate} --request-file request.json",
        ),
    )  # fmt: skip


def keeping_canary(recipe: Recipe) -> Suited:
    """Adapts the traffic of an endpoint to what the rollout has set."""
    canary = recipe.serving.canary

    def suited(new: MutableDocument, found: Document) -> MutableDocument:
        traffic = traffic_of(found)
        if canary and traffic.get(recipe.names.deployment + NEXT) == canary:
            return {**new, "properties": {**new["properties"], "traffic": traffic}}
        return new

    return suited


@dataclass
class _Rollout:
    """`candidate` is the name of the deployment that a new version is tried in."""

    recipe: Recipe
    deploy: Deploy

    def __post_init__(self) -> None:
        self.main, self.endpoint = self.recipe.names.deployment, Ids(self.recipe).endpoint
        self.candidate = self.main + NEXT

    def read(self, ctx: Context) -> Found | None:
        """Ready where the version serves already, or has its share as a canary."""
        new = ctx.outputs[REGISTER].model_id
        serving, beside = self._found(ctx, self.main), self._found(ctx, self.candidate)
        if serving is None:
            return None
        if not _serves_another(serving, new):
            return None if beside else Found("ready", RolloutOutput(new).to_json())
        canary = self.recipe.serving.canary
        stands = beside and not _serves_another(beside, new)
        if (
            canary
            and stands
            and traffic_of(endpoint_of(ctx, self.endpoint)).get(self.candidate) == canary
        ):
            return Found("ready", RolloutOutput(_model(serving), self.candidate).to_json())
        return None

    def apply(self, ctx: Context, say: ReportProgress) -> Document:
        new = ctx.outputs[REGISTER].model_id
        serving = self._found(ctx, self.main)
        if not _serves_another(serving, new):
            self._withdraw(ctx, say)
            return RolloutOutput(new).to_json()
        say(_("deploying the new version beside the one that serves"))
        self.deploy(self.candidate, new).apply(ctx, say)
        self._try(ctx, say)
        canary = self.recipe.serving.canary
        if canary:
            self._share(ctx, {self.main: 100 - canary, self.candidate: canary}, say)
            return RolloutOutput(_model(serving), self.candidate).to_json()
        self._withdraw(ctx, say)
        return RolloutOutput(new).to_json()

    def _try(self, ctx: Context, say: ReportProgress) -> None:
        try:
            asked_as_expected(ctx, self.recipe, say, self.candidate)
        except (StepError, ExpectationError) as error:
            self._withdraw(ctx, say)
            before = _("The version that served before serves on; the new one is registered.")
            error.why = "\n".join(filter(None, (error.why, before)))
            raise

    def _withdraw(self, ctx: Context, say: ReportProgress) -> None:
        """Give all requests to the recipe's own deployment, and delete the one beside it."""
        if self._found(ctx, self.candidate) is None:
            return
        if traffic_of(endpoint_of(ctx, self.endpoint)).get(self.candidate):
            self._share(ctx, {self.main: 100}, say)
        say(_("deleting the deployment {name}", name=self.candidate))
        address = f"{ctx.resolve(self.endpoint)}/deployments/{self.candidate}"
        ctx.cloud.arm.delete(address, api_versions.MACHINE_LEARNING, say, ctx.cancel)

    def _share(self, ctx: Context, traffic: Mapping[str, int], say: ReportProgress) -> None:
        shares = ", ".join(f"{name} {part}%" for name, part in traffic.items())
        say(_("traffic: {shares}", shares=shares))
        found = endpoint_of(ctx, self.endpoint)
        assert found, "its deployments are there"
        share(ctx, found, traffic, say)

    def _found(self, ctx: Context, deployment: str) -> Document | None:
        address = f"{ctx.resolve(self.endpoint)}/deployments/{deployment}"
        return ctx.cloud.arm.get(address, api_versions.MACHINE_LEARNING)


def _serves_another(deployment: Document | None, model: str) -> bool:
    """Whether a deployment is there, has not failed, and serves another model."""
    if value_at(deployment, "properties.provisioningState") in (None, "Failed"):
        return False
    return _model(deployment).lower() != model.lower()


def _model(deployment: Document | None) -> str:
    return str(value_at(deployment, "properties.model") or "")
