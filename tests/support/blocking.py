"""What can hold an app's loop, found by its cause: no clock is looked at, so a busy machine changes
nothing.

`unblocked` records, where it is called and however short it happens to take, what waits on the loop's
thread: connections, name resolution, sleeping, processes, file locks, databases; reading from and
writing to sockets that block, TLS; conditions (and so events, queues, futures), joining threads; any
call of the backend, which asks clouds and holds locks meanwhile; loading a heavy package, or waiting for
another thread to have loaded it. `counted` counts the work that is done in one turn of the loop.
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

HEAVY = (
    "azure", "databricks", "mlflow", "sklearn", "pandas", "numpy", "matplotlib", "questionary",
    "starlette", "uvicorn", "httpx", "requests", "msal", "cryptography",
)  # fmt: skip
AUDITED = (
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
    "subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "fcntl.flock",
    "fcntl.lockf", "sqlite3.connect", "urllib.Request",
)  # fmt: skip
"""Events that the interpreter itself tells of, whoever causes them."""
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
"""What waits and of which the interpreter tells nothing."""
ON_SOCKETS = ("recv", "recv_into", "recvfrom", "send", "sendall", "sendto", "accept")
"""They wait unless the socket was told not to."""
MOST_CALLS = 500_000
"""In one turn of the loop: twice what the largest page takes to be made."""

_watches: dict[int, Watch] = {}


@dataclass
class Watch:
    """What has blocked a thread, each with its stack."""

    blocked: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        stack = "".join(traceback.format_stack(sys._getframe(2), limit=12))
        self.blocked.append(f"{what}\n{stack}")


@contextmanager
def unblocked(backend: object = None) -> Iterator[Watch]:
    """Watch the thread that enters; at the end, nothing must have blocked it. The methods of
    `backend` count as blocking."""
    _listen()
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        for kind, name in WAITING:
            patch.setattr(kind, name, _noted(getattr(kind, name), f"{kind.__name__}.{name}"))
        for name in ON_SOCKETS:
            patch.setattr(socket.socket, name, _on_socket(name))
        patch.setattr(bootstrap._ModuleLock, "acquire", _loading(bootstrap._ModuleLock.acquire))
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
    """For good: a hook cannot be taken away."""

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
    """`Thread.start` waits for the first breath of its thread, and for nothing that it does."""
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
    """Of a module's lock, which who loads it holds, and who needs it meanwhile waits for."""

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
    """The calls of functions, Python's and C's, in each turn of the loop; at the end, in none of them
    too many. On a page that follows nothing the count is the same on every machine."""
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
