"""The input of the writers: the steps that build resources, their documents, the remaining work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from amlwizard.json_types import MutableDocument
from amlwizard.language import _
from amlwizard.plan import Phase, Resource, Step, in_order
from amlwizard.plan.placeholders import for_shell
from amlwizard.recipe import Recipe
from amlwizard.steps import steps_for
from amlwizard.steps.extension import TLS_FILES

GROUP, PROVIDERS, SIGN_IN, EXTENSION = "resource-group", "providers", "sign-in", "aks-extension"
# Done before a template is deployed, not by it.
BEFORE = (SIGN_IN, "preflight", PROVIDERS)
PHASES: dict[Phase, str] = {"provision": _("The platform"), "deploy": _("The endpoint")}


@dataclass(frozen=True)
class Source:
    """A recipe as its exports see it. The placeholders ``{tls.tls_certificate}`` and
    ``{tls.tls_key}`` are the base64 text of the files that the recipe names."""

    recipe: Recipe

    @cached_property
    def steps(self) -> list[Step]:
        return in_order(steps_for(self.recipe))

    @cached_property
    def left(self) -> list[Step]:
        """The steps that are work rather than resources, and those that depend on them."""
        left: dict[str, Step] = {}
        for step in self.steps:
            work = step.resource is None and step.id not in BEFORE
            if work or any(name in left for name in step.after):
                left[step.id] = step
        return list(left.values())

    @cached_property
    def resources(self) -> list[Step]:
        """The steps that are resources, the resource group first, each after what it needs."""
        left = {step.id for step in self.left}
        return [step for step in self.steps if step.resource and step.id not in left]

    @property
    def providers(self) -> Step:
        return next(step for step in self.steps if step.id == PROVIDERS)

    @property
    def tls(self) -> dict[str, str]:
        """The path of each TLS file, by the field that names it."""
        fields = {field: getattr(self.recipe.serving, field) for field, __, __ in TLS_FILES}
        return {field: path for field, path in fields.items() if path}

    def body(self, step: Step) -> MutableDocument:
        """The document of a step, with placeholders for the TLS files if it needs them."""
        assert step.resource
        body = dict(step.resource.body)
        if step.id == EXTENSION and self.tls:
            protected = {setting: f"{{tls.{field}}}" for field, setting, __ in TLS_FILES}
            body["properties"] = {
                **body["properties"],
                "configurationProtectedSettings": protected,
            }
        return body

    @property
    def before_a_template(self) -> list[str]:
        """The commands that deploy a template, whose file is called FILE."""
        group = next(step for step in self.resources if step.id == GROUP)
        return [
            *self.providers.az,
            *group.az,
            f"az deployment group create -g {self.recipe.names.resource_group} -f FILE",
        ]

    @property
    def to_do(self) -> list[str]:
        """What a template cannot do: work on what was built, by title and command."""
        lines = [_("Left to do, once the resources exist")]
        for step in self.left:
            lines += [step.title, *(f"  {for_shell(command)}" for command in step.az)]
        return lines

    def resource(self, step_id: str) -> Resource:
        found = next(step.resource for step in self.resources if step.id == step_id)
        assert found
        return found

    @property
    def about(self) -> str:
        n = self.recipe.names
        return _(
            "Azure Machine Learning in a VNET: workspace {workspace}, Databricks {databricks}, AKS "
            "{aks}, in resource group {group}",
            workspace=n.workspace,
            databricks=n.databricks,
            aks=n.aks,
            group=n.resource_group,
        )
