"""Rules about access: private and service endpoints, SKUs, TLS, AKS's API server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from amlwizard.errors import Finding
from amlwizard.language import _, listed, sentences
from amlwizard.recipe import Names, Security, Serving, SignIn, title
from amlwizard.rules.base import Rule, rule, use

ML_VNET = _("Azure Machine Learning, secure workspace VNet")
REGISTRY = _("Azure Container Registry, service endpoints and SKUs")
KUBERNETES = _("Azure Machine Learning, deploy the Kubernetes extension")
DNS_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


@rule(
    "CR-1",
    _("Only Premium registries support network rules and private endpoints."),
    "security",
    about=("security.registry_sku", "security.registry"),
    source=REGISTRY,
)
def registry_sku(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.registry_sku != "Premium":
        yield rule.finding(
            ("security.registry_sku", "security.registry"),
            _(
                "A {sku} registry supports no private endpoints and no network rules.",
                sku=security.registry_sku,
            ),
            cure={"security.registry_sku": "Premium"},
        )


@rule(
    "CR-2",
    _(
        "Service endpoints of registries are in preview, and only AKS and virtual machines can use them."
    ),
    "security",
    about=("security.registry",),
    source=REGISTRY,
    severity="warning",
)
def registry_service_endpoint(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.registry == "service-endpoint":
        yield rule.finding(
            "security.registry",
            _(
                "The registry uses service endpoints, which the compute that builds images does not "
                "support."
            ),
            cure={"security.registry": "private-endpoint"},
        )


@rule(
    "AML-3",
    _(
        "With service endpoints on storage, Studio works only if the workspace's private endpoint is in "
        "a subnet that has them; with private endpoints, the same VNET is enough."
    ),
    "security",
    about=("security.storage", "addresses.workspace"),
    source=ML_VNET,
    severity="warning",
)
def storage_service_endpoint(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.storage == "service-endpoint":
        yield rule.finding(
            ("security.storage", "addresses.workspace"),
            _("Storage uses service endpoints, so the workspace subnet gets one, too."),
            cure={"security.storage": "private-endpoint"},
        )


@rule(
    "KV-1",
    _("With a service endpoint, the vault keeps its public endpoint, restricted by subnet."),
    "security",
    about=("security.key_vault",),
    source=ML_VNET,
    severity="warning",
)
def vault_service_endpoint(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.key_vault == "service-endpoint":
        yield rule.finding(
            "security.key_vault",
            _("The key vault uses service endpoints."),
            cure={"security.key_vault": "private-endpoint"},
        )


@rule(
    "NAT-1",
    _(
        "Subnets need a NAT gateway or a firewall for outbound access; Azure is retiring default outbound "
        "access."
    ),
    "security",
    about=("security.nat_gateway",),
    source=_("Azure Virtual Network, default outbound access"),
    severity="warning",
)
def outbound(rule: Rule, security: Security) -> Iterator[Finding]:
    if not security.nat_gateway:
        yield rule.finding(
            "security.nat_gateway",
            _(
                "Without a NAT gateway, the compute and Databricks subnets depend on default outbound "
                "access."
            ),
            cure={"security.nat_gateway": True},
        )


@rule(
    "DB-6",
    _("Without secure cluster connectivity, every Databricks node has a public IP address."),
    "security",
    about=("security.databricks_no_public_ip",),
    source=_("Azure Databricks, secure cluster connectivity"),
    severity="warning",
)
def public_nodes(rule: Rule, security: Security) -> Iterator[Finding]:
    if not security.databricks_no_public_ip:
        yield rule.finding(
            "security.databricks_no_public_ip",
            _("Databricks nodes get public IP addresses."),
            cure={"security.databricks_no_public_ip": True},
        )


@rule(
    "AK-14",
    _("Authorised ranges restrict a public API server; a private one has no public endpoint."),
    "security",
    about=("security.private_aks", "security.aks_authorized_ranges"),
    source=_("AKS, API server authorized IP ranges"),
)
def authorised(rule: Rule, security: Security) -> Iterator[Finding]:
    cure: dict[str, object] = {"security.aks_authorized_ranges": []}
    if security.private_aks and security.aks_authorized_ranges:
        yield rule.finding(
            ("security.private_aks", "security.aks_authorized_ranges"),
            _("A private AKS cluster cannot have authorised ranges."),
            sentences(use(cure), _("Or do not make AKS private.")),
            cure,
            otherwise=_("Do not make AKS private."),
        )


@rule(
    "ST-1",
    _(
        "Without shared keys, everyone who trains needs roles on the storage account, as data is accessed "
        "with their own identity."
    ),
    "security",
    "names",
    reads=("names.resource_group", "names.storage"),
    about=("security.shared_keys",),
    source=_(
        "Azure Machine Learning, disable shared key access for your workspace's storage account"
    ),
    severity="warning",
)
def keyless(rule: Rule, security: Security, names: Names) -> Iterator[Finding]:
    """A run assigns the workspace's own roles, but the recipe does not say whose account trains."""
    if not security.shared_keys:
        command = (
            'az role assignment create --role "Storage Blob Data Contributor" --assignee WHO '
            f"--scope $(az storage account show -g {names.resource_group} -n {names.storage} "
            "--query id -o tsv)"
        )
        yield rule.finding(
            "security.shared_keys",
            _(
                "Shared keys are off, and a run gives no roles to users or to the notebook's service "
                "principal."
            ),
            _(
                "Give them the roles Storage Blob Data Contributor and Storage File Data Privileged "
                "Contributor: {command}",
                command=command,
            ),
        )


