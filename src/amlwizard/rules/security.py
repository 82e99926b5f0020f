"""Rules about access: private and service endpoints, SKUs, TLS, AKS's API server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.recipe import Names, Security, Serving, SignIn
from amlwizard.rules.base import Rule, rule, use

ML_VNET = "Azure Machine Learning, secure workspace VNet"
REGISTRY = "Azure Container Registry, service endpoints and SKUs"
KUBERNETES = "Azure Machine Learning, deploy the Kubernetes extension"
DNS_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


@rule(
    "CR-1",
    "Only the Premium SKU of a registry carries network rules and private endpoints.",
    "security",
    about=("security.registry_sku", "security.registry"),
    source=REGISTRY,
)
def registry_sku(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.registry_sku != "Premium":
        yield rule.finding(
            ("security.registry_sku", "security.registry"),
            f"A {security.registry_sku} registry cannot be closed off.",
            cure={"security.registry_sku": "Premium"},
        )


@rule(
    "CR-2",
    "Service endpoints of the registry never left preview; only AKS and virtual machines can use "
    "them.",
    "security",
    about=("security.registry",),
    source=REGISTRY,
    severity="warning",
)
def registry_service_endpoint(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.registry == "service-endpoint":
        yield rule.finding(
            "security.registry",
            "The registry is reached by service endpoints: Microsoft does not support that for the "
            "compute that builds images.",
            cure={"security.registry": "private-endpoint"},
        )


@rule(
    "AML-3",
    "With storage behind service endpoints, Studio works only where the workspace's private "
    "endpoint is in a subnet that has them; with private endpoints the same VNET is enough.",
    "security",
    about=("security.storage", "addresses.workspace"),
    source=ML_VNET,
    severity="warning",
)
def storage_service_endpoint(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.storage == "service-endpoint":
        yield rule.finding(
            ("security.storage", "addresses.workspace"),
            "Storage is reached by service endpoints, so the workspace subnet gets one too.",
            cure={"security.storage": "private-endpoint"},
        )


@rule(
    "KV-1",
    "A service endpoint leaves the vault's public address in use, filtered by subnet.",
    "security",
    about=("security.key_vault",),
    source=ML_VNET,
    severity="warning",
)
def vault_service_endpoint(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.key_vault == "service-endpoint":
        yield rule.finding(
            "security.key_vault",
            "The vault is reached by service endpoints.",
            cure={"security.key_vault": "private-endpoint"},
        )


@rule(
    "NAT-1",
    "Subnets without outbound access need a NAT gateway or a firewall; default outbound access is "
    "being retired.",
    "security",
    about=("security.nat_gateway",),
    source="Azure Virtual Network, default outbound access",
    severity="warning",
)
def outbound(rule: Rule, security: Security) -> Iterator[Finding]:
    if not security.nat_gateway:
        yield rule.finding(
            "security.nat_gateway",
            "Compute and Databricks subnets fall back to default outbound access.",
            cure={"security.nat_gateway": True},
        )


@rule(
    "DB-6",
    "Without secure cluster connectivity every Databricks node has a public address.",
    "security",
    about=("security.databricks_no_public_ip",),
    source="Azure Databricks, secure cluster connectivity",
    severity="warning",
)
def public_nodes(rule: Rule, security: Security) -> Iterator[Finding]:
    if not security.databricks_no_public_ip:
        yield rule.finding(
            "security.databricks_no_public_ip",
            "Databricks nodes have public addresses.",
            cure={"security.databricks_no_public_ip": True},
        )


@rule(
    "AK-14",
    "Authorised ranges guard a public API server; a private one has no public address.",
    "security",
    about=("security.private_aks", "security.aks_authorized_ranges"),
    source="AKS, API server authorized IP ranges",
)
def authorised(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.private_aks and security.aks_authorized_ranges:
        yield rule.finding(
            ("security.private_aks", "security.aks_authorized_ranges"),
            "Both are set.",
            "Use security.aks_authorized_ranges: [], or leave the cluster public.",
            {"security.aks_authorized_ranges": []},
        )


@rule(
    "ST-1",
    "Without shared keys, whoever trains needs roles on the storage account: data goes there under "
    "their identity.",
    "security",
    "names",
    reads=("names.resource_group", "names.storage"),
    about=("security.shared_keys",),
    source="Azure Machine Learning, disable shared key access for your workspace's storage account",
    severity="warning",
)
def keyless(rule: Rule, security: Security, names: Names) -> Iterator[Finding]:
    """A run assigns the workspace's own roles, but the recipe does not say whose account trains."""
    if not security.shared_keys:
        yield rule.finding(
            "security.shared_keys",
            "People, and the notebook's service principal, are given no role on it by a run.",
            "Give them Storage Blob Data Contributor and Storage File Data Privileged Contributor: "
            'az role assignment create --role "Storage Blob Data Contributor" --assignee WHO '
            f"--scope $(az storage account show -g {names.resource_group} -n {names.storage} "
            "--query id -o tsv)",
        )


