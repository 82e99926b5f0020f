"""The input of every check as plain values: planned resources, and facts about the cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from amlwizard.cloud.facts import CloudFacts, Planned, Questions, Unread
from amlwizard.cloud.preflight_reads import gather
from amlwizard.cloud_port import PackageRelease
from amlwizard.command_line import RECIPE, command_line, replaying
from amlwizard.design.access_modes import DEDICATED, STANDARD, access_mode
from amlwizard.design.subnets import SUBNETS
from amlwizard.errors import CloudError
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.notebook.access import lacking, login_of
from amlwizard.plan import Context, Found, Kept, Step, type_of
from amlwizard.plan.outputs import (
    CLUSTER,
    SIGN_IN,
    DatabricksOutput,
    Outputs,
    SignedIn,
    UnresolvedPlaceholderError,
)
from amlwizard.plan.placeholders import resolve_known
from amlwizard.preflight.implied import implied
from amlwizard.recipe import Recipe
from amlwizard.run_control import Workers

WORKERS = 12
LINKS = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
UNIQUE = {
    "storage": "Microsoft.Storage/storageAccounts",
    "key-vault": "Microsoft.KeyVault/vaults",
    "registry": "Microsoft.ContainerRegistry/registries",
}
RUNNING = ("RUNNING", "PENDING", "RESTARTING", "RESIZING")


@dataclass(frozen=True)
class Situation:
    """`new` are planned resources that do not exist, `changed` those that exist and differ or
    failed; `ids` maps step ids to ARM ids of planned resources. `cluster_runs`: the Databricks
    cluster has its nodes already. `secrets_missing`: secrets of the notebook's service principal
    that are missing and cannot be provided, None if not known yet. `kept` holds the immutable
    properties that differ, by step. `runtimes` and `node_types` are what Databricks offers, empty
    without a workspace. `access_mode` is that of the cluster, unless it will be changed. `releases`
    are the requirements of the notebook that the package index answered for.
    """

    recipe: Recipe
    name: str
    target: str
    account: str
    subscription: str
    new: Sequence[Planned]
    changed: Sequence[Planned]
    ids: Mapping[str, str]
    facts: CloudFacts
    cluster_runs: bool = False
    secrets_missing: Sequence[str] | None = ()
    kept: Mapping[str, Sequence[Kept]] = field(default_factory=dict)
    runtimes: Sequence[str] = ()
    node_types: Sequence[str] = ()
    access_mode: str = ""
    releases: Sequence[PackageRelease] = ()

    @property
    def region(self) -> str:
        return str(self.recipe.sign_in.region)

    @property
    def region_known(self) -> bool:
        """Whether the region exists; if not, nothing in it can be queried. True if the list of
        regions could not be read."""
        return not self.facts.locations or self.region in self.facts.locations

    @property
    def starts_cluster(self) -> bool:
        """Whether Databricks nodes are still to be started: to train for a deployment that does not
        exist yet, or to score from inside the VNET."""
        scores = self.recipe.serving.load_balancer == "internal"
        return not self.cluster_runs and (scores or self.is_new("deployment"))

    @property
    def machine_of_training(self) -> str | None:
        """The size of the Databricks nodes; None where they come from a pool, which has its own."""
        training = self.recipe.training
        return None if training.instance_pool else training.node_type

    @property
    def pending(self) -> list[Planned]:
        return [*self.new, *self.changed]

    def is_new(self, step: str) -> bool:
        return any(planned.step == step for planned in self.new)

    def has(self, subnet: str) -> bool:
        """Whether the recipe has a subnet of that name."""
        names = self.recipe.names
        return subnet.lower() in (getattr(names, f"{which}_subnet").lower() for which in SUBNETS)

    def replaying(self, changes: Mapping[str, object], *options: str) -> str:
        """The command that replays the recipe with other values, by recipe path."""
        settings = [
            word for path, value in changes.items() for word in ("--set", f"{path}={_typed(value)}")
        ]
        return replaying(self.name, self.target, *settings, *options)

    @property
    def purging(self) -> str:
        """The command that frees the names of what is soft-deleted."""
        return command_line("destroy", self.name, "--target", self.target, "--purge")

    def fields_of(self, planned: Planned) -> tuple[str, ...]:
        """The recipe paths that name a resource; ``names.prefix`` if there is none."""
        return self.named(planned.name) or ("names.prefix",)

    def named(self, name: str) -> tuple[str, ...]:
        """The recipe paths whose value is this name, except ``names.prefix``."""
        names = self.recipe.names
        return tuple(
            f"names.{field}"
            for field in type(names).model_fields
            if field != "prefix" and getattr(names, field) == name
        )


def _typed(value: object) -> str:
    """A value as typed on a command line. A version is quoted, or it would be read as a number."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if re.fullmatch(r"\d+\.\d+", str(value)) else str(value)


