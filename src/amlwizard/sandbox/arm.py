"""Azure Resource Manager: one controller for every resource type, with its operations."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import re
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox import entra as entra_module
from amlwizard.sandbox.datacentre import DataCentre
from amlwizard.sandbox.entra import Entra
from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds import KINDS
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind, swallow
from amlwizard.sandbox.kinds.foundation import ROLES
from amlwizard.sandbox.kinds.ml import model_containers, model_versions, workspace_key
from amlwizard.sandbox.subscription import Subscription

REGIONS = (
    "westeurope", "northeurope", "eastus", "eastus2", "westus2", "westus3", "centralus",
    "uksouth", "francecentral", "germanywestcentral", "swedencentral", "switzerlandnorth",
    "southeastasia", "australiaeast", "japaneast", "canadacentral",
)  # fmt: skip
NAMESPACES = sorted({
    "Microsoft.MachineLearningServices", "Microsoft.Storage", "Microsoft.KeyVault",
    "Microsoft.ContainerRegistry", "Microsoft.Network", "Microsoft.Databricks",
    "Microsoft.ContainerService", "Microsoft.KubernetesConfiguration", "Microsoft.Insights",
    "Microsoft.OperationalInsights", "Microsoft.Notebooks", "Microsoft.ManagedIdentity",
    "Microsoft.Compute", "Microsoft.Authorization", "Microsoft.Resources",
    "Microsoft.OperationsManagement", "Microsoft.Features",
})  # fmt: skip
BUILT_IN = {"Microsoft.Authorization", "Microsoft.Resources", "Microsoft.Features"}
VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?")
REGISTRATION_SECONDS = 90


class Arm:
    def __init__(self, centre: DataCentre, entra: Entra) -> None:
        self.centre, self.world, self.entra = centre, centre.world, entra
        self.subscription = Subscription(centre.world, NAMESPACES)

    async def handle(self, request: Request) -> Response:
        claims = self.entra.check(request, *entra_module.ARM, self.world.arm)
        if isinstance(claims, Response):
            return claims
        try:
            answer = await self._dispatch(request, claims)
            self.world.settle()
            return answer
        except ArmError as error:
            return JSONResponse(error.body(), error.status)
        finally:
            if request.method != "GET":
                self.world.save()

    async def _dispatch(self, request: Request, claims: Body) -> Response:
        path = re.sub(r"/+", "/", request.url.path).rstrip("/")
        version = request.query_params.get("api-version", "")
        if not VERSION.fullmatch(version):
            raise ArmError(
                400,
                "MissingApiVersionParameter" if not version else "InvalidApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests."
                if not version
                else f"The api-version '{version}' is invalid.",
            )
        self.world.settle()
        body = await _json(request)
        if path.lower() == "/tenants":
            return _list(
                [
                    {
                        "id": f"/tenants/{self.world.tenant}",
                        "tenantId": self.world.tenant,
                        "displayName": "Sandbox",
                    }
                ]
            )
        if path.lower() == "/subscriptions":
            return _list([self._subscription(s) for s in self.world.data["subscriptions"]])
        rid = ResourceId.parse(path)
        if rid.subscription not in self.world.data["subscriptions"]:
            raise ArmError(
                404,
                "SubscriptionNotFound",
                f"The subscription '{rid.subscription}' could not be found.",
            )
        operation = re.search(r"/(operationStatuses|operationResults)/([0-9a-f-]{36})$", path)
        if operation:
            return self._operation(*operation.groups())
        parts = path.strip("/").split("/")
        lower = [part.lower() for part in parts]
        if len(parts) == 2:
            return JSONResponse(self._subscription(rid.subscription))
        if lower[2] == "providers" and (len(parts) <= 5):
            special = self._providers(request, parts, lower, body)
            if special is not None:
                return special
        if lower[2:3] == ["locations"]:
            return _list(
                [
                    {
                        "id": f"/subscriptions/{rid.subscription}/locations/{r}",
                        "name": r,
                        "displayName": r,
                        "regionalDisplayName": r,
                        "metadata": {"regionType": "Physical"},
                    }
                    for r in REGIONS
                ]
            )
        if lower[-1] == "resources" and len(parts) in (3, 5):
            return _list(
                self._everything(path.rsplit("/", 1)[0], request.query_params.get("$filter", ""))
            )
        if lower[2] == "resourcegroups" and len(parts) <= 4:
            return self._group(request, rid, body)
        special_answer = await self.subscription.handle(request.method, path, body, claims)
        if special_answer is not None:
            return (
                JSONResponse(special_answer[1], special_answer[0])
                if special_answer[1] is not None
                else Response(status_code=special_answer[0])
            )
        return await self._resource(request, rid, body, version, claims)

    # -- subscriptions, providers, groups

    def _subscription(self, name: str) -> Body:
        given = self.world.data["subscriptions"][name]
        return {
            "id": f"/subscriptions/{name}",
            "subscriptionId": name,
            "displayName": given["name"],
            "tenantId": self.world.tenant,
            "state": given["state"],
            "authorizationSource": "RoleBased",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }

    def _providers(
        self, request: Request, parts: list[str], lower: list[str], body: Body
    ) -> Response | None:
        subscription = parts[1]
        if len(parts) == 3:
            return _list([self._provider(subscription, ns) for ns in NAMESPACES])
        name = next((ns for ns in NAMESPACES if ns.lower() == lower[3]), None)
        if len(parts) == 4 or lower[-1] in ("register", "unregister"):
            if name is None:
                raise ArmError(
                    404,
                    "InvalidResourceNamespace",
                    f"The resource namespace '{parts[3]}' is invalid.",
                )
            if lower[-1] == "register" and request.method == "POST":
                states = self.world.data["providers"].setdefault(subscription, {})
                if name not in states:
                    states[name] = self.world.begin(
                        f"/subscriptions/{subscription}/providers/{name}",
                        "register",
                        REGISTRATION_SECONDS,
                    )
            if lower[-1] == "unregister":
                self.world.data["providers"].get(subscription, {}).pop(name, None)
            self.world.polled(f"/subscriptions/{subscription}/providers/{name}")
            return JSONResponse(self._provider(subscription, name))
        return None

    def _registration(self, subscription: str, namespace: str) -> str:
        if namespace in BUILT_IN:
            return "Registered"
        name = self.world.data["providers"].get(subscription, {}).get(namespace)
        if name is None:
            return "NotRegistered"
        done = self.world.data["operations"][name]["status"] == "Succeeded"
        return "Registered" if done else "Registering"

    def _provider(self, subscription: str, namespace: str) -> Body:
        types = [k for k in KINDS.values() if k.type.startswith(f"{namespace}/")]
        return {
            "id": f"/subscriptions/{subscription}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": self._registration(subscription, namespace),
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [
                {
                    "resourceType": kind.type.split("/", 1)[1],
                    "locations": ["global"] if kind.location == "global" else list(REGIONS),
                    "apiVersions": ["2025-01-01"],
                    "capabilities": "None",
                }
                for kind in types
            ],
        }

    def _everything(self, scope: str, where: str) -> list[Body]:
        name = re.search(r"name eq '([^']+)'", where)
        kind = re.search(r"resourceType eq '([^']+)'", where)
        prefix = scope.lower() + "/"
        return [
            {k: r[k] for k in ("id", "name", "type", "location", "tags", "sku", "kind") if k in r}
            for key, r in self.world.resources.items()
            if key.startswith(prefix)
            and "location" in r
            and key.count("/") == 8
            and (name is None or r["name"].lower() == name[1].lower())
            and (kind is None or r["type"].lower() == kind[1].lower())
        ]

    def _group(self, request: Request, rid: ResourceId, body: Body) -> Response:
        key = rid.text.lower()
        if not rid.group:
            groups = [
                r
                for r in self.world.resources.values()
                if r["type"] == "Microsoft.Resources/resourceGroups"
            ]
            return _list(groups)
        found = self.world.get(key)
        if request.method in ("PUT", "PATCH"):
            self._guard("Microsoft.Resources/subscriptions/resourcegroups/write", rid.text)
            location = body.get("location") or (found or {}).get("location")
            if not location:
                raise ArmError(
                    400,
                    "LocationRequired",
                    "The location property is required for this definition.",
                )
            location = _region(location)
            if found and found["location"] != location:
                raise ArmError(
                    409,
                    "InvalidResourceGroupLocation",
                    f"Invalid resource group location '{location}'. The Resource group already "
                    f"exists in location '{found['location']}'.",
                )
            if not re.fullmatch(r"[\w().-]{0,89}[\w()-]", rid.group):
                raise ArmError(
                    400,
                    "InvalidResourceGroup",
                    f"The resource group name {rid.group} is not valid.",
                )
            group = {
                "id": rid.text,
                "name": rid.group,
                "type": "Microsoft.Resources/resourceGroups",
                "location": location,
                "tags": body.get("tags", (found or {}).get("tags", {})),
                "properties": {"provisioningState": "Succeeded"},
            }
            self.world.resources[key] = group
            return JSONResponse(group, 200 if found else 201)
        if found is None:
            raise ArmError(
                404, "ResourceGroupNotFound", f"Resource group '{rid.group}' could not be found."
            )
        if request.method == "HEAD":
            return Response(status_code=204)
        if request.method == "DELETE":
            return self._delete_group(request, rid)
        return JSONResponse(found)

    def _delete_group(self, request: Request, rid: ResourceId) -> Response:
        inside = [
            ResourceId.parse(r["id"])
            for k, r in list(self.world.resources.items())
            if k.startswith(rid.text.lower() + "/") and r["id"].count("/") == 8
        ]
        for resource in inside:
            kind, body = KINDS.get(resource.type), self.world.get(resource.text)
            if (
                kind
                and kind.delete
                and body
                and "/virtualnetworks" not in resource.type
                and "privatednszones" not in resource.type
            ):
                kind.delete(self.world, resource, body)
        name = self.world.begin(rid.text, "delete", 300)
        return self._accepted(request, rid, name, 202, None)

    # -- resources

    async def _resource(
        self, request: Request, rid: ResourceId, body: Body, version: str, claims: Body
    ) -> Response:
        method = request.method
        if method == "POST":
            return await self._action(rid, body, version, claims)
        models = await self._models(rid, method, version, claims)
        if models is not None:
            return models
        kind = KINDS.get(rid.type)
        if kind is None:
            return self._unknown(request)
        if not kind.versions[0] <= version <= kind.versions[1]:
            raise ArmError(
                400,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for API version '{version}' and type "
                f"'{kind.type}'.",
            )
        if rid.is_collection:
            if method != "GET":
                return self._unknown(request)
            return _list([self._shown(r) for r in self._children(rid)])
        if not rid.type.endswith("/subnets"):
            self.world.polled(rid.text)
        if method == "GET":
            return JSONResponse(self._shown(self._existing(rid)))
        if method == "HEAD":
            return Response(status_code=204 if self.world.get(rid.text) else 404)
        if method == "PUT":
            return self._put(request, rid, kind, body, version, claims)
        if method == "PATCH" and kind.patch:
            merged = _merge(copy.deepcopy(self._existing(rid)), body)
            return self._put(request, rid, kind, merged, version, claims, patch=True)
        if method == "DELETE":
            return self._delete(request, rid, kind)
        return self._unknown(request)

    async def _models(
        self, rid: ResourceId, method: str, version: str, claims: Body
    ) -> Response | None:
        """Registered models live in the workspace's MLflow registry, not among our documents."""
        stem = "microsoft.machinelearningservices/workspaces/models"
        if not rid.type.startswith(stem) or method != "GET":
            return None
        call = self._call(rid, {}, None, version, claims)
        depth = len(rid.names)
        if rid.type == stem:
            found = await model_containers(call)
            if rid.is_collection:
                return _list(found)
        else:
            found = await model_versions(call)
            if rid.is_collection:
                return _list(found)
        for model in found:
            if model["name"] == rid.names[depth - 1]:
                return JSONResponse(model)
        raise ArmError(404, "UserError", f"The model {'/'.join(rid.names[1:])} was not found.")

    def _call(
        self, rid: ResourceId, body: Body, old: Body | None, version: str, claims: Body
    ) -> Call:
        return Call(self.world, self.centre, rid, body, old, version, claims)

    def _children(self, rid: ResourceId) -> list[Body]:
        if rid.type.endswith("/virtualnetworks/subnets"):
            vnet = self._existing(ResourceId.parse(rid.text.rsplit("/", 1)[0]))
            return list(vnet["properties"]["subnets"])
        scope = rid.scope
        if len(rid.names):
            scope = rid.text.rsplit("/", 1)[0]
        if rid.type == "microsoft.authorization/roleassignments":
            return [
                a
                for a in self.world.of_type(rid.type)
                if a["properties"]["scope"].lower().startswith(scope.lower())
            ]
        return list(self.world.of_type(rid.type, scope))

    def _existing(self, rid: ResourceId) -> Body:
        if rid.group and not self.world.get(
            f"/subscriptions/{rid.subscription}/resourceGroups/{rid.group}"
        ):
            raise ArmError(
                404, "ResourceGroupNotFound", f"Resource group '{rid.group}' could not be found."
            )
        if rid.type.endswith("/virtualnetworks/subnets"):
            vnet = self.world.get(rid.parent) or {"properties": {"subnets": []}}
            for subnet in vnet["properties"]["subnets"]:
                if subnet["name"].lower() == rid.name.lower():
                    return subnet  # type: ignore[no-any-return]
            found = None
        else:
            found = self.world.get(rid.text)
        if found is None:
            raise ArmError(
                404,
                "NotFound" if rid.type.count("/") > 1 else "ResourceNotFound",
                f"The Resource '{KINDS[rid.type].type}/{rid.name}' under resource group "
                f"'{rid.group}' was not found. For more details please go to "
                "https://aka.ms/ARMResourceNotFoundFix",
            )
        return found

    def _shown(self, resource: Body) -> Body:
        return resource

    def _put(
        self,
        request: Request,
        rid: ResourceId,
        kind: Kind,
        body: Body,
        version: str,
        claims: Body,
        patch: bool = False,
    ) -> Response:
        if kind.put is None:
            return self._unknown(request)
        group = f"/subscriptions/{rid.subscription}/resourceGroups/{rid.group}"
        if rid.group and not self.world.get(group):
            raise ArmError(
                404, "ResourceGroupNotFound", f"Resource group '{rid.group}' could not be found."
            )
        namespace = kind.type.split("/")[0]
        if self._registration(rid.subscription, namespace) != "Registered":
            raise ArmError(
                409,
                "MissingSubscriptionRegistration",
                f"The subscription is not registered to use namespace '{namespace}'. See "
                "https://aka.ms/rps-not-found for how to register subscriptions.",
                details=[
                    {
                        "code": "MissingSubscriptionRegistration",
                        "target": namespace,
                        "message": f"The subscription is not registered to use namespace '{namespace}'.",
                    }
                ],
            )
        self._guard(f"{kind.type}/write", rid.text)
        self._policy(kind.type, rid)
        if not kind.named(rid.name):
            raise ArmError(400, "InvalidResourceName", f"Resource name {rid.name} is invalid.")
        holder = rid.parent if rid.type.endswith("/subnets") else rid.text
        self._not_busy(holder, version)
        try:
            old = copy.deepcopy(self._existing(rid))
        except ArmError:
            old = None
        wanted = copy.deepcopy(body)
        for key in ("id", "name", "type", "etag"):
            wanted.pop(key, None)
        self._place(kind, wanted, old, rid)
        if not isinstance(wanted.setdefault("properties", {}), dict):
            raise ArmError(
                400,
                "InvalidRequestContent",
                "The request content was invalid: properties must be an object.",
                "properties",
            )
        wanted["properties"].pop("provisioningState", None)
        wanted.update(id=rid.text, name=rid.name, type=kind.type)
        if kind.location:
            wanted.setdefault("tags", (old or {}).get("tags", {}))
        call = self._call(rid, wanted, old, version, claims)
        try:
            kind.put(call)
        except ArmError:
            raise
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as problem:
            raise ArmError(
                400,
                "InvalidRequestContent",
                f"The request content was invalid and could not be deserialized: {problem!r}",
            ) from None
        slow = kind.seconds > 0 or call.work is not None
        if kind.states:
            wanted["properties"]["provisioningState"] = (
                ("Updating" if old else "Creating") if slow else "Succeeded"
            )
        if not rid.type.endswith("/subnets"):
            self.world.resources[rid.text.lower()] = wanted
        if not slow:
            return JSONResponse(wanted, 200 if old else kind.accepts)
        task = None
        if call.work is not None:
            task = asyncio.get_running_loop().create_task(call.work)
            task.add_done_callback(swallow)
        seconds = kind.seconds * (0.2 if old else 1)
        name = self.world.begin(holder, "put", seconds, call.fails, task)
        done = self.world.data["operations"][name]["status"] != "InProgress"
        status = 200 if old or (done and kind.accepts == 202) else kind.accepts
        shown = self._existing(rid)
        return self._accepted(
            request,
            rid,
            name,
            status,
            None if status == 202 and kind.accepts == 202 and "storage" in rid.type else shown,
        )

    def _place(self, kind: Kind, wanted: Body, old: Body | None, rid: ResourceId) -> None:
        """The location: required, known, and never changed."""
        if not kind.location:
            return
        given = wanted.get("location") or (old or {}).get("location")
        if not given:
            raise ArmError(
                400, "LocationRequired", "The location property is required for this definition."
            )
        if kind.location == "global":
            if given.lower() != "global":
                raise ArmError(
                    400,
                    "LocationNotAvailableForResourceType",
                    f"The provided location '{given}' is not available for resource type "
                    f"'{kind.type}'. List of available regions for the resource type is 'global'.",
                )
            wanted["location"] = "global"
            return
        location = _region(given)
        if old and old["location"].lower() != location:
            raise ArmError(
                409,
                "InvalidResourceLocation",
                f"The resource '{rid.name}' already exists in location '{old['location']}' in "
                f"resource group '{rid.group}'. A resource with the same name cannot be created "
                f"in location '{location}'. Please select a new resource name.",
            )
        wanted["location"] = location

    def _not_busy(self, holder: str, version: str) -> None:
        rid = ResourceId.parse(holder)
        running = self.world.running(holder)
        if running:
            raise ArmError(
                409,
                "AnotherOperationInProgress",
                "Another operation on this or dependent resource is in progress. To retrieve "
                f"status of the operation use uri: {self.world.arm}/subscriptions/"
                f"{rid.subscription}/providers/{rid.namespace}/locations/westeurope/"
                f"operationStatuses/{running}?api-version={version}.",
            )

    def _guard(self, action: str, scope: str) -> None:
        """Refuse what the signed-in person was not given the right to do."""
        allowed = self.world.data["allowed"]
        if allowed is None or any(re.fullmatch(a, action, re.IGNORECASE) for a in allowed):
            return
        person = self.world.data["person"]
        raise ArmError(
            403,
            "AuthorizationFailed",
            f"The client '{person['name']}' with object id '{person['oid']}' does not have "
            f"authorization to perform action '{action}' over scope '{scope}' or the scope is "
            "invalid. If access was recently granted, please refresh your credentials.",
        )

    def _policy(self, kind: str, rid: ResourceId) -> None:
        for policy in self.world.data["policies"]:
            if kind.lower() in (t.lower() for t in policy["types"]):
                raise ArmError(
                    403,
                    "RequestDisallowedByPolicy",
                    f"Resource '{rid.name}' was disallowed by policy. Policy identifiers: "
                    f'\'[{{"policyAssignment":{{"name":"{policy["name"]}"}}}}]\'.',
                )

    def _delete(self, request: Request, rid: ResourceId, kind: Kind) -> Response:
        try:
            body = self._existing(rid)
        except ArmError as missing:
            if missing.code == "ResourceGroupNotFound":
                raise
            return Response(status_code=204)
        self._guard(f"{kind.type}/delete", rid.text)
        holder = rid.parent if rid.type.endswith("/subnets") else rid.text
        self._not_busy(holder, request.query_params["api-version"])
        if kind.delete:
            kind.delete(self.world, rid, body)
        if rid.type == "microsoft.machinelearningservices/workspaces" and (
            request.query_params.get("forceToPurge", "").lower() == "true"
        ):
            self.world.data["deleted"].pop(workspace_key(rid), None)
        self.centre.gone(rid)
        if rid.type.endswith("/subnets"):
            return Response(status_code=200)
        if not kind.delete_seconds:
            del self.world.resources[rid.text.lower()]
            return Response(status_code=200)
        if kind.states:
            body["properties"]["provisioningState"] = "Deleting"
        name = self.world.begin(rid.text, "delete", kind.delete_seconds)
        return self._accepted(request, rid, name, 202, None)

    async def _action(self, rid: ResourceId, body: Body, version: str, claims: Body) -> Response:
        path, _, action = rid.text.rpartition("/")
        target = ResourceId.parse(path)
        kind = KINDS.get(target.type)
        run = kind.actions.get(action.lower()) if kind else None
        if run is None:
            return self._unknown_path("POST", rid.text)
        self._existing(target)
        self._guard(f"{kind.type}/{action}/action" if kind else "", target.text)
        answer = run(self._call(target, body, self.world.get(target.text), version, claims))
        if inspect.isawaitable(answer):
            answer = await answer
        return JSONResponse(answer) if answer is not None else Response(status_code=200)

    # -- operations

    def _accepted(
        self, request: Request, rid: ResourceId, name: str, status: int, body: Body | None
    ) -> Response:
        version = request.query_params["api-version"]
        namespace = (KINDS[rid.type].type if rid.type in KINDS else "Microsoft.Resources/x").split(
            "/"
        )[0]
        stem = f"{self.world.arm}/subscriptions/{rid.subscription}/providers/{namespace}/locations/westeurope"
        headers = {
            "Azure-AsyncOperation": f"{stem}/operationStatuses/{name}?api-version={version}",
        }
        if status == 202:
            headers["Location"] = f"{stem}/operationResults/{name}?api-version={version}"
        if self.world.clock.kind == "real" and self.world.clock.speed <= 1:
            headers["Retry-After"] = "10"
        if body is None:
            return Response(status_code=status, headers=headers)
        return JSONResponse(body, status, headers)

    def _operation(self, form: str, name: str) -> Response:
        operation = self.world.data["operations"].get(name)
        if operation is None:
            raise ArmError(404, "OperationNotFound", f"The operation {name} was not found.")
        operation["polls"] += 1
        self.world.settle()
        status = operation["status"]
        if form == "operationResults":
            if status == "InProgress":
                return Response(status_code=202)
            if status == "Failed":
                return JSONResponse({"error": operation["error"]}, 409)
            resource = self.world.get(operation["resource"])
            return JSONResponse(resource) if resource else Response(status_code=204)
        body: Body = {
            "id": f"/subscriptions/{self.world.subscription}/operationStatuses/{name}",
            "name": name,
            "status": status,
        }
        if operation["error"] and status == "Failed":
            body["error"] = operation["error"]
        return JSONResponse(body)

    def _unknown(self, request: Request) -> Response:
        return self._unknown_path(request.method, request.url.path)

    def _unknown_path(self, method: str, path: str) -> Response:
        self.world.unknown.append({"method": method, "path": path})
        return JSONResponse(
            {
                "error": {
                    "code": "NotImplemented",
                    "message": f"The sandbox has no {method} {path}.",
                }
            },
            501,
        )


def role_definitions(subscription: str) -> list[Body]:
    return [
        {
            "id": f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}",
            "name": guid,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {"roleName": role, "type": "BuiltInRole"},
        }
        for role, guid in ROLES.items()
    ]


def _region(text: str) -> str:
    region = text.replace(" ", "").lower()
    if region not in REGIONS:
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{text}' is not available. List of available regions is "
            f"'{','.join(REGIONS)}'.",
        )
    return region


def _list(items: list[Body]) -> Response:
    return JSONResponse({"value": items})


def _merge(target: Body, patch: Body) -> Body:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value
    return target


async def _json(request: Request) -> Any:
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError:
        raise ArmError(400, "InvalidRequestContent", "The request content was not JSON.") from None
    if not isinstance(body, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content must be an object.")
    return body


def new_id() -> str:
    return str(uuid.uuid4())
