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
        if asked.id.is_collection:
            if asked.method != "GET":
                return self._unknown(asked)
            where = asked.query.get("$filter", "")
            known = [self._shown(kind, d) for d in shelf.children(self.world, asked.id, where)]
            return listed([*known, *await self._items(asked, kind)])
        if asked.id.type not in shelf.WITHIN:
            self.world.polled(asked.id.text)
        if asked.method == "GET":
            for document in await self._items(asked, kind):
                if document["name"] == asked.id.name:
                    return JSONResponse(document)
            return JSONResponse(self._shown(kind, shelf.existing(self.world, asked.id)))
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

    async def _items(self, asked: Asked, kind: Kind) -> list[Body]:
        """Documents that another service holds."""
        return await kind.items(self._call(asked, asked.id, {}, None)) if kind.items else []

    def _shown(self, kind: Kind, document: Body) -> Body:
        return kind.shown(self.world, document) if kind.shown else document

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
        if rid.type not in shelf.WITHIN:  # such a one has no operation of its own, and is ready
            if kind.states:
                begun = kind.begun[1 if old else 0] if slow else "Succeeded"
                wanted["properties"]["provisioningState"] = begun
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
        shown = None if status == 202 else shelf.existing(self.world, asked.id)
        return self.operations.begun(asked, name, status, shown)

    def _delete(self, asked: Asked, kind: Kind) -> Response:
        rid = asked.id
        shelf.must_have_group(self.world, rid)
        body = shelf.find(self.world, rid)
        purge = kind.purge if asked.query.get("forceToPurge", "").lower() == "true" else None
        if body is None:
            return Response(status_code=200 if purge and purge(self.world, rid) else 204)
        self.admission.deletion(rid, kind, asked.query)
        self.admission.free(shelf.holder(rid), asked.version)
        if kind.blocked:
            kind.blocked(self.world, rid, body)
        self.centre.gone(rid)
        if kind.retains and asked.query.get("forceDeletion", "").lower() != "true":
            kind.retains(self.world, rid, body)
        if kind.delete:
            kind.delete(self.world, rid, body)
        if purge:
            purge(self.world, rid)
        if rid.type in shelf.WITHIN:
            return Response(status_code=200)
        if not kind.delete_seconds:
            del self.world.resources[rid.text.lower()]
            return JSONResponse(body) if kind.delete_answers else Response(status_code=200)
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
