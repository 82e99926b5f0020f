"""Maps what a recording and the sandbox name differently: ids, hosts, other generated names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from amlwizard.json_types import JsonValue

GUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
SUBSCRIPTION = re.compile(r"(?i)/subscriptions/([0-9a-f-]{32,36})")
CANARY = re.compile(r'(?i)"(\w+)euap"')  # Microsoft's own early regions, beside the public ones
# A cloud generates these, and later requests repeat them.
MADE_UP = re.compile(
    r"(?i)^(workspaceurl|noderesourcegroup|cluster_id|context_id|command_id|fqdn|loginserver)$"
)


class NameMapping:
    """Maps the names in a recording to the sandbox's, regardless of case."""

    def __init__(self, subscription: str, tenant: str) -> None:
        self.subscription, self.tenant = subscription, tenant
        self._ours: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def put(self, theirs: str, ours: str) -> None:
        """Add a name and its counterpart; the first counterpart of a name is kept."""
        if theirs and ours and theirs.lower() != ours.lower() and theirs.lower() not in self._ours:
            self._ours[theirs.lower()] = ours
            longest = sorted(self._ours, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest)), re.I)

    def meet(self, url: str, *bodies: JsonValue) -> None:
        """Add the subscriptions, tenants and canary regions of an exchange: their counterparts are
        known before the sandbox has answered."""
        for text in (url, *(json.dumps(body) for body in bodies if body)):
            for found in SUBSCRIPTION.findall(text):
                self.put(found, self.subscription)
            for found in CANARY.findall(text):
                self.put(f"{found}euap", found)
        for body in bodies:
            for key, value in _strings(body):
                if key.lower() == "tenantid":
                    self.put(value, self.tenant)

    def mapped(self, text: str) -> str:
        """A text with all known names replaced."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._ours[found[0].lower()], text)

    def mapped_body(self, body: JsonValue) -> JsonValue:
        """A JSON value with all known names replaced."""
        if isinstance(body, str):
            return self.mapped(body)
        if self._pattern is None or body is None:
            return body
        return self._with_tenant(json.loads(self.mapped(json.dumps(body))))

    def _with_tenant(self, value: JsonValue) -> JsonValue:
        """Recordings have one stand-in for tenant and subscription: the key decides which it is."""
        if isinstance(value, list):
            return [self._with_tenant(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self.tenant
            if key.lower() == "tenantid" and inner == self.subscription
            else self._with_tenant(inner)
            for key, inner in value.items()
        }

    def host(self, theirs: str) -> str:
        """The sandbox's host for a recorded one; empty if there is none yet."""
        return self._ours.get(theirs.lower(), "")

    def learn(self, theirs: JsonValue, ours: JsonValue, key: str = "") -> None:
        """Add the names in two answers to the same request: those at the same place correspond."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                self.learn(theirs[name], ours[name], name)
        elif isinstance(theirs, list) and isinstance(ours, list):
            if len(theirs) == len(ours):
                for one, other in zip(theirs, ours, strict=True):
                    self.learn(one, other, key)
        elif isinstance(theirs, str) and isinstance(ours, str):
            if MADE_UP.match(key):
                self.put(theirs, ours)
            elif key.lower().endswith("uri"):
                self.put(urlsplit(theirs).netloc, urlsplit(ours).netloc)
            found, made = GUID.findall(theirs), GUID.findall(ours)
            if len(found) == len(made):
                for one, other in zip(found, made, strict=True):
                    self.put(one, other)


def _strings(value: JsonValue, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key)
    elif isinstance(value, str):
        yield key, value