@rule(
    "AML-K8S-7",
    "Where the API server answers authorised ranges only, those of Machine Learning's control plane "
    "belong to them, of the region and of its pair: it deploys to AKS from there.",
    "security",
    "sign_in",
    reads=("sign_in.region",),
    about=("security.aks_authorized_ranges",),
    source=KUBERNETES,
    severity="warning",
)
def control_plane(rule: Rule, security: Security, sign_in: SignIn) -> Iterator[Finding]:
    """A warning, because Microsoft's pages contradict each other: one requires the ranges, another
    says that attaching AKS grants trusted access without them. Whether the recipe already lists the
    required ranges cannot be determined without the cloud."""
    if security.aks_authorized_ranges and not security.private_aks:
        yield rule.finding(
            "security.aks_authorized_ranges",
            "Deployments fail unless the ranges of Machine Learning are among them, or AKS trusts "
            "it without.",
            "Add the ranges of the service tag AzureMachineLearning of the region and of its pair: "
            f"az network list-service-tags -l {sign_in.region} --query "
            "\"values[?starts_with(name,'AzureMachineLearning.')]\". It is not known whether "
            "clusters still need them.",
        )


@rule(
    "AML-K8S-3",
    "A public load balancer gives the scoring endpoint a public address.",
    "security",
    "serving",
    about=("serving.load_balancer", "security.private_aks"),
    source="Azure Machine Learning, secure Kubernetes inferencing",
    severity="warning",
)
def public_scoring(rule: Rule, security: Security, serving: Serving) -> Iterator[Finding]:
    if security.private_aks and serving.load_balancer == "public":
        yield rule.finding(
            ("serving.load_balancer", "security.private_aks"),
            "AKS is private, and its scoring endpoint is not.",
            cure={"serving.load_balancer": "internal"},
        )


@rule(
    "AML-K8S-6",
    "Machine Learning on a private AKS cluster pulls its images through a private endpoint of the "
    "registry.",
    "security",
    about=("security.registry", "security.private_aks"),
    source="Azure Machine Learning, secure Kubernetes inferencing",
    severity="warning",
)
def private_pull(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.private_aks and security.registry != "private-endpoint":
        yield rule.finding(
            ("security.registry", "security.private_aks"),
            "AKS is private, and its registry is reached by service endpoints.",
            cure={"security.registry": "private-endpoint"},
        )


@rule(
    "AML-K8S-2",
    "HTTPS on the scoring endpoint takes a certificate, its key and its DNS name.",
    "serving",
    about=("serving.tls_certificate", "serving.tls_key", "serving.tls_name"),
    source=KUBERNETES,
)
def tls(rule: Rule, serving: Serving) -> Iterator[Finding]:
    fields = ("tls_certificate", "tls_key", "tls_name")
    given = [field for field in fields if getattr(serving, field)]
    if given and len(given) < len(fields):
        missing = [field for field in fields if field not in given]
        cure = {f"serving.{field}": None for field in given}
        yield rule.finding(
            tuple(f"serving.{field}" for field in fields),
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            f"Give all three, or none. {use(cure)}",
            cure,
        )


@rule(
    "AML-K8S-5",
    "The certificate's name is a DNS name, under which the endpoint is called.",
    "serving",
    about=("serving.tls_name",),
    source=KUBERNETES,
)
def tls_name(rule: Rule, serving: Serving) -> Iterator[Finding]:
    name = serving.tls_name
    if name and (len(name) > 253 or not re.fullmatch(rf"{DNS_LABEL}(\.{DNS_LABEL})+", name)):
        near = re.sub(r"^\w+://|[/:].*$|\s", "", name)
        right = re.fullmatch(rf"{DNS_LABEL}(\.{DNS_LABEL})+", near)
        cure = {"serving.tls_name": near} if right else {}
        fix = use(cure) or "Write it as in the certificate, such as score.example.com."
        yield rule.finding("serving.tls_name", f"{name[:60]!r} is no DNS name.", fix, cure)


@rule(
    "AML-K8S-4",
    "Without TLS the endpoint's key and the data travel unencrypted.",
    "serving",
    about=("serving.tls_certificate", "serving.load_balancer"),
    source=KUBERNETES,
    severity="warning",
)
def plain_http(rule: Rule, serving: Serving) -> Iterator[Finding]:
    if serving.load_balancer == "public" and not serving.tls_certificate:
        yield rule.finding(
            ("serving.tls_certificate", "serving.load_balancer"),
            "The endpoint answers plain HTTP from the Internet.",
            "Give serving.tls_certificate, tls_key and tls_name. Or use serving.load_balancer: "
            "internal: then only the VNET reaches it.",
            {"serving.load_balancer": "internal"},
        )
