"""Code and environments: what a deployment with a scoring script of its own runs, and in what."""

from __future__ import annotations

import secrets
from dataclasses import replace

from amlwizard.sandbox.blobs import Blobs, blob_of
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_types.base import Call, ResourceType
from amlwizard.sandbox.resource_types.ml.errors import user_error
from amlwizard.sandbox.resource_types.ml.names import ASSET, NAMESPACE
from amlwizard.sandbox.resource_types.ml.shapes import Code, Environment
from amlwizard.sandbox.resource_types.responses import AT_ONCE, CREATED_AT_ONCE, GONE_AT_ONCE

PENDING = "rcwl"  # the rights to the container of a pending upload
ASSET_PROPERTIES = {"isArchived": False, "tags": {}, "properties": {}}


def _container(call: Call) -> None:
    """What the versions of an asset have in common."""
    call.parent()
    complete(call.properties, ASSET_PROPERTIES)


def _version(call: Call) -> JsonObject:
    """Completes a version, and creates its container if it is the first. Returns the workspace."""
    workspace = call.parent(2)
    complete(call.properties, {**ASSET_PROPERTIES, "isAnonymous": False})
    above = call.id.parent
    if call.state.get(above) is None:
        call.state.resources[above.lower()] = {
            "id": above,
            "name": above.rpartition("/")[2],
            "type": f"{NAMESPACE}/workspaces/{above.split('/')[-2]}",
            "properties": {**ASSET_PROPERTIES, "provisioningState": "Succeeded"},
            "systemData": {"createdAt": timestamp(), "createdByType": "User"},
        }
    return workspace


def _code(call: Call) -> None:
    """The files of a version are in the workspace's storage account before it is created."""
    workspace = _version(call)
    call.require("properties.codeUri")
    uri = call.properties["codeUri"]
    at = blob_of(uri)
    account = workspace["properties"]["storageAccount"].rpartition("/")[2]
    if at is None or at.account.lower() != account.lower():
        raise user_error(
            f"The code asset URI '{uri}' is not in the storage account of the workspace.", "codeUri"
        )
    folder = Blobs(call.state).file(at.container, at.path)
    if not folder.is_dir() or not any(file.is_file() for file in folder.rglob("*")):
        raise user_error(f"There are no files at the code asset URI '{uri}'.", "codeUri")


def _start_pending_upload(call: Call) -> JsonObject:
    """A new container for the files of a version, with a signature for all its blobs."""
    workspace = call.parent(2)["properties"]
    account = workspace["storageAccount"].rpartition("/")[2]
    upload = call.body.get("pendingUploadId") or secrets.token_hex(8)
    container = f"{workspace['workspaceId']}-{upload}"
    signed = Blobs(call.state).url(account, container, "", PENDING)
    return {
        "blobReferenceForConsumption": {
            "blobUri": signed.partition("?")[0],
            "storageAccountArmId": workspace["storageAccount"],
            "credential": {"credentialType": "SAS", "sasUri": signed},
        },
        "pendingUploadId": upload,
        "pendingUploadType": "TemporaryBlobReference",
    }


def _environment(call: Call) -> None:
    _version(call)
    p = call.properties
    if not p.get("image") and not p.get("build"):
        raise user_error("An environment needs an image or a build context.", "image")
    complete(p, {"osType": "Linux", "environmentType": "UserCreated"})


ANY = ResourceType(
    f"{NAMESPACE}/workspaces/codes",
    _container,
    location="",
    name=ASSET,
    missing="UserError",
    system_data=True,
    creates=CREATED_AT_ONCE,
    updates=AT_ONCE,
    deletes=GONE_AT_ONCE,
)
RESOURCE_TYPES = [
    ANY,
    replace(
        ANY,
        type=f"{ANY.type}/versions",
        put=_code,
        shape=Code,
        early={"startpendingupload": _start_pending_upload},
    ),
    replace(ANY, type=f"{NAMESPACE}/workspaces/environments"),
    replace(
        ANY,
        type=f"{NAMESPACE}/workspaces/environments/versions",
        put=_environment,
        shape=Environment,
    ),
]
