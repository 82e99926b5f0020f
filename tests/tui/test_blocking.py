"""The watch on the loop's thread sees whatever could hold it, and nothing that another thread does."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from filelock import FileLock
from support import blocking
from support.blocking import counted, unblocked


def asks_a_server() -> None:
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", 9))


def talks() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        ours.recv(1)


def shakes_hands() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.close()
        with pytest.raises(OSError):
            ssl.create_default_context().wrap_socket(ours, server_hostname="x")


def looks_up() -> None:
    socket.getaddrinfo("127.0.0.1", 80)


def runs_a_program() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def locks_a_file(folder: Path) -> None:
    with FileLock(folder / "lock"):
        pass


def waits_for_a_future() -> None:
    with pytest.raises(TimeoutError):
        Future[None]().result(0.001)


def joins() -> None:
    thread = threading.Thread(target=time.sleep, args=[0])
    thread.start()
    thread.join()


def waits_for_an_event() -> None:
    threading.Event().wait(0.001)


def loads_a_package() -> None:
    with pytest.raises(ImportError):
        __import__("azure.heavy")


class Backend:
    def plan(self) -> None: ...


backend = Backend()

KINDS: dict[str, tuple[Callable[[], object], str]] = {
    "sleep": (lambda: time.sleep(0.001), "time.sleep"),
    "connection": (asks_a_server, "socket.connect"),
    "socket": (talks, "socket.recv"),
    "TLS": (shakes_hands, "SSLSocket.do_handshake"),
    "names": (looks_up, "socket.getaddrinfo"),
    "program": (runs_a_program, "subprocess.Popen"),
    "future": (waits_for_a_future, "Condition.wait"),
    "join": (joins, "Thread.join"),
    "event": (waits_for_an_event, "Condition.wait"),
    "import": (loads_a_package, "import azure.heavy"),
    "backend": (lambda: backend.plan(), "backend.plan"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_blocks_is_seen_and_told_with_its_place(kind: str) -> None:
    does, said = KINDS[kind]
    with pytest.raises(AssertionError) as told, unblocked(backend):
        does()
    assert said in str(told.value) and "test_blocking.py" in str(told.value)


@pytest.mark.parametrize("kind", KINDS)
def test_another_thread_may(kind: str) -> None:
    other = threading.Thread(target=KINDS[kind][0])
    with unblocked(backend):
        other.start()
    other.join()


def test_a_file_lock_is_seen(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"fcntl\.flock"), unblocked():
        locks_a_file(tmp_path)


async def test_the_loop_itself_waits_for_nothing() -> None:
    """What asyncio does for its own ends, threads and their words to the loop included."""
    with unblocked():
        told = asyncio.Event()
        asyncio.get_running_loop().call_soon(told.set)
        await told.wait()
        await asyncio.to_thread(time.sleep, 0.01)
        await asyncio.sleep(0.01)


async def test_too_much_work_in_one_turn_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "MOST_CALLS", 1000)

    async def work(calls: int) -> None:
        for n in range(calls):
            abs(n)

    with counted():
        for _ in range(5):
            await asyncio.create_task(work(500))
    with pytest.raises(AssertionError, match="calls in one turn"), counted():
        await asyncio.create_task(work(1500))
