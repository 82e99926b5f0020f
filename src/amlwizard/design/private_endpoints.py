"""The private endpoints of a recipe: target, group id and private DNS zones of each."""

from __future__ import annotations

from dataclasses import dataclass

from amlwizard.language import _
from amlwizard.recipe import Recipe


@dataclass(frozen=True)
class Link:
    """A private endpoint. `target` is the id of the step that creates the target resource, `group`
    the group id (sub-resource), `zones` its private DNS zones."""

    name: str
    target: str
    group: str
    zones: tuple[str, ...]
    title: str


WORKSPACE = Link(
    "workspace",
    "workspace",
    "amlworkspace",
    ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"),
    _("Machine Learning workspace"),
)
OTHERS = {
    "storage": (
        Link("storage-blob", "storage", "blob", ("privatelink.blob.core.windows.net",), _("Blob storage")),
        Link("storage-file", "storage", "file", ("privatelink.file.core.windows.net",), _("File storage")),
    ),
    "key_vault": (
        Link("key-vault", "key-vault", "vault", ("privatelink.vaultcore.azure.net",), _("Key vault")),
    ),
    "registry": (
        Link("registry", "registry", "registry", ("privatelink.azurecr.io",), _("Container registry")),
    ),
}  # fmt: skip


def links(recipe: Recipe) -> list[Link]:
    """The private endpoints of a recipe; the workspace always has one."""
    wanted = [WORKSPACE]
    for field, found in OTHERS.items():
        if getattr(recipe.security, field) == "private-endpoint":
            wanted += found
    return wanted