def survey(ctx: Context, steps: Sequence[Step]) -> Situation:
    """Read the state of all planned resources and the facts that the checks need. `ctx` must have
    the outputs of the sign-in."""
    signed_in = ctx.outputs[SIGN_IN]
    resources = [step for step in steps if step.resource]
    found, outputs = _read(ctx, resources)
    new: list[Planned] = []
    changed: list[Planned] = []
    for step in resources:
        state = found.get(step.id)
        if state is None or state.state in ("differs", "failed"):
            (new if state is None else changed).append(_planned(step, outputs))
    ids = {step.id: _planned(step, outputs).id for step in resources}
    facts = gather(ctx.cloud.arm, _questions(ctx.recipe, signed_in, found, new, changed, ids))
    situation = Situation(
        recipe=ctx.recipe,
        name=ctx.name or RECIPE,
        target=ctx.cloud.profile.name,
        account=signed_in.account,
        subscription=signed_in.subscription,
        new=_once(new),
        changed=_once(changed),
        ids=ids,
        facts=facts,
        kept={step: state.kept for step, state in found.items() if state and state.kept},
        releases=ctx.cloud.releases(ctx.recipe.training.requirements),
    )
    context = replace(ctx, outputs=Outputs(outputs))
    cluster = next((step for step in steps if step.id == CLUSTER.id), None)
    return _with_databricks(context, situation, found, cluster)


def _read(
    ctx: Context, steps: Sequence[Step]
) -> tuple[dict[str, Found | None], dict[str, Document]]:
    """The state of each step's resource, and the outputs known so far. Without the resource group,
    nothing exists and the states are empty."""
    outputs: dict[str, Document] = {**ctx.outputs.by_step}
    found: dict[str, Found | None] = {}
    left = list(steps)
    known = {step.id for step in steps}

    def look(step: Step) -> Found | None:
        try:
            return step.read(replace(ctx, outputs=Outputs(dict(outputs))))
        except UnresolvedPlaceholderError:  # a dependency does not exist, so neither does this
            return None

    with Workers(WORKERS, thread_name_prefix="look") as pool:
        while left:
            wave = [s for s in left if all(a in found for a in s.after if a in known)]
            left = [step for step in left if step not in wave]
            for step, state in zip(wave, pool.map(look, wave), strict=True):
                found[step.id] = state
                if state and state.state != "failed":
                    outputs[step.id] = state.outputs
                if step.id == "resource-group" and state is None:
                    return {}, outputs
    return found, outputs


def _planned(step: Step, outputs: Mapping[str, Document]) -> Planned:
    assert step.resource
    address = resolve_known(step.resource.id, outputs)
    return Planned(
        step.id,
        address,
        type_of(address),
        resolve_known(step.resource.body, outputs),
        step.resource.api_version,
    )


def zone_of(link: str) -> str:
    """The name of the private DNS zone of a virtual network link (ARM id), in lower case."""
    return link.split("/")[-3].lower()


def _once(planned: Sequence[Planned]) -> tuple[Planned, ...]:
    """Without duplicates: if two steps write the same resource, the first one represents it."""
    return tuple({item.id.lower(): item for item in reversed(planned)}.values())[::-1]


def _questions(
    recipe: Recipe,
    signed_in: SignedIn,
    found: Mapping[str, Found | None],
    new: Sequence[Planned],
    changed: Sequence[Planned],
    ids: Mapping[str, str],
) -> Questions:
    subscription = signed_in.subscription
    namespaces = {type_of(address).split("/")[0] for address in ids.values()}
    return Questions(
        subscription=subscription,
        region=recipe.sign_in.region,
        group=ids["resource-group"],
        group_exists=bool(found.get("resource-group")),
        planned=[*new, *changed],
        implied=implied(subscription, new),
        zones=[zone_of(p.id) for p in new if p.type == LINKS],
        namespaces=sorted(namespaces | {"Microsoft.Compute", "Microsoft.Notebooks"}),
        names={UNIQUE[item.step]: item.name for item in new if item.step in UNIQUE},
        ours=ids["workspace"],
        cluster=ids["aks"],
        managed_group=f"/subscriptions/{subscription}/resourceGroups/"
        f"{recipe.names.databricks_managed_group}",
        kubernetes=recipe.serving.kubernetes_version is not None,
    )


def _changes(ctx: Context, step: Step | None) -> bool:
    """Whether a step changes what it finds."""
    found = step.read(ctx) if step else None
    return found is not None and found.state == "differs"


def _with_databricks(
    ctx: Context, situation: Situation, found: Mapping[str, Found | None], step: Step | None
) -> Situation:
    """Add what only the Databricks workspace knows: its cluster, which is that of `step`, the
    notebook's secrets, and the runtimes and node types on offer."""
    wanted = login_of(ctx.cloud, ctx.recipe) == "service-principal"
    state = found.get("databricks")
    if state is None or state.state != "ready":
        own = ctx.cloud.own_principal() and not ctx.recipe.sign_in.notebook_secret_scope
        return replace(situation, secrets_missing=None if wanted and not own else ())
    try:
        made = DatabricksOutput.from_json(state.outputs)
        client = ctx.cloud.databricks(made.url, made.id)
        cluster = client.find_cluster(ctx.recipe.names.cluster) or {}
        missing = lacking(ctx.cloud, ctx.recipe, client) if wanted else []
        runtimes, node_types = client.runtimes(), client.node_types()
        mode = access_mode(cluster)
        if mode == STANDARD and _changes(ctx, step):
            mode = DEDICATED
    except CloudError as error:
        unread = Unread(_("the Databricks workspace"), error.code, error.why)
        facts = replace(situation.facts, unread=(*situation.facts.unread, unread))
        return replace(situation, facts=facts)
    return replace(
        situation,
        cluster_runs=cluster.get("state") in RUNNING,
        secrets_missing=tuple(missing),
        runtimes=runtimes,
        node_types=node_types,
        access_mode=mode,
    )
