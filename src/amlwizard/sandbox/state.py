"""The state of the sandbox cloud: resources, operations, secrets.

Everything runs on one event loop, so a handler that does not await sees one consistent state.
The state file holds plain JSON; secrets in it are sealed with a key file beside it (mode 0600).
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import itertools
import json
import os
import time
import traceback
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from cryptography.fernet import Fernet, InvalidToken
from pydantic import ValidationError

from amlwizard.sandbox import child_documents
from amlwizard.sandbox.clock import Clock
from amlwizard.sandbox.documents import JsonObject, JsonValue, mistakes
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.state_file import (
    Operation,
    Polls,
    SignedInUser,
    StateFile,
    SubscriptionEntry,
    TenantState,
)

T = TypeVar("T")

MOST_FINISHED = 200
"""Finished operations that can still be polled; older ones are dropped."""
MOST_UNKNOWN = 1000


class OperationError(Exception):
    """An operation fails with Azure's error `code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StateFileError(Exception):
    """The state file is not one of this version."""


@dataclass
class State:
    """`data` is stored in the state file; the rest is rebuilt at every start.

    `unknown` lists the most recent requests that the sandbox does not support, and crashes."""

    folder: Path
    file: Path | None
    clock: Clock
    data: StateFile
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    unknown: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=MOST_UNKNOWN))
    planted: dict[str, str] = field(default_factory=dict)
    arm: str = ""
    _key: bytes = b""
    _unfinished: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path, file: Path | None, clock: Clock) -> State:
        """The state of the file, or a new one where there is none. Raises StateFileError."""
        key_file = (file.with_suffix(".key") if file else folder / "sandbox.key").absolute()
        if not key_file.exists():
            private_write(key_file, Fernet.generate_key())
        must_be_own(key_file)
        state = cls(folder, file, clock, _new(), _key=_key_in(key_file))
        if file and file.exists():
            must_be_own(file)
            try:
                state.replace(json.loads(file.read_text(encoding="utf-8")))
            except (ValueError, RecursionError) as problem:
                raise StateFileError(
                    f"{file}: this version of the sandbox cannot read this state "
                    f"({str(problem).splitlines()[0]}). Delete the file, or name another."
                ) from None
        return state

    def replace(self, data: JsonValue) -> None:
        """Replace the stored state. Raises ValueError, with a line for each mistake."""
        try:
            self.data = StateFile.model_validate(data)
        except ValidationError as problem:
            raise ValueError("\n".join(mistakes(problem))) from None
        operations = self.data.operations.items()
        self._unfinished = [name for name, one in operations if one.is_running]
        self.save()

    def crashed(self, where: str, problem: BaseException) -> None:
        """Record a bug of the sandbox, which must not pass as a response of Azure."""
        traceback.print_exception(problem)
        self.unknown.append({"path": where, "crash": repr(problem)})

    def watch(self, task: asyncio.Future[T], what: str) -> None:
        """Record the exception of a task that is not awaited."""

        def ended(task: asyncio.Future[T]) -> None:
            problem = None if task.cancelled() else task.exception()
            if problem and not isinstance(problem, OperationError):
                self.crashed(what, problem)

        task.add_done_callback(ended)

    @property
    def resources(self) -> dict[str, JsonObject]:
        """ARM documents by lower-case id."""
        return self.data.resources

    @property
    def tenant(self) -> str:
        return self.data.tenant

    @property
    def tenants(self) -> dict[str, TenantState]:
        """The tenants of the user by id, the home tenant first."""
        own = TenantState(name="Sandbox", domain="sandbox.example")
        return {self.tenant: own, **self.data.tenants}

    def tenant_of(self, subscription: str) -> str:
        given = self.data.subscriptions.get(subscription)
        return (given and given.tenant) or self.tenant

    @property
    def subscription(self) -> str:
        return next(iter(self.data.subscriptions))

    def get(self, resource_id: str | None) -> JsonObject | None:
        return self.resources.get((resource_id or "").rstrip("/").lower())

    def without(self, path: str) -> State:
        """A read-only view without the resources at or under `path`."""
        prefix = path.lower()
        left = {
            key: resource
            for key, resource in self.resources.items()
            if key != prefix and not key.startswith(f"{prefix}/")
        }
        return replace(self, data=self.data.model_copy(update={"resources": left}))

    def of_type(self, kind: str, under: str = "") -> Iterator[JsonObject]:
        kind, prefix = kind.lower(), under.lower().rstrip("/") + "/" if under else ""
        for key, resource in list(self.resources.items()):
            if key.startswith(prefix) and ResourceId.parse(key).type == kind:
                yield resource

    def begin_operation(
        self,
        resource_id: str,
        verb: str,
        seconds: float,
        error: JsonObject | None = None,
        task: asyncio.Task[None] | None = None,
        states: Sequence[str] = (),
        polls: Polls | None = None,
    ) -> str:
        """Start an operation on a resource, which goes through the provisioning `states`. `error` is
        the error with which it ends. Returns its id."""
        name = str(uuid.uuid4())
        rid = ResourceId.parse(resource_id)
        operation = self.data.operations[name] = Operation(
            resource=child_documents.holder(rid).lower(),
            of=resource_id,
            verb=verb,
            started=time.time(),
            seconds=seconds,
            error=error,
            states=list(states),
            tells=polls or Polls(),
        )
        self._show(operation, states[0] if states else None)
        self._unfinished.append(name)
        if task:
            self.tasks[name] = task
        self.settle()
        self._drop_finished()
        return name

    def _drop_finished(self) -> None:
        operations = self.data.operations
        too_many = len(operations) - len(self._unfinished) - MOST_FINISHED
        if too_many > 0:
            finished = (name for name in operations if name not in self._unfinished)
            for name in list(itertools.islice(finished, too_many)):
                del operations[name]

    def running_operation(self, resource_id: str) -> str | None:
        """The id of the operation that runs on a resource, None if there is none."""
        key = resource_id.lower()
        for name in self._unfinished:
            if self.data.operations[name].resource == key:
                return name
        return None

    def count_poll(self, resource_id: str) -> None:
        if name := self.running_operation(resource_id):
            self.data.operations[name].polls += 1
        self.settle()

    def settle(self) -> None:
        """Complete the operations that are due, and apply their effects."""
        self._unfinished = [name for name in self._unfinished if not self._settled(name)]

    def _settled(self, name: str) -> bool:
        operation, task = self.data.operations[name], self.tasks.get(name)
        if task and not task.done():
            return False
        done = self.clock.progress(operation.started, operation.seconds, operation.polls)
        if done < 1:
            states = operation.states
            self._show(operation, states[int(done * len(states))] if states else None)
            return False
        if task and (failure := task.exception()):
            operation.error = {
                "code": getattr(failure, "code", "InternalServerError"),
                "message": str(failure),
            }
        self.tasks.pop(name, None)
        operation.status = "Failed" if operation.error else "Succeeded"
        operation.ended = time.time()
        self._end(operation)
        return True

    def _show(self, operation: Operation, shown: str | None) -> None:
        resource = child_documents.find(self.resources, ResourceId.parse(operation.of))
        if resource and shown and "provisioningState" in resource.get("properties", {}):
            resource["properties"]["provisioningState"] = shown

    def _end(self, operation: Operation) -> None:
        """Apply the effect; a failed deletion is rolled back."""
        if operation.verb != "delete":
            self._show(operation, operation.status)
        elif operation.error:
            self._show(operation, "Succeeded")
        else:
            self._remove(operation.of)

    def _remove(self, resource_id: str) -> None:
        """Remove a resource, its children and its managed groups."""
        rid, key = ResourceId.parse(resource_id), resource_id.lower()
        if rid.type in child_documents.LISTS:
            child_documents.remove(self.resources, rid)
            return
        gone = [k for k in self.resources if k == key or k.startswith(f"{key}/")]
        for name in gone:
            self.resources.pop(name, None)
        for name, resource in list(self.resources.items()):
            if str(resource.get("managedBy", "")).lower() in gone:
                self._remove(name)

    def save(self) -> None:
        if self.file:
            private_write(self.file, self.data.model_dump_json(indent=1).encode())

    def derive(self, *parts: str) -> str:
        """A secret derived from the sandbox's key, so that it need not be stored."""
        return hmac.new(self._key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()

    def seal(self, secret: str) -> str:
        return Fernet(self._key).encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Raises ValueError if it was not sealed with this key."""
        try:
            return Fernet(self._key).decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("sealed with another key, or not at all") from None


def _new() -> StateFile:
    return StateFile(
        tenant=str(uuid.uuid4()),
        person=SignedInUser(oid=str(uuid.uuid4())),
        subscriptions={str(uuid.uuid4()): SubscriptionEntry(name="Sandbox")},
    )


def _key_in(file: Path) -> bytes:
    """Raises StateFileError if it holds no key."""
    key = file.read_bytes()
    try:
        Fernet(key)
    except ValueError:
        raise StateFileError(
            f"{file}: this is not the key that seals the secrets of this state. Delete both files, "
            "or name another state."
        ) from None
    return key


def private_folder(path: Path) -> None:
    """Create a folder, or take one, that only the owner can enter. Raises OSError if it is another
    user's."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    must_be_own(path)
    path.chmod(0o700)


def must_be_own(path: Path) -> None:
    """Raises PermissionError if a file or folder is another user's, who could have made it to
    plant a key, a state or a model."""
    if path.stat().st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "belongs to another user of this machine", str(path))


def private_write(path: Path, content: bytes) -> None:
    """Write atomically, readable by the owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            os.fchmod(descriptor, 0o600)  # whatever the umask
            out.write(content)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
