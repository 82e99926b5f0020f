"""Promises about the network access of the workspace, its storage, key vault and registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from amlwizard.design.names import ResourceNames
from amlwizard.design.private_endpoints import links
from amlwizard.design.subnets import SERVICE_ENDPOINTS, SUBNETS
from amlwizard.json_path import resource_name, value_at
from amlwizard.json_types import Document
from amlwizard.language import _
from amlwizard.posture.facts import PostureFacts
from amlwizard.posture.judging import Promise, equal, is_so, need, tried
from amlwizard.posture.result import Evidence
from amlwizard.recipe import Recipe

DATA = _("Data")
TLS_FLOOR = "TLS1_2"


def promises(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    n = recipe.names
    yield Promise(
        "workspace.closed",
        _("Workspace"),
        _("The workspace answers nobody from outside"),
        n.workspace,
        _("Azure Machine Learning, configure a private endpoint"),
        _("public access off, 403 from outside"),
        lambda: _workspace(recipe, facts),
        f"az ml workspace update -g {n.resource_group} -n {n.workspace} "
        "--public-network-access Disabled",
    )
    yield from _firewalls(recipe, facts)
    yield from _settings(recipe, facts)


def _firewalls(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    n, security = recipe.names, recipe.security
    for field, title, firewall, source in (
        ("storage", _("Storage account"), _acls("networkAcls"), _("Azure Storage, firewall rules")),
        ("key_vault", _("Key vault"), _acls("networkAcls"), _("Azure Key Vault, network security")),
        (
            "registry",
            _("Container registry"),
            _registry,
            _("Azure Container Registry, network access"),
        ),
    ):
        private = getattr(security, field) == "private-endpoint"
        yield Promise(
            f"{_role(field)}.closed",
            DATA,
            _("{title}: closed to the Internet", title=title),
            getattr(n, field),
            source,
            _("public access off, no exceptions")
            if private
            else _("denied by default, this VNET's subnets excepted"),
            _firewalled(recipe, facts, field, title, firewall),
            _("Replay the recipe; remove by hand whatever else was let in."),
        )


def _settings(recipe: Recipe, facts: PostureFacts) -> Iterator[Promise]:
    n, security = recipe.names, recipe.security
    yield Promise(
        "storage.tls",
        DATA,
        _("Storage account: TLS 1.2, HTTPS only, not anonymous"),
        n.storage,
        _("Azure Storage, security recommendations"),
        _("TLS 1.2, HTTPS, no anonymous access"),
        lambda: _tls(need(facts, "storage", n.storage)),
    )
    yield Promise(
        "key-vault.roles",
        DATA,
        _("Key vault: access by roles"),
        n.key_vault,
        _("Azure Key Vault, role-based access control"),
        _("role-based access"),
        lambda: iter(
            [equal(_("role-based access"), need(facts, "key-vault", n.key_vault),
                   "properties.enableRbacAuthorization", True)]
        ),
    )  # fmt: skip
    yield Promise(
        "key-vault.deletion",
        DATA,
        _("Key vault: a deleted vault can be recovered"),
        n.key_vault,
        _("Azure Key Vault, soft delete and purge protection"),
        _("soft delete and purge protection") if security.purge_protection else _("soft delete"),
        lambda: _deletion(recipe, need(facts, "key-vault", n.key_vault)),
    )
    yield Promise(
        "registry.admin",
        DATA,
        _("Container registry: no admin password"),
        n.registry,
        _("Azure Container Registry, authentication"),
        _("admin user off"),
        lambda: iter(
            [equal(_("admin user"), need(facts, "registry", n.registry),
                   "properties.adminUserEnabled", False)]
        ),
    )  # fmt: skip


def _role(field: str) -> str:
    return field.replace("_", "-")


def _workspace(recipe: Recipe, facts: PostureFacts) -> Iterator[Evidence]:
    workspace = need(facts, "workspace", recipe.names.workspace)
    yield equal(_("public network access"), workspace, "properties.publicNetworkAccess", "Disabled")
    yield _own_endpoints(recipe, workspace, "workspace")

    def outside() -> Evidence:
        answer = facts.answer("outside", "tracking")
        return is_so(
            "outside",
            _("request with a valid token"),
            answer.status == 403,
            "HTTP 403",
            str(answer),
        )

    yield from tried("outside", _("request with a valid token"), outside)


def _own_endpoints(recipe: Recipe, target: Document, role: str) -> Evidence:
    """Only the recipe's private endpoints lead to a target: any other would let its VNET in."""
    names = ResourceNames(recipe)
    own = {
        names.private_endpoint(link.name).lower() for link in links(recipe) if link.target == role
    }
    strangers = [
        resource_name(value_at(connection, "properties.privateEndpoint.id")) or _("unnamed")
        for connection in value_at(target, "properties.privateEndpointConnections") or []
        if value_at(connection, "properties.privateLinkServiceConnectionState.status") == "Approved"
    ]
    strangers = [name for name in strangers if name not in own]
    return is_so(
        "ARM",
        _("private endpoints of others"),
        not strangers,
        _("none"),
        ", ".join(strangers) or _("none"),
    )


