"""The recipe: everything a user decides, one section per form screen. One declaration of the
fields: forms, prompts, the JSON schema and the file all come from it.

A recipe is strict (an unknown key is an error) and holds no secret: there is no field for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from amlwizard.language import _
from amlwizard.recipe.values import (
    CANARY,
    Access,
    Address,
    Becomes,
    CondaFile,
    DataFile,
    MetricName,
    Network,
    NotebookFile,
    Parameter,
    ParameterName,
    Requirement,
    Rollout,
    ScriptFile,
    Subscription,
    Surge,
    Text,
)

VERSION: Literal[2] = 2

# What values become, for help: types of Azure's resources, and what is none.
VNET = "Microsoft.Network/virtualNetworks"
AKS = "Microsoft.ContainerService/managedClusters"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
DATABRICKS = "Microsoft.Databricks/workspaces"
EXTENSION = "Microsoft.KubernetesConfiguration/extensions"
CLUSTER = _("Databricks cluster")
NOTHING = _("nothing")
STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
REGISTRY = "Microsoft.ContainerRegistry/registries"
EVERYTHING = _("every resource")
LIBRARY = _("Databricks cluster library")
COMPUTE = f"{WORKSPACE}/computes"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints"
DEPLOYMENT = f"{ENDPOINT}/deployments"
ZONE_EXAMPLE = {
    "privatelink.azurecr.io": "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-dns/"
    "providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io"
}


class Section(BaseModel):
    """A form screen. Values are taken as they are typed: "3" is no number, 1 is no truth. `__doc__` of
    each is its heading there, and its description in the schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


EXAMPLE_PARAMETERS: dict[str, Parameter] = {"alpha": 0.03, "test_size": 0.2, "random_state": 0}


class SignIn(Section):
    __doc__ = _("Who signs in, and where the platform is built")

    tenant: Annotated[
        Text,
        Becomes("Microsoft Entra ID", _("the tenant of the sign-in"), "contoso.onmicrosoft.com"),
    ] = Field(
        "organizations",
        title=_("Tenant"),
        description=_("Entra tenant id or domain; organizations lets the account decide."),
    )
    subscription: Annotated[
        Subscription | None, Becomes(EVERYTHING, "id", "11111111-2222-3333-4444-555555555555")
    ] = Field(
        None,
        title=_("Subscription"),
        description=_(
            "Subscription id. Not needed if the account can access exactly one subscription."
        ),
    )
    region: Annotated[Text, Becomes(EVERYTHING, "location", "northeurope")] = Field(
        "westeurope",
        title=_("Region"),
        description=_(
            "Azure region of every resource: VNET, workspace, Databricks and AKS share it."
        ),
    )
    login: Annotated[
        (
            Literal[
                "device-code",
                "browser",
                "azure-cli",
                "environment",
                "managed-identity",
                "workload-identity",
            ]
            | None
        ),
        Becomes(NOTHING, _("how amlwizard signs in"), "azure-cli"),
    ] = Field(
        None,
        title=_("Sign-in"),
        description=_(
            "How to sign in to Entra ID. browser: opens a browser on this machine, for tenants that block "
            "device codes. By default: a device code on a terminal, otherwise the first that works of "
            "environment, workload-identity, managed-identity and azure-cli."
        ),
    )
    notebook_login: Annotated[
        Literal["access-token", "service-principal", "device-code"] | None,
        Becomes(_("Databricks notebook"), _("how MLflow signs in"), "service-principal"),
    ] = Field(
        None,
        title=_("Sign-in of the notebook"),
        description=_(
            "How the notebook on Databricks signs in to the workspace. access-token: with a short-lived "
            "token passed to it; service-principal: with secrets from a secret scope; device-code: it asks. By "
            "default: service-principal if you sign in as one by environment, otherwise access-token."
        ),
    )
    notebook_secret_scope: Annotated[
        Text | None, Becomes(_("Databricks secret scope"), "name", "contoso-training")
    ] = Field(
        None,
        title=_("Secret scope of the notebook"),
        description=_(
            "Databricks secret scope with tenant-id, client-id and client-secret of the "
            "notebook's service principal. By default: one of the recipe, filled from the environment."
        ),
    )


def _derived(template: str, title: str, meaning: str) -> str:
    """A name that follows from the prefix unless it is given; the abbreviations are Azure's (CAF)."""
    name = template.replace("{prefix}", "<prefix>")
    return Field(
        "",
        title=title,
        description=_("{meaning} Default: {name}.", meaning=meaning, name=name),
        json_schema_extra={"derived": template},
    )