@rule(
    "AML-K8S-7",
    _(
        "Azure Machine Learning deploys to AKS from its own addresses, in the region and its paired region; "
        "authorised ranges must include them."
    ),
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
        command = (
            f"az network list-service-tags -l {sign_in.region} --query "
            "\"values[?starts_with(name,'AzureMachineLearning.')]\""
        )
        yield rule.finding(
            "security.aks_authorized_ranges",
            _(
                "Deployments may fail unless the authorised ranges include those of Azure Machine "
                "Learning."
            ),
            _(
                "Add the ranges of the service tag AzureMachineLearning for the region and its pair: "
                "{command}. Microsoft's documents disagree on whether AKS needs them.",
                command=command,
            ),
        )


@rule(
    "AML-K8S-3",
    _("A public load balancer gives the scoring endpoint a public IP address."),
    "security",
    "serving",
    about=("serving.load_balancer", "security.private_aks"),
    source=_("Azure Machine Learning, secure Kubernetes inferencing"),
    severity="warning",
)
def public_scoring(rule: Rule, security: Security, serving: Serving) -> Iterator[Finding]:
    if security.private_aks and serving.load_balancer == "public":
        yield rule.finding(
            ("serving.load_balancer", "security.private_aks"),
            _("AKS is private, but its scoring endpoint is public."),
            cure={"serving.load_balancer": "internal"},
        )


@rule(
    "AML-K8S-6",
    _(
        "On a private AKS cluster, Azure Machine Learning pulls images through a private endpoint of the "
        "registry."
    ),
    "security",
    about=("security.registry", "security.private_aks"),
    source=_("Azure Machine Learning, secure Kubernetes inferencing"),
    severity="warning",
)
def private_pull(rule: Rule, security: Security) -> Iterator[Finding]:
    if security.private_aks and security.registry != "private-endpoint":
        yield rule.finding(
            ("security.registry", "security.private_aks"),
            _("AKS is private, but the registry uses service endpoints."),
            cure={"security.registry": "private-endpoint"},
        )


@rule(
    "AML-K8S-2",
    _("HTTPS on the scoring endpoint needs a certificate, its key and its DNS name."),
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
            _(
                "For HTTPS, {fields} must be given, too.",
                fields=listed([title(f"serving.{field}") for field in missing]),
            ),
            _("Give all three, or none: {cure}", cure=use(cure)),
            cure,
            otherwise=_("Give all three, or none."),
        )


@rule(
    "AML-K8S-5",
    _(
        "The TLS name must be the DNS name in the certificate, which clients use to call the endpoint."
    ),
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
        yield rule.finding(
            "serving.tls_name",
            _("{name!r} is not a DNS name.", name=name[:60]),
            cure=cure,
            otherwise=_("Give it as it is in the certificate, such as score.example.com."),
        )


@rule(
    "AML-K8S-4",
    _("Without TLS, the endpoint's key and all data are sent unencrypted."),
    "serving",
    about=("serving.tls_certificate", "serving.load_balancer"),
    source=KUBERNETES,
    severity="warning",
)
def plain_http(rule: Rule, serving: Serving) -> Iterator[Finding]:
    if serving.load_balancer == "public" and not serving.tls_certificate:
        otherwise = _("Give a TLS certificate, its key and its name.")
        cure = {"serving.load_balancer": "internal"}
        yield rule.finding(
            ("serving.tls_certificate", "serving.load_balancer"),
            _("The scoring endpoint accepts plain HTTP from the Internet."),
            sentences(otherwise, _("Or, so that only the VNET reaches it: {cure}", cure=use(cure))),
            cure,
            otherwise=otherwise,
        )
