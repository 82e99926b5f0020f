"""Parsed ARM resource ids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

KEPT = 2**14
"""The same ids are parsed at every request: those of all resources, to find some by type."""


@dataclass(frozen=True)
class ResourceId:
    """``type`` is in lower case (``microsoft.network/virtualnetworks/subnets``), ``scope`` is what
    precedes the last ``/providers/``, ``name`` is the last segment as written."""

    text: str
    subscription: str
    group: str
    scope: str
    type: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[-1] if self.names else self.group or self.subscription

    @property
    def parent(self) -> str:
        return self.text.rsplit("/", 2)[0]

    @property
    def namespace(self) -> str:
        return self.type.partition("/")[0]

    @classmethod
    @lru_cache(KEPT)
    def parse(cls, text: str) -> ResourceId:
        """Parse an id, or the path of a collection, which has one name less than types."""
        parts = text.strip("/").split("/")
        lower = [part.lower() for part in parts]
        subscription = parts[1] if lower[0] == "subscriptions" and len(parts) > 1 else ""
        group = parts[3] if len(parts) > 3 and lower[2] == "resourcegroups" else ""
        if "providers" not in lower:
            kind = (
                "microsoft.resources/resourcegroups"
                if group
                else "microsoft.resources/subscriptions"
            )
            return cls(text, subscription, group, "", kind, ())
        at = len(lower) - 1 - lower[::-1].index("providers")
        tail = parts[at + 2 :]
        return cls(
            text=text,
            subscription=subscription,
            group=group,
            scope="/" + "/".join(parts[:at]),
            type="/".join(
                [lower[at + 1] if at + 1 < len(lower) else "", *(t.lower() for t in tail[::2])]
            ),
            names=tuple(tail[1::2]),
        )

    @property
    def is_collection(self) -> bool:
        return self.type.count("/") != len(self.names)
