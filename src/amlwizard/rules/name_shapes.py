"""Azure's naming rules per resource type: permitted patterns and reserved words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from amlwizard.language import _


@dataclass(frozen=True)
class NameShape:
    """The permitted form of a name, as a regular expression and as a sentence."""

    pattern: str
    text: str

    def fits(self, name: str) -> bool:
        return re.fullmatch(self.pattern, name) is not None


_NETWORK = NameShape(
    r"[A-Za-z0-9]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_])?",
    _(
        "1 to 80 letters, digits, . _ -; the first must be a letter or digit, the last a "
        "letter, a digit or _"
    ),
)
LABEL = NameShape(
    r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
    _(
        "1 to 63 letters, digits, . _ -, as in Kubernetes labels; first and last must be a "
        "letter or digit"
    ),
)
_GROUP = NameShape(
    r"[\w().-]{0,89}[\w()-]", _("1 to 90 letters, digits, . _ - ( ); the last must not be a period")
)
_ENDPOINT = NameShape(
    r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]",
    _("3 to 32 letters, digits, -; the first must be a letter, the last a letter or digit"),
)

PREFIX = NameShape(r"[a-z0-9]{3,12}", _("3 to 12 lower-case letters and digits"))
"""Every name that follows from such a prefix is right."""

SHAPES: dict[str, NameShape] = {
    "resource_group": _GROUP,
    "vnet": NameShape(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9_]",
        _(
            "2 to 64 letters, digits, . _ -; the first must be a letter or digit, the last a "
            "letter, a digit or _"
        ),
    ),
    "workspace_subnet": _NETWORK,
    "compute_subnet": _NETWORK,
    "scoring_subnet": _NETWORK,
    "databricks_public_subnet": _NETWORK,
    "databricks_private_subnet": _NETWORK,
    "nat_gateway": _NETWORK,
    "public_ip": _NETWORK,
    "registry": NameShape(r"[a-z0-9]{5,50}", _("5 to 50 lower-case letters and digits")),
    "storage": NameShape(r"[a-z0-9]{3,24}", _("3 to 24 lower-case letters and digits")),
    "key_vault": NameShape(
        r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        _(
            "3 to 24 letters, digits, -; the first must be a letter, the last a letter or digit; "
            "no --"
        ),
    ),
    "log_analytics": NameShape(
        r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
        _("4 to 63 letters, digits, -; first and last must be a letter or digit"),
    ),
    "application_insights": NameShape(
        r"[^%&\\?/\s#]([^%&\\?/#\t\r\n]{0,258}[^%&\\?/\s.#])?",
        _("1 to 260 characters without % & \\ ? / #; the last must not be a space or period"),
    ),
    "databricks": NameShape(r"[A-Za-z0-9_-]{3,64}", _("3 to 64 letters, digits, _ -")),
    "databricks_managed_group": _GROUP,
    "workspace": NameShape(
        r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}",
        _("3 to 33 letters, digits, _ -; the first must be a letter or digit"),
    ),
    "build_compute": NameShape(
        r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
        _("3 to 24 letters, digits, -; the first must be a letter, the last a letter or digit"),
    ),
    "aks": NameShape(
        r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?",
        _("1 to 63 letters, digits, _ -; first and last must be a letter or digit"),
    ),
    "aks_identity": NameShape(
        r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
        _("3 to 128 letters, digits, _ -; the first must be a letter or digit"),
    ),
    "kubernetes_compute": NameShape(
        r"[A-Za-z][A-Za-z0-9-]{0,14}[A-Za-z0-9]",
        _("2 to 16 letters, digits, -; the first must be a letter, the last a letter or digit"),
    ),
    "cluster": NameShape(
        r"[^\s'\"#][^'\"#\t\r\n]{0,99}", _("1 to 100 characters on one line, without quotes or #")
    ),
    "experiment": NameShape(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,249}",
        _("1 to 250 letters, digits, _ . -; a Databricks path, such as /Users/x, is not possible"),
    ),
    "model": NameShape(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}",
        _("1 to 255 letters, digits, _ . -; the first must be a letter or digit"),
    ),
    "endpoint": _ENDPOINT,
    "deployment": _ENDPOINT,
}

# Words that Azure rejects in names with a public address: anywhere, at the start, as the whole.
RESERVED_ANYWHERE = ("microsoft", "windows")
RESERVED_AT_START = ("login", "xbox")
RESERVED_WHOLE = ("azure", "office", "bing", "skype", "onedrive", "hotmail", "linux")
PUBLIC = ("registry", "storage", "key_vault", "endpoint", "aks", "databricks")


def reserved_word(field: str, name: str) -> str | None:
    """The reserved word for which Azure rejects a name, or None."""
    if field not in PUBLIC:
        return None
    name = name.lower()
    found = [word for word in RESERVED_ANYWHERE if word in name]
    found += [word for word in RESERVED_AT_START if name.startswith(word)]
    found += [word for word in RESERVED_WHOLE if name == word]
    return found[0] if found else None


def is_valid_name(field: str, name: str) -> bool:
    """Whether Azure accepts a name for this field."""
    return SHAPES[field].fits(name) and not reserved_word(field, name)
