"""Every resource type behind one set of verbs; what is special about a type is in its Kind."""

from __future__ import annotations

import asyncio
import copy
import inspect

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm import shelf
from amlwizard.sandbox.arm.admission import Admission
from amlwizard.sandbox.arm.asked import Asked, listed
from amlwizard.sandbox.arm.operations import Operations
from amlwizard.sandbox.datacentre import DataCentre
from amlwizard.sandbox.ids import ResourceId
from amlwizard.sandbox.kinds import KINDS
from amlwizard.sandbox.kinds.base import ArmError, Body, Call, Kind, swallow

UPDATE_SHARE = 0.2  # of the time that a creation takes


class Resources:
    def __init__(self, centre: DataCentre, admission: Admission, operations: Operations) -> None:
        self.centre, self.world = centre, centre.world
        self.admission, self.operations = admission, operations

    async def handle(self, asked: Asked) -> Response:
        if asked.method == "POST":
            return await self._action(asked)
        kind = KINDS.get(asked.id.type)
        if kind is None:
            return self._unknown(asked)
        self.admission.version(kind, asked.version)
        if kind.items:
            return await self._elsewhere(asked, kind)
        if asked.id.is_collection:
            if asked.method != "GET":
                return self._unknown(asked)
            return listed(shelf.children(self.world, asked.id, asked.query.get("$filter", "")))
        if asked.id.type != shelf.SUBNETS:
            self.world.polled(asked.id.text)
        if asked.method == "GET":
            return JSONResponse(shelf.existing(self.world, asked.id))
        if asked.method == "HEAD":
            return Response(status_code=204 if shelf.find(self.world, asked.id) else 404)
        if asked.method == "PUT" and kind.put:
            return self._put(asked, kind, asked.body)
        if asked.method == "PATCH" and kind.put and kind.patch:
            found = shelf.existing(self.world, asked.id)
            return self._put(asked, kind, _merge(copy.deepcopy(found), asked.body))
        if asked.method == "DELETE":
            return self._delete(asked, kind)
        return self._unknown(asked)

    def _call(self, asked: Asked, rid: ResourceId, body: Body, old: Body | None) -> Call:
        return Call(self.world, self.centre, rid, body, old, asked.version, asked.claims)

    async def _elsewhere(self, asked: Asked, kind: Kind) -> Response:
        """Read-only documents that the type makes up from what another service holds."""
        if asked.method != "GET" or kind.items is None:
            return self._unknown(asked)
        found = await kind.items(self._call(asked, asked.id, {}, None))
        if asked.id.is_collection:
            return listed(found)
        for document in found:
            if document["name"] == asked.id.name:
                return JSONResponse(document)
        raise shelf.not_found(asked.id)

    # -- writes

    def _put(self, asked: Asked, kind: Kind, body: Body) -> Response:
        assert kind.put
        rid = asked.id
        shelf.must_have_group(self.world, rid)
        self.admission.write(rid, kind)
        self.admission.free(shelf.holder(rid), asked.version)
        old = copy.deepcopy(shelf.find(self.world, rid))
        wanted = self._wanted(rid, kind, body, old)
        call = self._call(asked, rid, wanted, old)
        try:
            kind.put(call)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as problem:
            raise ArmError(
                400,
                "InvalidRequestContent",
                f"The request content was invalid and could not be deserialized: {problem!r}",
            ) from None
        slow = kind.seconds > 0 or call.work is not None
        if kind.states:
            begun = "Updating" if old else "Creating"
            wanted["properties"]["provisioningState"] = begun if slow else "Succeeded"
        if rid.type != shelf.SUBNETS:
            self.world.resources[rid.text.lower()] = wanted
        if not slow:
            return JSONResponse(wanted, 200 if old else kind.accepts)
        return self._begin(asked, kind, call)

    def _wanted(self, rid: ResourceId, kind: Kind, body: Body, old: Body | None) -> Body:
        """The body with what ARM itself sees to: place, identity, tags."""
        wanted = copy.deepcopy(body)
        for key in ("id", "name", "type", "etag"):
            wanted.pop(key, None)
        self.admission.place(kind, wanted, old, rid)
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
        return wanted

    def _begin(self, asked: Asked, kind: Kind, call: Call) -> Response:
        task = None
        if call.work is not None:
            task = asyncio.get_running_loop().create_task(call.work)
            task.add_done_callback(swallow)
        seconds = kind.seconds * (UPDATE_SHARE if call.old else 1)
        name = self.world.begin(shelf.holder(asked.id), "put", seconds, call.fails, task)
        done = self.world.data["operations"][name]["status"] != "InProgress"
        status = 200 if call.old or (done and kind.accepts == 202) else kind.accepts
        shown = shelf.existing(self.world, asked.id)
        silent = status == 202 and "storage" in asked.id.type
        return self.operations.begun(asked, name, status, None if silent else shown)

    def _delete(self, asked: Asked, kind: Kind) -> Response:
        rid = asked.id
        shelf.must_have_group(self.world, rid)
        body = shelf.find(self.world, rid)
        if body is None:
            return Response(status_code=204)
        self.admission.right(f"{kind.type}/delete", rid.text)
        self.admission.free(shelf.holder(rid), asked.version)
        for effect in (kind.blocked, kind.delete):
            if effect:
                effect(self.world, rid, body)
        if kind.purge and asked.query.get("forceToPurge", "").lower() == "true":
            kind.purge(self.world, rid)
        self.centre.gone(rid)
        if rid.type == shelf.SUBNETS:
            return Response(status_code=200)
        if not kind.delete_seconds:
            del self.world.resources[rid.text.lower()]
            return Response(status_code=200)
        if kind.states:
            body["properties"]["provisioningState"] = "Deleting"
        name = self.world.begin(rid.text, "delete", kind.delete_seconds)
        return self.operations.begun(asked, name, 202)

    async def _action(self, asked: Asked) -> Response:
        path, _, action = asked.path.rpartition("/")
        target = ResourceId.parse(path)
        kind = KINDS.get(target.type)
        run = kind.actions.get(action.lower()) if kind else None
        if kind is None or run is None:
            return self._unknown(asked)
        found = shelf.existing(self.world, target)
        self.admission.right(f"{kind.type}/{action}/action", target.text)
        answer = run(self._call(asked, target, asked.body, found))
        if inspect.isawaitable(answer):
            answer = await answer
        return JSONResponse(answer) if answer is not None else Response(status_code=200)

    def _unknown(self, asked: Asked) -> Response:
        self.world.unknown.append({"method": asked.method, "path": asked.path})
        message = f"The sandbox has no {asked.method} {asked.path}."
        return JSONResponse({"error": {"code": "NotImplemented", "message": message}}, 501)


def _merge(target: Body, patch: Body) -> Body:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value
    return target
