"""Which private endpoints a recipe has: of what, for which group, found under which zones."""

from __future__ import annotations

from dataclasses import dataclass

from amlwizard.recipe import Recipe


@dataclass(frozen=True)
class Link:
    """A private endpoint: which step made its target, which group of it, under which zones."""

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
    "Machine Learning workspace",
)
OTHERS = {
    "storage": (
        Link("storage-blob", "storage", "blob", ("privatelink.blob.core.windows.net",), "Blob storage"),
        Link("storage-file", "storage", "file", ("privatelink.file.core.windows.net",), "File storage"),
    ),
    "key_vault": (
        Link("key-vault", "key-vault", "vault", ("privatelink.vaultcore.azure.net",), "Key vault"),
    ),
    "registry": (
        Link("registry", "registry", "registry", ("privatelink.azurecr.io",), "Container registry"),
    ),
}  # fmt: skip


def links(recipe: Recipe) -> list[Link]:
    """The private endpoints that a recipe asks for; the workspace always has one."""
    wanted = [WORKSPACE]
    for field, found in OTHERS.items():
        if getattr(recipe.security, field) == "private-endpoint":
            wanted += found
    return wanted
