"""Sign-in, resource providers, the resource group, and the dependencies of the workspace."""

from __future__ import annotations

from collections.abc import Collection

from amlwizard.accounts import Account
from amlwizard.cloud_port import ReportProgress
from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.design.subnets import SUBNETS
from amlwizard.json_types import Document, MutableDocument
from amlwizard.language import _
from amlwizard.plan import Context, Found, Removal, Resource, Step
from amlwizard.plan.outputs import SignedIn
from amlwizard.recipe import Recipe
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.az_options import options

PROVIDERS = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.ContainerRegistry",
    "Microsoft.Network",
    "Microsoft.Databricks",
    "Microsoft.ContainerService",
    "Microsoft.KubernetesConfiguration",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.Notebooks",
    "Microsoft.ManagedIdentity",
    "Microsoft.Compute",
)

STORAGE_OPTIONS = {
    "--kind": "kind",
    "--sku": "sku.name",
    "--min-tls-version": "properties.minimumTlsVersion",
    "--https-only": "properties.supportsHttpsTrafficOnly",
    "--allow-blob-public-access": "properties.allowBlobPublicAccess",
    "--default-action": "properties.networkAcls.defaultAction",
    "--bypass": "properties.networkAcls.bypass",
    "--public-network-access": "properties.publicNetworkAccess",
    "--allow-shared-key-access": "properties.allowSharedKeyAccess",
}
REGISTRY_OPTIONS = {
    "--sku": "sku.name",
    "--admin-enabled": "properties.adminUserEnabled",
}
LOG_OPTIONS = {"--sku": "properties.sku.name", "--retention-time": "properties.retentionInDays"}
INSIGHTS_OPTIONS = {
    "--kind": "kind",
    "--application-type": "properties.Application_Type",
    "--workspace": "properties.WorkspaceResourceId",
}
VAULT_OPTIONS = {
    "--sku": "properties.sku.name",
    "--enable-rbac-authorization": "properties.enableRbacAuthorization",
    "--default-action": "properties.networkAcls.defaultAction",
    "--bypass": "properties.networkAcls.bypass",
    "--public-network-access": "properties.publicNetworkAccess",
    "--enable-purge-protection": "properties.enablePurgeProtection",
}


def signed_in(account: Account) -> Document:
    """The outputs of the sign-in step."""
    return SignedIn(
        account.name, account.tenant, account.subscription, account.subscription_name
    ).to_json()


def sign_in_step(recipe: Recipe, audiences: Collection[str] = ()) -> Step:
    """Sign in and acquire the tokens that later steps need, so that Entra's errors occur here."""

    def read(ctx: Context) -> Found | None:
        return None

    def apply(ctx: Context, say: ReportProgress) -> Document:
        account = ctx.cloud.sign_in(recipe.sign_in, ctx.ask, ctx.cancel, ("arm", *audiences))
        say(
            _(
                "{account}, subscription {subscription}",
                account=account.name,
                subscription=account.subscription_name,
            )
        )
        return signed_in(account)

    return Step(
        "sign-in", _("Sign in"), "sign-in", (), read, apply, runs=True,
        az=(f"az login --tenant {recipe.sign_in.tenant}",),
    )  # fmt: skip


def providers_step() -> Step:
    """The step that registers the resource providers in the subscription."""

    def missing(ctx: Context) -> list[str]:
        states = ctx.cloud.arm.registrations(PROVIDERS)
        return [ns for ns, state in states.items() if state != "Registered"]

    def read(ctx: Context) -> Found | None:
        left = missing(ctx)
        if not left:
            return Found("ready")
        said = tuple(_("{provider}: not registered", provider=ns) for ns in left)
        return Found("differs", differences=said)

    def apply(ctx: Context, say: ReportProgress) -> Document:
        ctx.cloud.arm.register(missing(ctx), say, ctx.cancel)
        return {}

    return Step(
        "providers", _("Resource providers"), "provision", ("preflight",), read, apply,
        az=tuple(f"az provider register --wait -n {ns}" for ns in PROVIDERS),
    )  # fmt: skip


def foundation(recipe: Recipe) -> list[Step]:
    """The steps from provider registration to storage, key vault and registry, without sign-in."""
    ids, n = Ids(recipe), recipe.names
    logs = ids.tracked({"sku": {"name": "PerGB2018"}, "retentionInDays": 30})
    insights = ids.tracked(
        {"Application_Type": "web", "WorkspaceResourceId": "{log-analytics.id}"}, kind="web"
    )
    return [
        providers_step(),
        arm_step(
            "resource-group",
            _("Resource group"),
            Resource(ids.group, api_versions.RESOURCE_GROUPS, ids.tracked()),
            after=("providers",),
            az=(
                f"az group create -n {n.resource_group} -l {recipe.sign_in.region} {ids.cli_tags}",
            ),
        ),
        arm_step(
            "log-analytics",
            _("Log Analytics workspace"),
            Resource(
                ids.of("Microsoft.OperationalInsights/workspaces", n.log_analytics),
                api_versions.LOG_ANALYTICS,
                logs,
            ),
            after=("resource-group",),
            az=(
                f"az monitor log-analytics workspace create {ids.cli_new} -n {n.log_analytics} "
                f"{options(logs, LOG_OPTIONS)}",
            ),
            removal=Removal(
                purge={"force": "true"},
                soft_delete_note=_("soft-deleted: Azure keeps its name for 14 days"),
            ),
        ),
        arm_step(
            "application-insights",
            "Application Insights",
            Resource(
                ids.of("Microsoft.Insights/components", n.application_insights),
                api_versions.APPLICATION_INSIGHTS,
                insights,
            ),
            after=("log-analytics",),
            az=(
                f"az monitor app-insights component create {ids.cli_new} "
                f"-a {n.application_insights} {options(insights, INSIGHTS_OPTIONS)}",
            ),
        ),
        _storage(recipe, ids),
        _key_vault(recipe, ids),
        _registry(recipe, ids),
    ]


