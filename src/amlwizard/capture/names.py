"""Finds the names that users chose: of resources, people, tenants, domains. They are recognised by
their place; their words are then replaced everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

WORD = re.compile(r"[A-Za-z0-9]+")
ID = re.compile(r"/subscriptions/[^\s\"'?#]+", re.I)
TYPES = re.compile(
    r"(?i)/providers/[a-z]+\.[a-z.]+/([^\s\"\\'?#,;)]+?)(?=/providers/|[\s\"\\'?#,;)]|$)"
)
# A value is a name if it is at one of these keys, in any object...
NAMED = re.compile(
    r"(?i)(displayname|username|principalname|upn|e?mail|dnsprefix|fqdn|subdomain|hostname|loginserver"
    r"|workspaceurl|cname|domain|createdby|lastmodifiedby|creator|owner|cluster_?name|experiment_?name"
    r"|run_?name|login_?hint|account|given_?name|surname|user|publicfqdn|privatefqdn)$"
)
# ...or at `name`, unless the object is a choice from a list.
OF_A_LIST = frozenset({"sku", "plan", "capabilities", "tier", "role", "usage", "kind"})
CATALOGUES = re.compile(
    r"(?i)/(locations|skus|usages|quotas|vmsizes|kubernetesversions|providers|roledefinitions"
    r"|spark-versions|list-node-types|policydefinitions)(/[^/?]*)?(\?|$)"
)
# Words that identify no person or resource.
_PLAIN = """
    default primary secondary standard basic premium public private internal external workspace compute
    scoring blob file vault registry api login management azure azureml microsoft azurebastionsubnet
    gatewaysubnet privatelink core windows net com org vnet subnet snet nsg link nat pip databricks
    cluster model models endpoint endpoints deployment blue green true false name system user pool
    nodepool agentpool node resource group network security storage account key insights log analytics
    application identity kubernetes extension container image build score train training register run
    runs the and for with not was has been that this from which does azurecr vaultcore data cert
    workspaces vaults registries accounts servers notebooks instances inference azmk8s online ubuntu linux windows2022 allow deny null none enabled
    disabled succeeded creating updating deleting failed zone zones dns local host http https www sandbox
"""
PLAIN = frozenset(_PLAIN.split())
SHORTEST = 3


def names_in(url: str, *bodies: object) -> Iterator[str]:
    """Every name in an exchange."""
    yield from _of_id(url.partition("?")[0])
    if not CATALOGUES.search(url):
        for body in bodies:
            yield from _of(body, "")


def _of(value: object, key: str, beside: dict[str, object] | None = None) -> Iterator[str]:
    if isinstance(value, dict):
        for inner, content in value.items():
            if str(inner).lower() in ("tags", "custom_tags") and isinstance(content, dict):
                yield from (tag for tag in content.values() if isinstance(tag, str))
            parent = {**value, "": key} if inner == "name" else None
            yield from _of(content, str(inner), parent)
    elif isinstance(value, list):
        for content in value:
            yield from _of(content, key)
    elif isinstance(value, str):
        if NAMED.search(key) or (beside and _is_thing(beside)):
            yield value
        for found in ID.findall(value):
            yield from _of_id(found)


def _is_thing(holder: dict[str, object]) -> bool:
    return str(holder[""]).lower() not in OF_A_LIST


def _of_id(text: str) -> Iterator[str]:
    """The names in an ARM id: the group's, and the one after each type."""
    parts = [part for part in text.split("/") if part]
    lower = [part.lower() for part in parts]
    if "resourcegroups" in lower[:-1]:
        yield parts[lower.index("resourcegroups") + 1]
    for at in (n for n, part in enumerate(lower) if part == "providers"):
        tail = parts[at + 2 :]
        end = next((n for n, part in enumerate(tail) if part.lower() == "providers"), len(tail))
        if not (tail and tail[0].lower() in ("locations", "roledefinitions")):
            yield from tail[1:end:2]


def types_in(url: str, *bodies: object) -> set[str]:
    """The words of all types in ARM ids, in lower case: they are kept, even if names have them."""
    found: set[str] = set()
    for text in (url.partition("?")[0], *(json.dumps(body) for body in bodies if body)):
        for tail in TYPES.findall(text):
            parts = tail.split("/")
            found.update(word.lower() for part in parts[0::2] for word in WORD.findall(part))
    return found


def words_of(name: str) -> set[str]:
    """The words of a name that identify something, in lower case."""
    return {
        word
        for word in (found.lower() for found in WORD.findall(name))
        if len(word) >= SHORTEST and word not in PLAIN and not (word.isdigit() and len(word) < 5)
    }
