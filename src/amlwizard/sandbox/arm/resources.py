"""Every resource type behind one set of verbs; what is special about a type is in its ResourceType."""

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
from amlwizard.sandbox.resource_types.immutable import must_keep
from amlwizard.sandbox.resource_types.responses import Answer
from amlwizard.sandbox.resource_types.shapes import must_fit
from amlwizard.sandbox.state import State


@contextmanager
def worded(kind: ResourceType) -> Iterator[None]:
    """What the service refuses is said in its own words."""
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

    async def handle(self, asked: ArmRequest) -> Response:
        if asked.method == "POST":
            return await self._action(asked)
        kind = RESOURCE_TYPES.get(asked.id.type)
        if kind is None:
            return self._unknown(asked)
        self.admission.version(kind, asked.version)
        if asked.id.is_collection:
            if asked.method != "GET":
                return self._unknown(asked)
            where = asked.query.get("$filter", "")
            known = [self._shown(kind, d) for d in store.children(self.state, asked.id, where)]
            return listed([*known, *await self._items(asked, kind)])
        if asked.method == "GET":
            self.state.polled(child_documents.holder(asked.id))
            for document in await self._items(asked, kind):
                if document["name"] == asked.id.name:
                    return JSONResponse(document)
            return JSONResponse(self._shown(kind, store.existing(self.state, asked.id)))
        if asked.method == "HEAD":
            return Response(status_code=204 if store.find(self.state, asked.id) else 404)
        if asked.method == "PUT" and kind.put:
            return self._put(asked, kind, asked.body)
        if asked.method == "PATCH" and kind.put and kind.patch:
            found = store.existing(self.state, asked.id)
            return self._put(asked, kind, merged(found, asked.body))
        if asked.method == "DELETE":
            return self._delete(asked, kind)
        return self._unknown(asked)

    def _call(
        self, asked: ArmRequest, rid: ResourceId, body: JsonObject, old: JsonObject | None
    ) -> Call:
        return Call(self.state, self.services, rid, body, old, asked.version, asked.claims)

    async def _items(self, asked: ArmRequest, kind: ResourceType) -> list[JsonObject]:
        """Documents that another service holds."""
        return await kind.items(self._call(asked, asked.id, {}, None)) if kind.items else []

    def _shown(self, kind: ResourceType, document: JsonObject) -> JsonObject:
        return kind.shown(self.state, document) if kind.shown else document

    # -- writes

    def _put(self, asked: ArmRequest, kind: ResourceType, body: JsonObject) -> Response:
        assert kind.put
        rid = asked.id
        store.must_have_group(self.state, rid)
        self.admission.group(rid)
        self.admission.write(rid, kind)
        old = copy.deepcopy(store.find(self.state, rid))
        with worded(kind):
            self.admission.unchanged(asked, old)
        self.admission.free(rid, asked.version)
        body = _without_nulls(body)
        with worded(kind):
            must_fit(kind.shape, body)
        wanted = self._wanted(rid, kind, body, old)
        must_comply(self.state, wanted)
        call = self._call(asked, rid, wanted, old)
        with worded(kind):
            must_keep(call)
            kind.put(call)
        again = old is not None or (kind.recovers is not None and kind.recovers(self.state, rid))
        answer = kind.answer("update" if again else "create", asked.version)
        if asked.method == "PATCH" and answer.status == 201:
            answer = replace(answer, status=200)  # it makes nothing
        if rid.type not in child_documents.WITHIN:
            if kind.states:
                wanted["properties"]["provisioningState"] = "Succeeded"
            self.state.resources[rid.text.lower()] = wanted
        made = store.existing(self.state, rid)
        if kind.idle_again and old and _asked(made) == _asked(old):
            if kind.etag:
                sub_resources(made, old.get("etag") or kind.etag.format(uuid.uuid4()))
            return self._begin(asked, kind, call, replace(answer, states=()))
        if kind.etag:
            sub_resources(made, kind.etag.format(uuid.uuid4()))
        return self._begin(asked, kind, call, answer)

    def _wanted(
        self, rid: ResourceId, kind: ResourceType, body: JsonObject, old: JsonObject | None
    ) -> JsonObject:
        """The body with what ARM itself sees to: place, identity, tags."""
        wanted = dict(body)
        for key in ("id", "name", "type", "etag", "systemData"):
            wanted.pop(key, None)
        self.admission.place(kind, wanted, old, rid)
        wanted["properties"] = dict(wanted.get("properties", {}))
        wanted["properties"].pop("provisioningState", None)
        wanted.update(id=rid.text, name=rid.name, type=kind.type)
        if "tags" not in wanted and (kind.shows_tags or "tags" in (old or {})):
            wanted["tags"] = (old or {}).get("tags", {})
        if kind.system_data:
            wanted["systemData"] = self._written(old)
        return wanted

    def _written(self, old: JsonObject | None) -> JsonObject:
        """Who wrote a document first and last, and when."""
        who = {"By": self.state.data.person.name, "ByType": "User", "At": timestamp()}
        first = (old or {}).get("systemData") or {f"created{key}": v for key, v in who.items()}
        return {**first, **{f"lastModified{key}": value for key, value in who.items()}}

    def _begin(self, asked: ArmRequest, kind: ResourceType, call: Call, answer: Answer) -> Response:
        task = None
        if call.work is not None:
            task = asyncio.get_running_loop().create_task(call.work)
            self.state.watch(task, asked.path)
        seconds = kind.takes("update" if call.old else "create") if answer.states else 0
        name = self.state.begin(
            asked.id.text, "put", seconds, call.fails, task, answer.states, answer.polls
        )
        made = store.existing(self.state, asked.id)
        return self.operations.begun(asked, name, answer, self._shown(kind, made))

    def _delete(self, asked: ArmRequest, kind: ResourceType) -> Response:
        rid = asked.id
        store.must_have_group(self.state, rid)
        body = store.find(self.state, rid)
        purge = kind.purge if asked.query.get("forceToPurge", "").lower() == "true" else None
        if body is None:
            return Response(status_code=200 if purge and purge(self.state, rid) else 204)
        with worded(kind):
            self.admission.unchanged(asked, body)
        self.admission.deletion(rid, kind)
        self.admission.free(rid, asked.version)
        with worded(kind):
            if kind.blocked:
                kind.blocked(self.state, rid, body)
        failure = kind.fails_late(self.state, rid, body) if kind.fails_late else None
        if failure is None:
            self.services.release(rid)
            if kind.retains and asked.query.get("forceDeletion", "").lower() != "true":
                kind.retains(self.state, rid, body)
            if kind.delete:
                kind.delete(self.state, rid, body)
            if purge:
                purge(self.state, rid)
        answer = kind.answer("delete", asked.version)
        seconds = kind.takes("delete") if answer.states else 0
        name = self.state.begin(
            rid.text, "delete", seconds, failure, None, answer.states, answer.polls
        )
        return self.operations.begun(asked, name, answer, body)

    async def _action(self, asked: ArmRequest) -> Response:
        path, _, action = asked.path.rpartition("/")
        target = ResourceId.parse(path)
        kind = RESOURCE_TYPES.get(target.type)
        run = kind.actions.get(action.lower()) if kind else None
        if kind is None or run is None:
            return self._unknown(asked)
        found = store.existing(self.state, target)
        self.admission.right(f"{kind.type}/{action}/action", target.text)
        with worded(kind):
            answer = run(self._call(asked, target, asked.body, found))
            if inspect.isawaitable(answer):
                answer = await answer
        slow = kind.slow.get(action.lower())
        if slow:
            seconds = kind.takes("update")
            name = self.state.begin(target.text, "post", seconds, polls=slow.polls)
            return self.operations.begun(asked, name, slow)
        return JSONResponse(answer) if answer is not None else Response(status_code=200)

    def _unknown(self, asked: ArmRequest) -> Response:
        self.state.unknown.append({"method": asked.method, "path": asked.path})
        message = f"The sandbox has no {asked.method} {asked.path}."
        return JSONResponse({"error": {"code": "NotImplemented", "message": message}}, 501)


def sub_resources(document: JsonObject, etag: str) -> None:
    """The version of a document, which everything shares in it that has an id below its own."""
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


def _asked(document: JsonValue) -> JsonValue:
    """A document without what a service makes anew with every write."""
    if isinstance(document, list):
        return [_asked(item) for item in document]
    if isinstance(document, dict):
        own = ("etag", "provisioningState")
        return {key: _asked(value) for key, value in document.items() if key not in own}
    return document


def _without_nulls(body: JsonObject) -> JsonObject:
    """A copy: what is null has not been given."""
    return {key: _filled(value) for key, value in body.items() if value is not None}


def _filled(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return _without_nulls(value) if isinstance(value, dict) else value