Firewall = Callable[[Document], Document]


def _acls(key: str) -> Firewall:
    return lambda document: value_at(document, f"properties.{key}") or {}


def _registry(document: Document) -> Document:
    """A registry's rules in the form of other services: it stores the setting for trusted services
    in a separate property, and has no rule set while public access is disabled."""
    rules = value_at(document, "properties.networkRuleSet") or {"defaultAction": "Deny"}
    return {**rules, "bypass": value_at(document, "properties.networkRuleBypassOptions")}


def _firewalled(
    recipe: Recipe, facts: PostureFacts, field: str, title: str, firewall: Firewall
) -> Callable[[], Iterator[Evidence]]:
    private = getattr(recipe.security, field) == "private-endpoint"
    role = _role(field)

    def judge() -> Iterator[Evidence]:
        document = need(facts, role, title)
        acls = firewall(document)
        wanted = "Disabled" if private else "Enabled"
        yield equal(_("public network access"), document, "properties.publicNetworkAccess", wanted)
        yield equal(_("firewall's default"), acls, "defaultAction", "Deny")
        trusted = str(acls.get("bypass") or "AzureServices")
        yield is_so(
            "ARM",
            _("trusted services"),
            trusted in ("AzureServices", "None"),
            _("at most Azure's own"),
            trusted,
        )
        yield _subnets_let_in(recipe, acls, private)
        for key, what in (
            ("ipRules", _("addresses let in")),
            ("resourceAccessRules", _("resources let in")),
        ):
            given = [
                str(rule.get("value") or rule.get("resourceId")) for rule in acls.get(key) or []
            ]
            yield is_so("ARM", what, not given, _("none"), ", ".join(given) or _("none"))
        yield _own_endpoints(recipe, document, role)
        if not private:
            yield from _service_endpoints(recipe, facts, SERVICE_ENDPOINTS[field])

    return judge


def _subnets_let_in(recipe: Recipe, acls: Document, private: bool) -> Evidence:
    vnet = f"/virtualnetworks/{recipe.names.vnet}/subnets/".lower()
    wanted = {
        f"{vnet}{getattr(recipe.names, f'{which}_subnet')}".lower()
        for which in (() if private else SUBNETS)
    }
    given = [_subnet_of(rule).lower() for rule in acls.get("virtualNetworkRules") or []]
    seen = {text[text.find("/virtualnetworks/") :] for text in given}
    seen_text = ", ".join(sorted(resource_name(text) for text in seen)) or _("none")
    return is_so(
        "ARM",
        _("subnets let in"),
        seen == wanted,
        ", ".join(sorted(resource_name(text) for text in wanted)) or _("none"),
        seen_text,
    )


def _subnet_of(rule: Document) -> str:
    """The subnet id of a rule; a registry uses another key for it than storage and key vault."""
    return str(rule.get("id") or rule.get("virtualNetworkSubnetResourceId") or "")


def _service_endpoints(recipe: Recipe, facts: PostureFacts, service: str) -> Iterator[Evidence]:
    """A firewall rule for a subnet works only where the subnet has the service endpoint."""
    vnet = need(facts, "vnet", recipe.names.vnet)
    named = {
        resource_name(s["id"]): s["properties"] for s in value_at(vnet, "properties.subnets") or []
    }
    without = [
        getattr(recipe.names, f"{which}_subnet")
        for which in SUBNETS
        if service
        not in [
            e.get("service")
            for e in named.get(getattr(recipe.names, f"{which}_subnet").lower(), {}).get(
                "serviceEndpoints"
            )
            or []
        ]
    ]
    yield is_so(
        "ARM",
        _("subnets with the endpoint {service}", service=service),
        not without,
        _("all five"),
        _("not {subnets}", subnets=", ".join(without)) if without else _("all five"),
    )


def _tls(storage: Document) -> Iterator[Evidence]:
    floor = str(value_at(storage, "properties.minimumTlsVersion") or "TLS1_0")
    yield is_so("ARM", _("oldest TLS version"), floor >= TLS_FLOOR, TLS_FLOOR, floor)
    yield equal(_("HTTPS only"), storage, "properties.supportsHttpsTrafficOnly", True)
    yield equal(_("anonymous reading"), storage, "properties.allowBlobPublicAccess", False)


def _deletion(recipe: Recipe, vault: Document) -> Iterator[Evidence]:
    yield equal(_("soft delete"), vault, "properties.enableSoftDelete", True)
    if recipe.security.purge_protection:
        yield equal(_("purge protection"), vault, "properties.enablePurgeProtection", True)
