"""The Databricks workspace, and the Machine Learning workspace with its image-build compute."""

from __future__ import annotations

from amlwizard.design import api_versions
from amlwizard.design.ids import Ids
from amlwizard.design.private_endpoints import WORKSPACE
from amlwizard.language import _
from amlwizard.notebook.access import scope_inside
from amlwizard.plan import Removal, Resource, Step
from amlwizard.recipe import Recipe
from amlwizard.steps.arm_step import arm_step
from amlwizard.steps.az_options import options
from amlwizard.steps.private_link import ready_for
from amlwizard.steps.roles import keeps_data, pulls_and_pushes

WORKSPACE_OPTIONS = {
    "--storage-account": "properties.storageAccount",
    "--key-vault": "properties.keyVault",
    "--application-insights": "properties.applicationInsights",
    "--container-registry": "properties.containerRegistry",
    "--public-network-access": "properties.publicNetworkAccess",
    "--image-build-compute": "properties.imageBuildCompute",
}
COMPUTE = "properties.properties"
SCALE_OPTIONS = {
    "--type": "properties.computeType",
    "--size": f"{COMPUTE}.vmSize",
    "--min-instances": f"{COMPUTE}.scaleSettings.minNodeCount",
    "--max-instances": f"{COMPUTE}.scaleSettings.maxNodeCount",
}
NODE_OPTIONS = {
    "--enable-node-public-ip": f"{COMPUTE}.enableNodePublicIp",
    "--identity-type": "identity.type",
}
DATABRICKS_OPTIONS = {
    "--sku": "sku.name",
    "--compute-mode": "properties.computeMode",
    "--vnet": "properties.parameters.customVirtualNetworkId.value",
    "--public-subnet": "properties.parameters.customPublicSubnetName.value",
    "--private-subnet": "properties.parameters.customPrivateSubnetName.value",
}
NO_PUBLIC_IP = {"--enable-no-public-ip": "properties.parameters.enableNoPublicIp.value"}


def databricks(recipe: Recipe) -> list[Step]:
    """The step for the Databricks workspace in the VNET (VNET injection)."""
    ids, n, security = Ids(recipe), recipe.names, recipe.security
    parameters = {
        "customVirtualNetworkId": {"value": ids.vnet},
        "customPublicSubnetName": {"value": n.databricks_public_subnet},
        "customPrivateSubnetName": {"value": n.databricks_private_subnet},
        "enableNoPublicIp": {"value": security.databricks_no_public_ip},
        "prepareEncryption": {"value": security.databricks_encryption},
    }
    managed = f"/subscriptions/{{sign-in.subscription}}/resourceGroups/{n.databricks_managed_group}"
    properties = {
        "computeMode": "Hybrid",
        "managedResourceGroupId": managed,
        "parameters": parameters,
        "publicNetworkAccess": "Enabled",
        "requiredNsgRules": "AllRules",
    }
    body = ids.tracked(properties, sku={"name": "premium"})
    return [
        arm_step(
            "databricks",
            _("Databricks workspace"),
            Resource(
                ids.of("Microsoft.Databricks/workspaces", n.databricks),
                api_versions.DATABRICKS,
                body,
            ),
            after=("vnet",),
            outputs={"url": "properties.workspaceUrl"},
            az=(
                f"az databricks workspace create {ids.cli_new} -n {n.databricks} "
                f"{options(body, DATABRICKS_OPTIONS)} "
                + ("--prepare-encryption " if security.databricks_encryption else "")
                + f"{options(body, NO_PUBLIC_IP)} "
                f"--managed-resource-group {n.databricks_managed_group}",
            ),
            # Without force, the storage account of DBFS stays, and so does the managed group.
            removal=Removal(
                query={"forceDeletion": "true"},
                companion_group=managed,
                also_removes=_(
                    "its managed resource group {group}, clusters and secret scopes",
                    group=n.databricks_managed_group,
                ),
                inside=scope_inside(recipe),
            ),
        )
    ]


def workspace(recipe: Recipe) -> list[Step]:
    """The steps for the Machine Learning workspace, its image-build compute, and their roles."""
    n = recipe.names
    roles: list[Step] = []
    if not recipe.security.shared_keys:
        roles = keeps_data(recipe, "workspace", n.workspace, after=("workspace",))
    return [
        _workspace(recipe),
        _build_compute(recipe),
        *roles,
        *pulls_and_pushes(recipe, "build-compute", n.build_compute, after=("build-compute",)),
    ]


def _workspace(recipe: Recipe) -> Step:
    ids, n = Ids(recipe), recipe.names
    properties = {
        "friendlyName": n.workspace,
        "storageAccount": "{storage.id}",
        "keyVault": "{key-vault.id}",
        "applicationInsights": "{application-insights.id}",
        "containerRegistry": "{registry.id}",
        "publicNetworkAccess": "Disabled",
        "imageBuildCompute": n.build_compute,
        "v1LegacyMode": False,
    }
    identities_only = not recipe.security.shared_keys
    if identities_only:
        properties["systemDatastoresAuthMode"] = "Identity"
    body = ids.tracked(properties, identity={"type": "SystemAssigned"})
    return arm_step(
        "workspace",
        _("Machine Learning workspace"),
        Resource(ids.workspace, api_versions.MACHINE_LEARNING, body),
        after=("storage", "key-vault", "registry", "application-insights"),
        outputs={"principal": "identity.principalId"},
        az=(
            f"az ml workspace create {ids.cli_new} -n {n.workspace} "
            f"{options(body, WORKSPACE_OPTIONS)}"
            + (" --system-datastores-auth-mode identity" if identities_only else ""),
        ),
        removal=Removal(
            purge={"forceToPurge": "true"},
            also_removes=_("its models, runs and endpoints"),
            soft_delete_note=_("soft-deleted: Azure keeps its name for 14 days"),
            invisible_when_soft_deleted=True,
        ),
    )


def _build_compute(recipe: Recipe) -> Step:
    ids, n = Ids(recipe), recipe.names
    compute = {
        "computeType": "AmlCompute",
        "properties": {
            "vmSize": recipe.serving.build_node_size,
            "vmPriority": "Dedicated",
            "scaleSettings": {
                "minNodeCount": 0,
                "maxNodeCount": 1,
                "nodeIdleTimeBeforeScaleDown": "PT15M",
            },
            "subnet": {"id": ids.subnet("compute")},
            "enableNodePublicIp": False,
        },
    }
    body = {
        "location": recipe.sign_in.region,
        "identity": {"type": "SystemAssigned"},
        "properties": compute,
    }
    return arm_step(
        "build-compute",
        _("Image-build compute"),
        Resource(
            f"{ids.workspace}/computes/{n.build_compute}", api_versions.MACHINE_LEARNING, body
        ),
        after=("private-endpoint.workspace", "vnet"),
        outputs={"principal": "identity.principalId"},
        az=(
            f"az ml compute create -g {n.resource_group} -w {n.workspace} "
            f"-n {n.build_compute} {options(body, SCALE_OPTIONS)} --subnet {n.compute_subnet} "
            f"--vnet-name {n.vnet} {options(body, NODE_OPTIONS)}",
        ),
        removal=Removal(query={"underlyingResourceAction": "Delete"}),
    )


def after_private_link(recipe: Recipe) -> tuple[str, ...]:
    """Ids of the steps after which the VNET can reach the workspace."""
    return ready_for(recipe, WORKSPACE)
