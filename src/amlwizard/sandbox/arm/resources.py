"""GET, PUT, PATCH, DELETE and POST of any resource type, as its ResourceType declares it."""

from __future__ import annotations

import asyncio
import copy
import inspect
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox import child_documents
from amlwizard.sandbox.arm import store
from amlwizard.sandbox.arm.admission import Admission
from amlwizard.sandbox.arm.operations import Operations
from amlwizard.sandbox.arm.request import ArmRequest, listed
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.clock import timestamp
from amlwizard.sandbox.documents import JsonObject, JsonValue, merged
from amlwizard.sandbox.policies import must_comply
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types import RESOURCE_TYPES
from amlwizard.sandbox.resource_types.base import Call, ResourceType, Services
from amlwizard.sandbox.resource_types.immutable import keep_immutable
from amlwizard.sandbox.resource_types.responses import ArmResponse
from amlwizard.sandbox.resource_types.shapes import must_fit
from amlwizard.sandbox.state import State


@contextmanager
def worded(kind: ResourceType) -> Iterator[None]:
    """Errors of the service are rendered in the service's own format."""
    try:
        yield
    except ArmError as error:
        if not error.by_arm:
            error.worded = kind.refusal
        raise


class Resources:
    def __init__(
        self, state: State, services: Services, admission: Admission, operations: Operations
    ) -> None:
        self.state, self.services = state, services
        self.admission, self.operations = admission, operations

    async def handle(self, request: ArmRequest) -> Response:
        if request.method == "POST":
            return await self._action(request)
        kind = RESOURCE_TYPES.get(request.id.type)
        if kind is None:
            return self._unknown(request)
        self.admission.check_version(kind, request.version)
        if request.id.is_collection:
            if request.method != "GET":
                return self._unknown(request)
            where = request.query.get("$filter", "")
            known = [self._shown(kind, d) for d in store.children(self.state, request.id, where)]
            return listed([*known, *await self._items(request, kind)])
        if request.method == "GET":
            self.state.count_poll(child_documents.holder(request.id))
            for document in await self._items(request, kind):
                if document["name"] == request.id.name:
                    return JSONResponse(document)
            return JSONResponse(self._shown(kind, store.existing(self.state, request.id)))
        if request.method == "HEAD":
            return Response(status_code=204 if store.find(self.state, request.id) else 404)
        if request.method == "PUT" and kind.put:
            return self._put(request, kind, request.body)
        if request.method == "PATCH" and kind.put and kind.patch:
            found = store.existing(self.state, request.id)
            return self._put(request, kind, merged(found, request.body))
        if request.method == "DELETE":
            return self._delete(request, kind)
        return self._unknown(request)

    def _call(
        self, request: ArmRequest, rid: ResourceId, body: JsonObject, old: JsonObject | None
    ) -> Call:
        return Call(self.state, self.services, rid, body, old, request.version, request.claims)

    async def _items(self, request: ArmRequest, kind: ResourceType) -> list[JsonObject]:
        """Documents that come from another service."""
        return await kind.items(self._call(request, request.id, {}, None)) if kind.items else []

    def _shown(self, kind: ResourceType, document: JsonObject) -> JsonObject:
        return kind.shown(self.state, document) if kind.shown else document

    # -- writes

    def _put(self, request: ArmRequest, kind: ResourceType, body: JsonObject) -> Response:
        assert kind.put
        rid = request.id
        store.must_have_group(self.state, rid)
        self.admission.check_group(rid)
        self.admission.check_write(rid, kind)
        old = copy.deepcopy(store.find(self.state, rid))
        with worded(kind):
            self.admission.check_preconditions(request, old)
        self.admission.check_not_busy(rid, request.version)
        body = _without_nulls(body)
        with worded(kind):
            must_fit(kind.shape, body)
        wanted = self._wanted(rid, kind, body, old)
        must_comply(self.state, wanted)
        call = self._call(request, rid, wanted, old)
        with worded(kind):
            keep_immutable(call)
            kind.put(call)
        again = old is not None or (kind.recovers is not None and kind.recovers(self.state, rid))
        answer = kind.answer("update" if again else "create", request.version)
        if request.method == "PATCH" and answer.status == 201:
            answer = replace(answer, status=200)  # PATCH creates nothing
        if rid.type not in child_documents.LISTS:
            if kind.states:
                wanted["properties"]["provisioningState"] = "Succeeded"
            self.state.resources[rid.text.lower()] = wanted
        made = store.existing(self.state, rid)
        if kind.unchanged_at_once and old and _as_sent(made) == _as_sent(old):
            if kind.etag:
                sub_resources(made, old.get("etag") or kind.etag.format(uuid.uuid4()))
            return self._begin(request, kind, call, replace(answer, states=()))
        if kind.etag:
            sub_resources(made, kind.etag.format(uuid.uuid4()))
        return self._begin(request, kind, call, answer)

    def _wanted(
        self, rid: ResourceId, kind: ResourceType, body: JsonObject, old: JsonObject | None
    ) -> JsonObject:
        """The body with what ARM itself adds: location, identity, tags."""
        wanted = dict(body)
        for key in ("id", "name", "type", "etag", "systemData"):
            wanted.pop(key, None)
        self.admission.set_location(kind, wanted, old, rid)
        wanted["properties"] = dict(wanted.get("properties", {}))
        wanted["properties"].pop("provisioningState", None)
        wanted.update(id=rid.text, name=rid.name, type=kind.type)
        if "tags" not in wanted and (kind.shows_tags or "tags" in (old or {})):
            wanted["tags"] = (old or {}).get("tags", {})
        if kind.system_data:
            wanted["systemData"] = self._written(old)
        return wanted

    def _written(self, old: JsonObject | None) -> JsonObject:
        """systemData: who created and last modified the document, and when."""
        who = {"By": self.state.data.person.name, "ByType": "User", "At": timestamp()}
        first = (old or {}).get("systemData") or {f"created{key}": v for key, v in who.items()}
        return {**first, **{f"lastModified{key}": value for key, value in who.items()}}

    def _begin(
        self, request: ArmRequest, kind: ResourceType, call: Call, answer: ArmResponse
    ) -> Response:
        task = None
        if call.work is not None:
            task = asyncio.get_running_loop().create_task(call.work)
            self.state.watch(task, request.path)
        seconds = kind.takes("update" if call.old else "create") if answer.states else 0
        name = self.state.begin_operation(
            request.id.text, "put", seconds, call.fails, task, answer.states, answer.polls
        )
        made = store.existing(self.state, request.id)
        return self.operations.begun(request, name, answer, self._shown(kind, made))

    def _delete(self, request: ArmRequest, kind: ResourceType) -> Response:
        rid = request.id
        store.must_have_group(self.state, rid)
        body = store.find(self.state, rid)
        purge = kind.purge if request.query.get("forceToPurge", "").lower() == "true" else None
        if body is None:
            return Response(status_code=200 if purge and purge(self.state, rid) else 204)
        with worded(kind):
            self.admission.check_preconditions(request, body)
        self.admission.check_deletion(rid, kind)
        self.admission.check_not_busy(rid, request.version)
        with worded(kind):
            if kind.blocked:
                kind.blocked(self.state, rid, body)
        failure = kind.fails_late(self.state, rid, body) if kind.fails_late else None
        if failure is None:
            self.services.release(rid)
            if kind.retains and request.query.get("forceDeletion", "").lower() != "true":
                kind.retains(self.state, rid, body)
            if kind.delete:
                kind.delete(self.state, rid, body)
            if purge:
                purge(self.state, rid)
        answer = kind.answer("delete", request.version)
        seconds = kind.takes("delete") if answer.states else 0
        name = self.state.begin_operation(
            rid.text, "delete", seconds, failure, None, answer.states, answer.polls
        )
        return self.operations.begun(request, name, answer, body)

    async def _action(self, request: ArmRequest) -> Response:
        path, _, action = request.path.rpartition("/")
        target = ResourceId.parse(path)
        kind = RESOURCE_TYPES.get(target.type)
        early = kind.early.get(action.lower()) if kind else None
        run = early or (kind.actions.get(action.lower()) if kind else None)
        if kind is None or run is None:
            return self._unknown(request)
        lookup = store.find if early else store.existing
        found = lookup(self.state, target)
        self.admission.check_permission(f"{kind.type}/{action}/action", target.text)
        with worded(kind):
            answer = run(self._call(request, target, request.body, found))
            if inspect.isawaitable(answer):
                answer = await answer
        slow = kind.slow.get(action.lower())
        if slow:
            seconds = kind.takes("update")
            name = self.state.begin_operation(target.text, "post", seconds, polls=slow.polls)
            return self.operations.begun(request, name, slow)
        return JSONResponse(answer) if answer is not None else Response(status_code=200)

    def _unknown(self, request: ArmRequest) -> Response:
        self.state.unknown.append({"method": request.method, "path": request.path})
        message = f"The sandbox has no {request.method} {request.path}."
        return JSONResponse({"error": {"code": "NotImplemented", "message": message}}, 501)


def sub_resources(document: JsonObject, etag: str) -> None:
    """Set the etag of a document and of all sub-resources in it."""
    document["etag"] = etag
    stem = f"{document['id']}/".lower()

    def walk(value: JsonValue) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            if str(value.get("id", "")).lower().startswith(stem):
                value["etag"] = etag
            walk(list(value.values()))

    walk(document["properties"])


def _as_sent(document: JsonValue) -> JsonValue:
    """A document without the values that change with every write."""
    if isinstance(document, list):
        return [_as_sent(item) for item in document]
    if isinstance(document, dict):
        own = ("etag", "provisioningState")
        return {key: _as_sent(value) for key, value in document.items() if key not in own}
    return document


def _without_nulls(body: JsonObject) -> JsonObject:
    """A copy without nulls: Azure treats null as missing."""
    return {key: _filled(value) for key, value in body.items() if value is not None}


def _filled(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return _without_nulls(value) if isinstance(value, dict) else value
