"""Finds what can block an app's event loop by its cause: no time is measured, so a busy machine
changes nothing.

`unblocked` records every call that can wait on the loop's thread, however short it happens to be:
connections, name resolution, sleeping, processes, file locks, databases; reads and writes on
blocking sockets, TLS; conditions (and so events, queues, futures), joining threads; any call of the
backend, which calls clouds and holds locks; importing a heavy package, or waiting until another
thread has imported it. `counted` counts the function calls in one iteration of the loop.
"""

from __future__ import annotations

import asyncio
import importlib._bootstrap as bootstrap
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, wraps
from typing import Any

import pytest

MODULE_LOCK: Any = vars(bootstrap)["_ModuleLock"]
HEAVY = (
    "azure", "databricks", "mlflow", "sklearn", "pandas", "numpy", "matplotlib", "questionary",
    "starlette", "uvicorn", "httpx", "requests", "msal", "cryptography",
)  # fmt: skip
AUDITED = (
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
    "subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "fcntl.flock",
    "fcntl.lockf", "sqlite3.connect", "urllib.Request",
)  # fmt: skip
"""Audit events, which the interpreter raises for any caller."""
WAITING: tuple[tuple[Any, str], ...] = (
    (time, "sleep"),
    (threading.Condition, "wait"),
    (threading.Thread, "join"),
    (subprocess.Popen, "wait"),
    (subprocess.Popen, "communicate"),
    (ssl.SSLSocket, "do_handshake"),
    (ssl.SSLSocket, "read"),
    (ssl.SSLSocket, "write"),
)
"""Calls that wait and for which there is no audit event."""
ON_SOCKETS = ("recv", "recv_into", "recvfrom", "send", "sendall", "sendto", "accept")
"""They wait unless the socket is non-blocking."""
MOST_CALLS = 500_000
"""The limit for one iteration of the loop: twice what composing the largest page takes."""

_watches: dict[int, Watch] = {}


@dataclass
class Watch:
    """The calls that have blocked a thread, each with its stack."""

    blocked: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        stack = "".join(traceback.format_stack(sys._getframe(2), limit=12))
        self.blocked.append(f"{what}\n{stack}")


@contextmanager
def unblocked(backend: object = None) -> Iterator[Watch]:
    """Watch the current thread; AssertionError at the end if a call has blocked it. The methods of
    `backend` count as blocking."""
    _listen()
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        for kind, name in WAITING:
            patch.setattr(kind, name, _noted(getattr(kind, name), f"{kind.__name__}.{name}"))
        for name in ON_SOCKETS:
            patch.setattr(socket.socket, name, _on_socket(name))
        patch.setattr(MODULE_LOCK, "acquire", _loading(MODULE_LOCK.acquire))
        for name in _methods(backend):
            patch.setattr(backend, name, _noted(getattr(backend, name), f"backend.{name}"))
        _watches[threading.get_ident()] = watch
        try:
            yield watch
        finally:
            del _watches[threading.get_ident()]
    assert not watch.blocked, "\n".join(watch.blocked)


def _here() -> Watch | None:
    return _watches.get(threading.get_ident())


@cache
def _listen() -> None:
    """Install the audit hook, only once: it cannot be removed."""

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if not _watches or not (event == "import" or event in AUDITED):
            return
        watch = _here()
        if watch and event in AUDITED:
            watch.note(f"{event} {arguments}")
        elif watch and _is_heavy(arguments[0]):
            watch.note(f"import {arguments[0]}")

    sys.addaudithook(hear)


def _is_heavy(module: str) -> bool:
    return module.partition(".")[0] in HEAVY


def _noted(method: Callable[..., Any], what: str) -> Callable[..., Any]:
    @wraps(method)
    def noted(*arguments: Any, **more: Any) -> Any:
        watch = _here()
        limit = more.get("timeout", arguments[-1] if arguments else None)
        only_looks = isinstance(limit, int | float) and limit == 0
        if watch and not only_looks and not _starts_a_thread():
            watch.note(what)
        return method(*arguments, **more)

    return noted


def _starts_a_thread() -> bool:
    """Whether `Thread.start` is the caller: it waits only until its thread has started."""
    frame: Any = sys._getframe(2)
    return any(
        f and f.f_code is threading.Thread.start.__code__
        for f in (frame, frame.f_back, frame.f_back and frame.f_back.f_back)
    )


def _on_socket(name: str) -> Callable[..., Any]:
    method = getattr(socket.socket, name)

    @wraps(method)
    def noted(self: socket.socket, *arguments: Any) -> Any:
        watch = _here()
        if watch and self.gettimeout() != 0:
            watch.note(f"socket.{name}")
        return method(self, *arguments)

    return noted


def _loading(acquire: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wraps `acquire` of a module's import lock, held by the thread that imports the module and
    awaited by others that need it meanwhile."""

    def acquired(self: Any) -> Any:
        watch = _here()
        if watch and _is_heavy(self.name):
            watch.note(f"loading {self.name}")
        return acquire(self)

    return acquired


def _methods(backend: object) -> list[str]:
    return [
        name
        for name in dir(type(backend))
        if not name.startswith("_") and callable(getattr(type(backend), name))
    ]


# -- work


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the calls of Python and C functions in each iteration of the loop; AssertionError at
    the end if there were too many in one. On a page that does not follow a run, the count is the
    same on every machine."""
    turns, run, own = [0], asyncio.Handle._run, threading.get_ident()

    def count(frame: Any, event: str, argument: Any) -> None:
        turns[-1] += event in ("call", "c_call")

    def counting(handle: Any) -> None:
        if threading.get_ident() != own:
            return run(handle)
        turns.append(0)
        sys.setprofile(count)
        try:
            run(handle)
        finally:
            sys.setprofile(None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", counting)
        yield turns
    assert max(turns) < MOST_CALLS, f"{max(turns)} calls in one turn of the loop"