class Names(Section):
    __doc__ = _("What everything is called")

    prefix: Annotated[Text, Becomes(EVERYTHING, "name", "contoso")] = Field(
        ...,
        title=_("Prefix"),
        description=_(
            "All names that are not given are derived from it. Names of registry, key vault and storage "
            "account must be globally unique, so choose a prefix of your own."
        ),
    )
    resource_group: Annotated[
        str, Becomes("Microsoft.Resources/subscriptions/resourceGroups", "name")
    ] = _derived(
        "rg-{prefix}",
        _("Resource group"),
        _("Contains all resources of the platform."),
    )
    vnet: Annotated[str, Becomes(VNET, "name")] = _derived(
        "vnet-{prefix}",
        _("Virtual network"),
        _("The network that isolates the platform."),
    )
    workspace_subnet: Annotated[str, Becomes(VNET, "properties.subnets[].name")] = _derived(
        "snet-{prefix}-workspace",
        _("Workspace subnet"),
        _("For the private endpoints."),
    )
    compute_subnet: Annotated[str, Becomes(VNET, "properties.subnets[].name")] = _derived(
        "snet-{prefix}-compute",
        _("Compute subnet"),
        _("For the compute that builds images."),
    )
    scoring_subnet: Annotated[str, Becomes(VNET, "properties.subnets[].name")] = _derived(
        "snet-{prefix}-scoring",
        _("Scoring subnet"),
        _("For the nodes of AKS."),
    )
    databricks_public_subnet: Annotated[str, Becomes(VNET, "properties.subnets[].name")] = _derived(
        "snet-{prefix}-dbw-public", _("Databricks public subnet"), _("Also called the host subnet.")
    )
    databricks_private_subnet: Annotated[str, Becomes(VNET, "properties.subnets[].name")] = (
        _derived(
            "snet-{prefix}-dbw-private",
            _("Databricks private subnet"),
            _("Also called the container subnet."),
        )
    )
    nat_gateway: Annotated[str, Becomes("Microsoft.Network/natGateways", "name")] = _derived(
        "ng-{prefix}",
        _("NAT gateway"),
        _("Outbound access of the compute and Databricks subnets."),
    )
    public_ip: Annotated[str, Becomes("Microsoft.Network/publicIPAddresses", "name")] = _derived(
        "pip-{prefix}-nat",
        _("Public IP of the NAT gateway"),
        _("The address that outbound traffic comes from."),
    )
    registry: Annotated[str, Becomes(REGISTRY, "name")] = _derived(
        "cr{prefix}", _("Container registry"), _("Globally unique.")
    )
    storage: Annotated[str, Becomes(STORAGE, "name")] = _derived(
        "st{prefix}", _("Storage account"), _("Globally unique.")
    )
    key_vault: Annotated[str, Becomes(VAULT, "name")] = _derived(
        "kv-{prefix}", _("Key vault"), _("Globally unique, including soft-deleted vaults.")
    )
    log_analytics: Annotated[str, Becomes("Microsoft.OperationalInsights/workspaces", "name")] = (
        _derived(
            "log-{prefix}",
            _("Log Analytics workspace"),
            _("Stores what Application Insights collects."),
        )
    )
    application_insights: Annotated[str, Becomes("Microsoft.Insights/components", "name")] = (
        _derived(
            "appi-{prefix}",
            _("Application Insights"),
            _("Collects telemetry of the Machine Learning workspace."),
        )
    )
    databricks: Annotated[str, Becomes(DATABRICKS, "name")] = _derived(
        "dbw-{prefix}",
        _("Databricks workspace"),
        _("Where the training runs."),
    )
    databricks_managed_group: Annotated[
        str, Becomes(DATABRICKS, "properties.managedResourceGroupId")
    ] = _derived(
        "rg-{prefix}-dbw", _("Databricks managed resource group"), _("Must not exist beforehand.")
    )
    workspace: Annotated[str, Becomes(WORKSPACE, "name")] = _derived(
        "mlw-{prefix}",
        _("Machine Learning workspace"),
        _("Tracks runs, registers models, deploys them."),
    )
    build_compute: Annotated[str, Becomes(COMPUTE, "name")] = _derived(
        "image-build",
        _("Image-build compute"),
        _("Builds images if the registry has no public access."),
    )
    aks: Annotated[str, Becomes(AKS, "name")] = _derived(
        "aks-{prefix}",
        _("AKS cluster"),
        _("Where the model is served."),
    )
    node_resource_group: Annotated[
        str | None, Becomes(AKS, "properties.nodeResourceGroup", "rg-contoso-aks")
    ] = Field(
        None,
        title=_("Node resource group of AKS"),
        description=_("Must not exist beforehand. By default MC_, group, cluster and region."),
    )
    aks_identity: Annotated[
        str, Becomes("Microsoft.ManagedIdentity/userAssignedIdentities", "name")
    ] = _derived(
        "id-{prefix}-aks",
        _("Managed identity of the AKS cluster"),
        _("May join nodes to the scoring subnet."),
    )
    kubernetes_compute: Annotated[str, Becomes(COMPUTE, "name")] = _derived(
        "aks-inference",
        _("Kubernetes compute"),
        _("The name of AKS in the workspace: 2 to 16 characters."),
    )
    cluster: Annotated[str, Becomes(CLUSTER, "cluster_name")] = _derived(
        "train-{prefix}",
        _("Databricks cluster"),
        _("Runs the training notebook."),
    )
    experiment: Annotated[str, Becomes(_("MLflow experiment"), "name")] = _derived(
        "diabetes", _("MLflow experiment"), _("Groups the runs. Not a Databricks path.")
    )
    model: Annotated[str, Becomes(_("MLflow registered model"), "name")] = _derived(
        "diabetes-ridge",
        _("Registered model"),
        _("Every training makes a version of it."),
    )
    endpoint: Annotated[str, Becomes(ENDPOINT, "name")] = _derived(
        "mle-{prefix}", _("Online endpoint"), _("Receives scoring requests. Unique in the region.")
    )
    deployment: Annotated[str, Becomes(DEPLOYMENT, "name")] = _derived(
        "ridge",
        _("Deployment"),
        _("One version of the model behind the endpoint."),
    )
    tags: Annotated[dict[str, str], Becomes(EVERYTHING, "tags", {"costCenter": "4711"})] = Field(
        default_factory=dict,
        title=_("Tags"),
        description=_(
            'For the resource group and every resource that supports tags: {"costCenter": "4711"}. '
            "AKS and Databricks pass them on to resources that they create."
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _follow_the_prefix(cls, given: object) -> object:
        if not isinstance(given, dict) or not isinstance(given.get("prefix"), str):
            return given
        names = dict(given)
        for name, template in derived().items():
            if names.get(name) in (None, ""):
                names[name] = template.replace("{prefix}", names["prefix"])
        return names

    @model_serializer(mode="wrap")
    def _only_what_was_given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        """Names that follow from the prefix are left out, so that a new prefix renames them all; so
        are tags where there are none."""
        templates = derived()
        return {
            name: value
            for name, value in serialize(self).items()
            if (value or name != "tags")
            and (name not in templates or value != templates[name].replace("{prefix}", self.prefix))
        }


@cache
def derived() -> Mapping[str, str]:
    """How names follow from the prefix, by field: ``vnet-{prefix}``."""
    return {
        name: str(info.json_schema_extra["derived"])
        for name, info in Names.model_fields.items()
        if isinstance(info.json_schema_extra, dict)
    }


class ReservedSubnet(Section):
    __doc__ = _("A subnet of the VNET that is there already")

    name: Text = Field(..., title=_("Name"))
    range: Network = Field(..., title=_("Range"))


class Addresses(Section):
    __doc__ = _("Address ranges of the VNET, of Kubernetes, and of what is already in use")

    vnet: Annotated[
        Network, Becomes(VNET, "properties.addressSpace.addressPrefixes[]", "10.20.0.0/16")
    ] = Field(
        IPv4Network("10.100.0.0/16"),
        title=_("VNET"),
        description=_(
            "One prefix that contains all subnets; must not overlap any network that it is or will be "
            "connected to."
        ),
    )
    workspace: Annotated[
        Network, Becomes(VNET, "properties.subnets[].properties.addressPrefix", "10.100.101.0/24")
    ] = Field(
        IPv4Network("10.100.100.0/24"),
        title=_("Workspace subnet"),
        description=_("For private endpoints: one or more addresses per service."),
    )
    compute: Annotated[
        Network, Becomes(VNET, "properties.subnets[].properties.addressPrefix", "10.100.111.0/24")
    ] = Field(
        IPv4Network("10.100.110.0/24"),
        title=_("Compute subnet"),
        description=_("For Azure Machine Learning compute: one address per node."),
    )
    scoring: Annotated[
        Network, Becomes(VNET, "properties.subnets[].properties.addressPrefix", "10.100.121.0/24")
    ] = Field(
        IPv4Network("10.100.120.0/24"),
        title=_("Scoring subnet"),
        description=_(
            "For AKS nodes: one address each, also for nodes that an upgrade adds temporarily."
        ),
    )
    databricks_public: Annotated[
        Network, Becomes(VNET, "properties.subnets[].properties.addressPrefix", "10.100.201.0/24")
    ] = Field(
        IPv4Network("10.100.200.0/24"),
        title=_("Databricks public"),
        description=_("The host subnet: one address per cluster node."),
    )
    databricks_private: Annotated[
        Network, Becomes(VNET, "properties.subnets[].properties.addressPrefix", "10.100.211.0/24")
    ] = Field(
        IPv4Network("10.100.210.0/24"),
        title=_("Databricks private"),
        description=_("The container subnet: one address per cluster node."),
    )
    bastion: Annotated[
        Network, Becomes(VNET, "properties.subnets[].properties.addressPrefix", "10.100.249.0/26")
    ] = Field(
        IPv4Network("10.100.250.0/26"),
        title=_("Bastion subnet"),
        description=_("AzureBastionSubnet, /26 or larger. Used with secure entry by Bastion only."),
    )
    gateway: Annotated[
        Network, Becomes(VNET, "properties.subnets[].properties.addressPrefix", "10.100.252.0/27")
    ] = Field(
        IPv4Network("10.100.251.0/27"),
        title=_("Gateway subnet"),
        description=_("GatewaySubnet, /27 or larger. Used with secure entry by VPN gateway only."),
    )
    vpn_clients: Annotated[
        Network,
        Becomes(
            "Microsoft.Network/virtualNetworkGateways",
            "properties.vpnClientConfiguration.vpnClientAddressPool.addressPrefixes[]",
            "172.16.202.0/24",
        ),
    ] = Field(
        IPv4Network("172.16.201.0/24"),
        title=_("VPN client range"),
        description=_("Address pool for VPN clients; outside the VNET."),
    )
    service_cidr: Annotated[
        Network, Becomes(AKS, "properties.networkProfile.serviceCidr", "10.0.0.0/20")
    ] = Field(
        IPv4Network("10.0.0.0/16"),
        title=_("AKS service range"),
        description=_(
            "Virtual addresses of Kubernetes services; must not overlap any connected network."
        ),
    )
    dns_service_ip: Annotated[
        Address, Becomes(AKS, "properties.networkProfile.dnsServiceIP", "10.0.0.11")
    ] = Field(
        IPv4Address("10.0.0.10"),
        title=_("AKS DNS address"),
        description=_("In the service range, neither its first nor its second address."),
    )
    pod_cidr: Annotated[
        Network, Becomes(AKS, "properties.networkProfile.podCidr", "10.240.0.0/16")
    ] = Field(
        IPv4Network("10.244.0.0/16"),
        title=_("AKS pod range"),
        description=_("Overlay addresses of pods: a /24 per node."),
    )
    reserved: Annotated[
        list[ReservedSubnet],
        Becomes(
            NOTHING, _("overlaps are checked"), [{"name": "snet-hub", "range": "10.100.4.0/24"}]
        ),
    ] = Field(
        default_factory=list,
        max_length=1000,
        title=_("Reserved subnets"),
        description=_(
            "Existing subnets in the VNET that must stay as they are, by name and range; the recipe's "
            "ranges avoid them."
        ),
    )
    peered: Annotated[
        list[Network], Becomes(NOTHING, _("overlaps are checked"), ["10.1.0.0/16", "10.2.0.0/16"])
    ] = Field(
        default_factory=list,
        max_length=1000,
        title=_("Peered ranges"),
        description=_(
            "Prefixes of networks that this VNET is or will be peered with, and of networks behind "
            "them: a hub, and the hub's other spokes."
        ),
    )
    on_premises: Annotated[
        list[Network], Becomes(NOTHING, _("overlaps are checked"), ["192.168.0.0/16"])
    ] = Field(
        default_factory=list,
        max_length=1000,
        title=_("On-premises ranges"),
        description=_("Prefixes reached by VPN or ExpressRoute."),
    )


class Security(Section):
    __doc__ = _("How the platform is closed off")

    storage: Annotated[
        Access, Becomes(STORAGE, "properties.publicNetworkAccess", "service-endpoint")
    ] = Field(
        "private-endpoint",
        title=_("Storage account"),
        description=_("Private endpoint, or public endpoint limited to the recipe's subnets."),
    )
    key_vault: Annotated[
        Access, Becomes(VAULT, "properties.publicNetworkAccess", "service-endpoint")
    ] = Field(
        "private-endpoint",
        title=_("Key vault"),
        description=_("Private endpoint, or public endpoint limited to the recipe's subnets."),
    )
    registry: Annotated[
        Access, Becomes(REGISTRY, "properties.publicNetworkAccess", "service-endpoint")
    ] = Field(
        "private-endpoint",
        title=_("Container registry"),
        description=_(
            "Private endpoint, or public endpoint limited to the recipe's subnets (in preview)."
        ),
    )
    registry_sku: Annotated[
        Literal["Basic", "Standard", "Premium"], Becomes(REGISTRY, "sku.name", "Standard")
    ] = Field(
        "Premium",
        title=_("Registry SKU"),
        description=_("Only Premium supports network rules and private endpoints."),
    )
    shared_keys: Annotated[bool, Becomes(STORAGE, "properties.allowSharedKeyAccess", False)] = (
        Field(
            True,
            title=_("Shared keys of the storage account"),
            description=_(
                "Off: only identities with a role can access its data, as many policies require."
            ),
        )
    )
    dns_zones: Annotated[
        dict[str, str],
        Becomes(
            "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
            "properties.privateDnsZoneConfigs[].properties.privateDnsZoneId",
            ZONE_EXAMPLE,
        ),
    ] = Field(
        default_factory=dict,
        title=_("Private DNS zones"),
        description=_(
            "Existing zones that are linked to the VNET, by name and ARM id: "
            '{"privatelink.azurecr.io": "/subscriptions/..."}. All others are created.'
        ),
    )
    purge_protection: Annotated[bool, Becomes(VAULT, "properties.enablePurgeProtection", True)] = (
        Field(
            False,
            title=_("Key vault purge protection"),
            description=_(
                "Once on, a deleted vault keeps its name until its retention period ends."
            ),
        )
    )
    nat_gateway: Annotated[bool, Becomes("Microsoft.Network/natGateways", "name", False)] = Field(
        True,
        title=_("NAT gateway"),
        description=_("Outbound access of the compute and Databricks subnets."),
    )
    databricks_no_public_ip: Annotated[
        bool, Becomes(DATABRICKS, "properties.parameters.enableNoPublicIp.value", False)
    ] = Field(
        True,
        title=_("Databricks without public IP"),
        description=_("Secure cluster connectivity: nodes only open outbound connections."),
    )
    databricks_encryption: Annotated[
        bool, Becomes(DATABRICKS, "properties.parameters.prepareEncryption.value", False)
    ] = Field(
        True,
        title=_("Prepare Databricks encryption"),
        description=_("Gives the managed storage account an identity for customer-managed keys."),
    )
    private_aks: Annotated[
        bool, Becomes(AKS, "properties.apiServerAccessProfile.enablePrivateCluster", True)
    ] = Field(
        False,
        title=_("Private AKS"),
        description=_("The Kubernetes API server has only a private address."),
    )
    aks_authorized_ranges: Annotated[
        list[Network],
        Becomes(AKS, "properties.apiServerAccessProfile.authorizedIPRanges[]", ["203.0.113.0/24"]),
    ] = Field(
        default_factory=list,
        max_length=200,
        title=_("AKS authorised ranges"),
        description=_("Prefixes that may reach a public Kubernetes API server; if empty, all may."),
    )
    aks_outbound: Annotated[
        Literal["load-balancer", "nat-gateway", "user-defined-routing"],
        Becomes(AKS, "properties.networkProfile.outboundType", "nat-gateway"),
    ] = Field(
        "load-balancer",
        title=_("Way out of AKS"),
        description=_(
            "load-balancer: a public address that AKS creates; nat-gateway: the NAT gateway of the "
            "recipe; user-defined-routing: your firewall. With the last two, AKS has no public address of its "
            "own."
        ),
    )
    aks_firewall: Annotated[
        Address | None,
        Becomes(
            "Microsoft.Network/routeTables",
            "properties.routes[].properties.nextHopIpAddress",
            "10.1.0.4",
        ),
    ] = Field(
        None,
        title=_("Firewall of AKS"),
        description=_(
            "Private address of the firewall that outbound traffic goes through, for user-defined-routing."
        ),
    )
    secure_entry: Annotated[
        Literal["none", "bastion", "vpn-gateway"],
        Becomes("Microsoft.Network/bastionHosts", "name", "bastion"),
    ] = Field(
        "none",
        title=_("Secure entry"),
        description=_(
            "How users get into the VNET. bastion: by tunnels to machines and AKS in it; vpn-gateway: "
            "with their own machine, signed in with Entra ID."
        ),
    )


class Training(Section):
    __doc__ = _("The Databricks cluster and the model that it trains")

    spark_version: Annotated[Text, Becomes(CLUSTER, "spark_version", "15.4.x-scala2.12")] = Field(
        "16.4.x-scala2.12",
        title=_("Databricks runtime"),
        description=_(
            "Spark and Scala version of the cluster. MLflow is pinned, whichever version it contains."
        ),
    )
    node_type: Annotated[Text, Becomes(CLUSTER, "node_type_id", "Standard_D8ds_v5")] = Field(
        "Standard_D4ds_v5",
        title=_("Node type"),
        description=_("VM size of the driver and of each worker; counts against the vCPU quota."),
    )
    workers: Annotated[Annotated[int, Field(ge=0, le=1000)], Becomes(CLUSTER, "num_workers", 4)] = (
        Field(
            0,
            title=_("Workers"),
            description=_("0 is a single-node cluster; with an autoscaler, the minimum."),
        )
    )
    max_workers: Annotated[
        Annotated[int, Field(ge=1, le=1000)] | None, Becomes(CLUSTER, "autoscale.max_workers", 8)
    ] = Field(
        None,
        title=_("Most workers"),
        description=_(
            "The maximum for an autoscaler; quota and ranges must have room for it. By default there is no "
            "autoscaler."
        ),
    )
    instance_pool: Annotated[Text | None, Becomes(CLUSTER, "instance_pool_id", "ml-pool")] = Field(
        None,
        title=_("Instance pool"),
        description=_(
            "Name or id of a Databricks pool that driver and workers come from, with its node type. By "
            "default they are created for the cluster."
        ),
    )
    cluster_policy: Annotated[Text | None, Becomes(CLUSTER, "policy_id", "ml-policy")] = Field(
        None,
        title=_("Cluster policy"),
        description=_("Name or id of the Databricks policy that applies to the cluster."),
    )
    auto_termination_minutes: Annotated[
        Annotated[int, Field(ge=10, le=10000)], Becomes(CLUSTER, "autotermination_minutes", 60)
    ] = Field(
        30,
        title=_("Auto-termination (minutes)"),
        description=_("How long the idle cluster keeps running, and costing money."),
    )
    mlflow: Annotated[Text, Becomes(LIBRARY, "pypi.package", "2.22.4")] = Field(
        "2.22.5", title=_("mlflow version"), description=_("Pinned on the cluster.")
    )
    azureml_mlflow: Annotated[Text, Becomes(LIBRARY, "pypi.package", "1.62.0")] = Field(
        "1.62.0.post6",
        title=_("azureml-mlflow version"),
        description=_("Lets MLflow track into the workspace; supports mlflow up to 3.15.0."),
    )
    scikit_learn: Annotated[Text, Becomes(LIBRARY, "pypi.package", "1.8.0")] = Field(
        "1.9.1",
        title=_("scikit-learn version"),
        description=_("Trains the model; its server uses the same version."),
    )
    notebook: Annotated[
        NotebookFile | None, Becomes(CLUSTER, _("the notebook that it runs"), "churn.py")
    ] = Field(
        None,
        title=_("Notebook"),
        description=_(
            "A .py file in Databricks' source format, or an .ipynb, beside the recipe: it logs "
            "a model with MLflow. Left out: the example, a ridge regression on the diabetes data."
        ),
    )
    parameters: Annotated[
        dict[ParameterName, Parameter],
        Becomes(
            _("Databricks notebook"), _("widgets, and the dictionary parameters"), {"alpha": 0.1}
        ),
    ] = Field(
        default_factory=dict,
        max_length=100,
        title=_("Parameters"),
        description=_(
            "Values that the notebook finds as widgets, and in the dictionary parameters: "
            '{"alpha": 0.03}. Those left out keep the notebook\'s own.'
        ),
        examples=[EXAMPLE_PARAMETERS],
    )
    requirements: Annotated[
        list[Requirement], Becomes(LIBRARY, "pypi.package", ["xgboost==3.2.0"])
    ] = Field(
        default_factory=list,
        max_length=100,
        title=_("Requirements"),
        description=_("Packages that the notebook needs besides, each pinned: xgboost==3.2.0."),
    )
    data: Annotated[
        DataFile | None,
        Becomes(
            _("Databricks notebook"),
            _("the parameter data"),
            "abfss://data@contoso.dfs.core.windows.net/churn.parquet",
        ),
    ] = Field(
        None,
        title=_("Data"),
        description=_(
            "What the notebook trains on, as it finds it in its parameter data: a table, a "
            "/Volumes, abfss:// or https:// path; or a file beside the recipe, which is sent along."
        ),
    )

    @property
    def most_workers(self) -> int:
        """As many workers as there may be."""
        return self.max_workers or self.workers


class Serving(Section):
    __doc__ = _("The AKS cluster and the online endpoint on it")

    kubernetes_version: Annotated[
        Text | None, Becomes(AKS, "properties.kubernetesVersion", "1.35")
    ] = Field(None, title=_("Kubernetes version"), description=_("By default that of the region."))
    node_size: Annotated[
        Text, Becomes(AKS, "properties.agentPoolProfiles[].vmSize", "Standard_D8ds_v5")
    ] = Field(
        "Standard_D4ds_v5",
        title=_("Node size"),
        description=_("VM size of the AKS nodes; counts against the vCPU quota."),
    )
    nodes: Annotated[
        Annotated[int, Field(ge=1, le=1000)],
        Becomes(AKS, "properties.agentPoolProfiles[].count", 5),
    ] = Field(
        3,
        title=_("Nodes"),
        description=_("Nodes of AKS; with an autoscaler, the minimum."),
    )
    max_nodes: Annotated[
        Annotated[int, Field(ge=1, le=1000)] | None,
        Becomes(AKS, "properties.agentPoolProfiles[].maxCount", 6),
    ] = Field(
        None,
        title=_("Most nodes"),
        description=_(
            "The maximum for an autoscaler; quota and ranges must have room for it. By default there is no "
            "autoscaler."
        ),
    )
    max_surge: Annotated[
        Surge, Becomes(AKS, "properties.agentPoolProfiles[].upgradeSettings.maxSurge", "33%")
    ] = Field(
        "1",
        title=_("Upgrade surge"),
        description=_(
            "Nodes that an upgrade adds temporarily, or a share of the nodes, such as 33%. Quota and ranges "
            "must have room for them."
        ),
    )
    network: Annotated[
        Literal["overlay", "node-subnet"],
        Becomes(AKS, "properties.networkProfile.networkPluginMode", "node-subnet"),
    ] = Field(
        "overlay",
        title=_("Pod network"),
        description=_("Azure CNI Overlay, or pods with addresses of the scoring subnet."),
    )
    max_pods: Annotated[
        Annotated[int, Field(ge=10, le=250)],
        Becomes(AKS, "properties.agentPoolProfiles[].maxPods", 60),
    ] = Field(
        110,
        title=_("Pods per node"),
        description=_("With node-subnet, each pod uses an address of the scoring subnet."),
    )
    load_balancer: Annotated[
        Literal["public", "internal"],
        Becomes(
            EXTENSION, "properties.configurationSettings.internalLoadBalancerProvider", "internal"
        ),
    ] = Field(
        "public",
        title=_("Load balancer"),
        description=_(
            "public: the endpoint can be called from here, over plain HTTP unless there is a certificate; "
            "internal: only from the VNET, so scoring runs on Databricks."
        ),
    )
    tls_certificate: Annotated[
        Text | None,
        Becomes(
            EXTENSION,
            "properties.configurationProtectedSettings.scoringFe.sslCert",
            "certificate.pem",
        ),
    ] = Field(
        None,
        title=_("TLS certificate file"),
        description=_("PEM file. Without it, the endpoint uses plain HTTP."),
    )
    tls_key: Annotated[
        Text | None,
        Becomes(EXTENSION, "properties.configurationProtectedSettings.scoringFe.sslKey", "key.pem"),
    ] = Field(
        None, title=_("TLS key file"), description=_("PEM file with the key of the certificate.")
    )
    tls_name: Annotated[
        Text | None,
        Becomes(EXTENSION, "properties.configurationSettings.sslCname", "scoring.contoso.com"),
    ] = Field(None, title=_("TLS name"), description=_("DNS name in the certificate."))
    instances: Annotated[
        Annotated[int, Field(ge=1, le=100)], Becomes(DEPLOYMENT, "sku.capacity", 2)
    ] = Field(
        1,
        title=_("Instances"),
        description=_("Pods that serve the model; with 2 or more, it survives the loss of a node."),
    )
    cpu: Annotated[
        Text,
        Becomes(
            DEPLOYMENT,
            "properties.containerResourceRequirements.containerResourceRequests.cpu",
            "500m",
        ),
    ] = Field(
        "0.5", title=_("CPU per instance"), description=_("A Kubernetes quantity: 0.5 or 500m.")
    )
    memory: Annotated[
        Text,
        Becomes(
            DEPLOYMENT,
            "properties.containerResourceRequirements.containerResourceRequests.memory",
            "2Gi",
        ),
    ] = Field(
        "1Gi",
        title=_("Memory per instance"),
        description=_("A Kubernetes quantity: 1Gi or 1024Mi."),
    )
    scoring: Annotated[
        Literal["no-code", "script"],
        Becomes(DEPLOYMENT, "properties.codeConfiguration.scoringScript", "script"),
    ] = Field(
        "no-code",
        title=_("Scoring"),
        description=_(
            "no-code: Azure brings scoring script and environment; script: amlwizard does, for "
            "endpoints that take no MLflow model without."
        ),
    )
    rollout: Annotated[Rollout, Becomes(ENDPOINT, "properties.traffic", "canary 10%")] = Field(
        "replace",
        title=_("Rollout"),
        description=_(
            "How a new version of the model takes over. It is tried beside the old one first. "
            "replace: then it gets all requests; canary 10%: then it gets that share, until it replaces."
        ),
    )
    script: Annotated[
        ScriptFile | None, Becomes(DEPLOYMENT, "properties.codeConfiguration.codeId", "score.py")
    ] = Field(
        None,
        title=_("Scoring script"),
        description=_(
            "A .py file beside the recipe that defines init and run, for models that Azure's own "
            "script cannot serve. Left out: as scoring says."
        ),
    )
    environment: Annotated[
        CondaFile | None,
        Becomes(DEPLOYMENT, "properties.environmentId", "contoso.azurecr.io/churn:1"),
    ] = Field(
        None,
        title=_("Scoring environment"),
        description=_(
            "An image that holds all that the model needs, such as registry.azurecr.io/name:1; or a "
            "conda file beside the recipe. Left out: the model's own."
        ),
    )
    build_node_size: Annotated[
        Text, Becomes(COMPUTE, "properties.properties.vmSize", "Standard_D4s_v3")
    ] = Field(
        "Standard_DS3_v2",
        title=_("Image-build node size"),
        description=_(
            "VM size of the compute that builds images if the registry has no public access."
        ),
    )

    @property
    def canary(self) -> int:
        """The share of requests, in percent, that a new version gets beside the old; 0 for all."""
        found = CANARY.fullmatch(self.rollout)
        return int(found[1]) if found else 0

    @property
    def brings_script(self) -> bool:
        """Whether the deployment has a scoring script and an environment of its own."""
        return self.scoring == "script" or bool(self.script or self.environment)

    @property
    def image(self) -> str:
        """The image that is the environment; empty if that is a conda file, or the model's."""
        given = self.environment
        return "" if given is None or given.lower().endswith(given.suffixes) else str(given)

    @property
    def conda(self) -> CondaFile | None:
        """The conda file of the environment, if there is one."""
        return None if self.image else self.environment

    @property
    def most_nodes(self) -> int:
        """As many nodes as there may be."""
        return self.max_nodes or self.nodes


# Three of the diabetes rows, as a model with named columns takes them: what a new recipe asks of its
# endpoint.
EXAMPLE_COLUMNS = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
EXAMPLE_ROWS = [
    [0.01991321, 0.05068012, 0.10480869, 0.07007254, -0.03596778, -0.0266789, -0.02499266,
     -0.00259226, 0.00371174, 0.04034337],
    [-0.01277963, -0.04464164, 0.06061839, 0.05285819, 0.04796534, 0.02937467, -0.01762938,
     0.03430886, 0.0702113, 0.00720652],
    [0.03807591, 0.05068012, 0.00888341, 0.04252958, -0.04284755, -0.02104223, -0.03971921,
     -0.00259226, -0.01811827, 0.00720652],
]  # fmt: skip
EXAMPLE_REQUEST = {
    "input_data": {"columns": EXAMPLE_COLUMNS, "index": [0, 1, 2], "data": EXAMPLE_ROWS}
}


class Scoring(Section):
    __doc__ = _("The request that proves that the platform works")

    request: Annotated[
        dict[str, JsonValue] | None,
        Becomes(
            _("Online endpoint"),
            _("the body of the request"),
            {"input_data": [[0.02, 0.05, 0.1, 0.07, -0.04, -0.03, -0.02, 0, 0, 0.04]]},
        ),
    ] = Field(
        None,
        title=_("Request"),
        description=_(
            '{"input_data": ...} with columns, index and data; or rows, named when sent. Left '
            "out: the model's input example, or sample values that its signature allows."
        ),
        examples=[EXAMPLE_REQUEST],
    )


class ExpectedMetric(Section):
    __doc__ = _("What a metric must be: a value, or a bound")

    value: int | float | None = Field(None, title=_("Value"))
    tolerance: Annotated[float, Field(gt=0)] | None = Field(
        None,
        title=_("Tolerance"),
        description=_(
            "Largest absolute difference from the value that passes; left out: that of expect."
        ),
    )
    at_least: float | None = Field(None, title=_("At least"))
    at_most: float | None = Field(None, title=_("At most"))

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if self.value is self.at_least is self.at_most is None:
            raise PydanticCustomError(
                "metric",
                _("Nothing is expected of it."),
                {"fix": _("Give value, at_least or at_most.")},
            )
        return self

    def missed(self, measured: float | None, tolerance: float) -> str:
        """What is wrong with a metric, in words that follow its name; empty if nothing is."""
        tolerance = self.tolerance or tolerance
        if measured is None:
            return _("was not logged")
        got = f"{measured:.6f}"
        if self.value is not None and not abs(measured - self.value) <= tolerance:
            return _(
                "expected {value} within {tolerance}, got {got}",
                value=self.value,
                tolerance=tolerance,
                got=got,
            )
        if self.at_least is not None and not measured >= self.at_least:
            return _("expected at least {least}, got {got}", least=self.at_least, got=got)
        if self.at_most is not None and not measured <= self.at_most:
            return _("expected at most {most}, got {got}", most=self.at_most, got=got)
        return ""


class Expect(Section):
    __doc__ = _("What a replay must come out with; leaving a number out leaves it unchecked")

    metrics: Annotated[
        dict[MetricName, ExpectedMetric],
        Becomes(NOTHING, _("the run is checked"), {"mse": {"value": 3424.857, "tolerance": 0.001}}),
    ] = Field(
        default_factory=dict,
        max_length=100,
        title=_("Metrics"),
        description=_(
            'By name: {"mse": {"value": 3424.857, "tolerance": 0.001}, "auc": {"at_least": 0.8}}.'
        ),
    )
    predictions: Annotated[
        JsonValue | None, Becomes(NOTHING, _("the run is checked"), [206.1, 152.3])
    ] = Field(
        None,
        title=_("Predictions"),
        description=_("The answer to the request, as JSON: mostly a list, one for each row."),
    )
    tolerance: Annotated[
        Annotated[float, Field(gt=0)], Becomes(NOTHING, _("the run is checked"), 0.01)
    ] = Field(
        0.001, title=_("Tolerance"), description=_("Largest absolute difference that passes.")
    )


class Recipe(Section):
    __doc__ = _(
        "An amlwizard recipe: one network-secured Azure Machine Learning platform, end to end"
    )

    version: Literal[2] = Field(VERSION, title=_("Recipe version"))
    sign_in: SignIn = Field(default_factory=SignIn, title=_("Sign-in"))
    names: Names = Field(..., title=_("Naming"))
    addresses: Addresses = Field(default_factory=Addresses, title=_("Addresses"))
    security: Security = Field(default_factory=Security, title=_("Security"))
    training: Training = Field(default_factory=Training, title=_("Training"))
    serving: Serving = Field(default_factory=Serving, title=_("Serving"))
    scoring: Scoring = Field(default_factory=Scoring, title=_("Scoring"))
    expect: Expect = Field(default_factory=Expect, title=_("Expectations"))