def _after(access: str) -> tuple[str, ...]:
    """The preceding step: firewall rules that name subnets need the VNET to exist."""
    return ("vnet",) if access == "service-endpoint" else ("resource-group",)


def _rules(ids: Ids, key: str = "id") -> list[dict[str, str]]:
    return [{key: ids.subnet(which), "action": "Allow"} for which in SUBNETS]


def _storage(recipe: Recipe, ids: Ids) -> Step:
    n, access = recipe.names, recipe.security.storage
    acls: MutableDocument = {"defaultAction": "Deny", "bypass": "AzureServices"}
    if access == "service-endpoint":
        acls["virtualNetworkRules"] = _rules(ids)
    properties = {
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "allowBlobPublicAccess": False,
        "publicNetworkAccess": "Disabled" if access == "private-endpoint" else "Enabled",
        "networkAcls": acls,
    }
    if not recipe.security.shared_keys:
        properties["allowSharedKeyAccess"] = False
    body = ids.tracked(properties, kind="StorageV2", sku={"name": "Standard_LRS"})
    return arm_step(
        "storage",
        _("Storage account"),
        Resource(ids.storage, api_versions.STORAGE, body),
        after=_after(access),
        az=(
            f"az storage account create {ids.cli_new} -n {n.storage} "
            f"{options(body, STORAGE_OPTIONS)}",
            *(
                f"az storage account network-rule add {ids.cli_group} -n {n.storage} "
                f"--subnet {rule['id']}"
                for rule in acls.get("virtualNetworkRules", [])
            ),
        ),
    )


def _key_vault(recipe: Recipe, ids: Ids) -> Step:
    n, access = recipe.names, recipe.security.key_vault
    acls: MutableDocument = {"defaultAction": "Deny", "bypass": "AzureServices"}
    if access == "service-endpoint":
        acls["virtualNetworkRules"] = [{"id": ids.subnet(which)} for which in SUBNETS]
    properties: MutableDocument = {
        "tenantId": "{sign-in.tenant}",
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "publicNetworkAccess": "Disabled" if access == "private-endpoint" else "Enabled",
        "networkAcls": acls,
    }
    if recipe.security.purge_protection:
        # Omitted otherwise: Azure rejects an explicit false.
        properties["enablePurgeProtection"] = True
    body = ids.tracked(properties)
    return arm_step(
        "key-vault",
        _("Key vault"),
        Resource(ids.key_vault, api_versions.KEY_VAULT, body),
        after=_after(access),
        az=(
            f"az keyvault create {ids.cli_new} -n {n.key_vault} {options(body, VAULT_OPTIONS)}",
            *(
                f"az keyvault network-rule add {ids.cli_group} -n {n.key_vault} "
                f"--subnet {rule['id']}"
                for rule in acls.get("virtualNetworkRules", [])
            ),
        ),
        removal=Removal(soft_delete_note=_("soft-deleted: Azure keeps its name for 90 days")),
    )


def _registry(recipe: Recipe, ids: Ids) -> Step:
    n, security = recipe.names, recipe.security
    properties: MutableDocument = {
        "adminUserEnabled": False,
        "networkRuleBypassOptions": "AzureServices",
    }
    version = api_versions.CONTAINER_REGISTRY
    if security.registry == "private-endpoint":
        properties["publicNetworkAccess"] = "Disabled"
    else:
        # Subnet rules exist only in preview api-versions, and in none from 2022 to 2026.
        version = api_versions.CONTAINER_REGISTRY_SUBNETS
        properties["publicNetworkAccess"] = "Enabled"
        properties["networkRuleSet"] = {
            "defaultAction": "Deny",
            "virtualNetworkRules": _rules(ids, "virtualNetworkSubnetResourceId"),
        }
    # The CLI can no longer add subnets to the network rules of a registry.
    private = security.registry == "private-endpoint"
    body = ids.tracked(properties, sku={"name": security.registry_sku})
    command = (
        f"az acr create {ids.cli_new} -n {n.registry} {options(body, REGISTRY_OPTIONS)} "
        "--public-network-enabled false --allow-trusted-services true"
    )
    return arm_step(
        "registry",
        _("Container registry"),
        Resource(ids.registry, version, body),
        after=_after(security.registry),
        az=(command,) if private else (),
    )
