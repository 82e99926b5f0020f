"""Rules about names: length, characters, reserved words, and names that must fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amlwizard.errors import Finding
from amlwizard.rules.base import Rule, rule

SOURCE = "Azure Resource Manager, naming rules and restrictions"
ML_QUOTAS = "Azure Machine Learning, manage quotas"


@dataclass(frozen=True)
class Shape:
    """What a name may look like, as a pattern and as a sentence."""

    pattern: str
    text: str

    def fits(self, name: str) -> bool:
        return re.fullmatch(self.pattern, name) is not None


_NETWORK = Shape(
    r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?",
    "1 to 80 letters, digits, . _ -; starts with a letter or digit, ends with one or _",
)
_LABEL = Shape(
    r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
    "1 to 63 letters, digits, . _ -, as a Kubernetes label takes it; starts and ends with a letter "
    "or digit",
)
_GROUP = Shape(
    r"[\w().-]{0,89}[\w()-]", "1 to 90 letters, digits, . _ - ( ); does not end with a period"
)
_ENDPOINT = Shape(
    r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]",
    "3 to 32 letters, digits, -; starts with a letter, ends with a letter or digit",
)

SHAPES: dict[str, Shape] = {
    "resource_group": _LABEL,
    "vnet": Shape(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,61}[A-Za-z0-9]",
        "2 to 63 letters, digits, . _ -; starts and ends with a letter or digit",
    ),
    "workspace_subnet": _NETWORK,
    "compute_subnet": _NETWORK,
    "scoring_subnet": _LABEL,
    "databricks_public_subnet": _NETWORK,
    "databricks_private_subnet": _NETWORK,
    "nat_gateway": _NETWORK,
    "public_ip": _NETWORK,
    "registry": Shape(r"[a-z0-9]{5,50}", "5 to 50 lower-case letters and digits"),
    "storage": Shape(r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits"),
    "key_vault": Shape(
        r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        "3 to 24 letters, digits, -; starts with a letter, ends with a letter or digit, no --",
    ),
    "log_analytics": Shape(
        r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
        "4 to 63 letters, digits, -; starts and ends with a letter or digit",
    ),
    "application_insights": Shape(
        r"[^%&\\?/\s#]([^%&\\?/#]{0,258}[^%&\\?/\s.#])?",
        "1 to 260 characters without % & \\ ? / #; does not end with a space or period",
    ),
    "databricks": Shape(r"[A-Za-z0-9_-]{3,64}", "3 to 64 letters, digits, _ -"),
    "databricks_managed_group": _GROUP,
    "workspace": Shape(
        r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}",
        "3 to 33 letters, digits, _ -; starts with a letter or digit",
    ),
    "build_compute": Shape(
        r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        "3 to 24 letters, digits, -; starts with a letter, ends with a letter or digit",
    ),
    "aks": Shape(
        r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?",
        "1 to 63 letters, digits, _ -; starts and ends with a letter or digit",
    ),
    "aks_identity": Shape(
        r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
        "3 to 128 letters, digits, _ -; starts with a letter or digit",
    ),
    "kubernetes_compute": Shape(
        r"[A-Za-z][A-Za-z0-9-]{0,14}[A-Za-z0-9]",
        "2 to 16 letters, digits, -; starts with a letter, ends with a letter or digit",
    ),
    "cluster": Shape(r"[^\s'\"#][^'\"#]{0,99}", "1 to 100 characters without quotes or #"),
    "experiment": Shape(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,249}",
        "1 to 250 letters, digits, _ . -; a Databricks path such as /Users/x is none",
    ),
    "model": Shape(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}",
        "1 to 255 letters, digits, _ . -; starts with a letter or digit",
    ),
    "endpoint": _ENDPOINT,
    "deployment": _ENDPOINT,
}

# Words that Azure refuses in names with a public address, and how.
RESERVED_ANYWHERE = ("microsoft", "windows")
RESERVED_AT_START = ("login", "xbox")
RESERVED_WHOLE = ("azure", "office", "bing", "skype", "onedrive", "hotmail", "linux")
PUBLIC = ("registry", "storage", "key_vault", "endpoint", "aks", "databricks")
SUBNETS = (
    "workspace_subnet",
    "compute_subnet",
    "scoring_subnet",
    "databricks_public_subnet",
    "databricks_private_subnet",
)


def _follows(names: Any, field: str) -> bool:
    """Whether a name is the one that the prefix gives."""
    extra = type(names).model_fields[field].json_schema_extra or {}
    template = str(extra.get("derived", ""))
    return "{prefix}" in template and getattr(names, field) == template.replace(
        "{prefix}", names.prefix
    )


@rule("NM-1", "Every service has its own rules for names.", "names", source=SOURCE)
def shapes(self: Rule, names: Any) -> Iterator[Finding]:
    wrong = {
        field: shape for field, shape in SHAPES.items() if not shape.fits(getattr(names, field))
    }
    follow = [field for field in wrong if _follows(names, field)]
    if follow:
        # One cause, one finding: the prefix gave all of them.
        first = wrong[follow[0]]
        yield self.finding(
            ("names.prefix", *(f"names.{field}" for field in follow)),
            f"The prefix {_quoted(names.prefix)} gives names that Azure refuses: "
            + ", ".join(f"{f} {_quoted(getattr(names, f))}" for f in follow[:3])
            + (f" and {len(follow) - 3} more" if len(follow) > 3 else "")
            + ".",
            "Use 3 to 12 lower-case letters and digits as prefix, or give those names yourself; "
            f"{follow[0]}: {first.text}.",
        )
    for field, shape in wrong.items():
        if field not in follow:
            yield self.finding(
                f"names.{field}",
                f"{_quoted(getattr(names, field))} is no name for it.",
                f"Allowed: {shape.text}.",
            )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


@rule(
    "NM-2",
    "Azure refuses trademarks and reserved words in names with a public address.",
    "names",
    source=SOURCE,
)
def reserved(self: Rule, names: Any) -> Iterator[Finding]:
    for field in PUBLIC:
        name = getattr(names, field).lower()
        word = next(
            (
                w
                for w in (*RESERVED_ANYWHERE, *RESERVED_AT_START, *RESERVED_WHOLE)
                if (w in RESERVED_ANYWHERE and w in name)
                or (w in RESERVED_AT_START and name.startswith(w))
                or (w in RESERVED_WHOLE and name == w)
            ),
            None,
        )
        if word:
            yield self.finding(
                f"names.{field}", f"{_quoted(name)} holds the reserved word {word}.", "Rename it."
            )


@rule(
    "NM-3",
    "Names of an endpoint on Kubernetes and its deployment have 6 to 62 characters together.",
    "names",
    source=ML_QUOTAS,
)
def together(self: Rule, names: Any) -> Iterator[Finding]:
    length = len(names.endpoint) + len(names.deployment)
    if not 6 <= length <= 62:
        yield self.finding(
            ("names.endpoint", "names.deployment"),
            f"They have {length} characters together.",
            "Shorten one of them." if length > 62 else "Lengthen one of them.",
        )


@rule("NM-4", "Names are unique within their scope.", "names", source=SOURCE)
def unique(self: Rule, names: Any) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for field in SUBNETS:
        name = getattr(names, field).lower()
        if name in seen:
            yield self.finding(
                (f"names.{seen[name]}", f"names.{field}"),
                f"Two subnets are called {_quoted(name)}.",
                "Rename one.",
            )
        seen.setdefault(name, field)
    pairs = (
        ("resource_group", "databricks_managed_group"),
        ("build_compute", "kubernetes_compute"),
    )
    for one, other in pairs:
        if getattr(names, one).lower() == getattr(names, other).lower():
            yield self.finding(
                (f"names.{one}", f"names.{other}"),
                f"Both are called {_quoted(getattr(names, one))}.",
                "Rename one.",
            )
