"""Requests of the wrong size, speed, name or path: they end before anything is done with them."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send
from support import Sandbox, forking, running

from amlwizard.sandbox import limits
from amlwizard.sandbox.clock import Clock
from amlwizard.sandbox.control import Exchanges
from amlwizard.sandbox.control.faults import Faults
from amlwizard.sandbox.entra import connection_owner
from amlwizard.sandbox.ports import PortPool
from amlwizard.sandbox.state import State, private_folder

MIB = 2**20
FORM = "content-type: application/x-www-form-urlencoded\r\n"
TOKEN = "/organizations/oauth2/v2.0/token"


@pytest.fixture(scope="module")
def there() -> Iterator[Sandbox]:
    with running("--clock", "instant") as sandbox:
        yield sandbox


class Raw:
    """A connection to the main port of a sandbox, below HTTP."""

    def __init__(self, there: Sandbox) -> None:
        port = int(there.description["arm"].rpartition(":")[2])
        trust = ssl.create_default_context(cafile=there.description["ca"])
        plain = socket.create_connection(("127.0.0.1", port))
        self.socket = trust.wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, head: str, body: bytes = b"") -> int:
        """The status of the answer; 0 if the connection ends without one."""
        with self.socket:
            self.socket.sendall(f"{head}\r\n".encode() + body)
            return int((self.socket.recv(4096) or b"- 0").split()[1])


def head(line: str, more: str = "", host: str = "127.0.0.1") -> str:
    return f"{line} HTTP/1.1\r\nhost: {host}\r\n{more}"


def test_a_body_that_nobody_vouches_for_is_not_read(there: Sandbox) -> None:
    """Neither one that says how large it is, nor one that does not."""
    put = "PUT /subscriptions/x?api-version=2025-04-01"
    for more in (
        f"content-length: {300 * MIB}\r\n",
        f"content-length: {limits.MOST_BYTES + 1}\r\n",
    ):
        assert Raw(there).ask(head(put, more)) == 413
    chunk = b"%x\r\n" % (limits.MOST_BYTES + 1) + bytes(limits.MOST_BYTES + 1) + b"\r\n"
    assert Raw(there).ask(head(put, "transfer-encoding: chunked\r\n"), chunk) == 413
    fitting = f"content-length: {limits.MOST_BYTES}\r\n"
    assert Raw(there).ask(head(put, fitting), bytes(limits.MOST_BYTES)) == 401


def test_a_huge_form_is_refused(there: Sandbox) -> None:
    length = f"content-length: {50 * MIB}\r\n{FORM}"
    assert Raw(there).ask(head(f"POST {TOKEN}", length)) == 413


def test_a_form_of_a_million_fields_is_none(there: Sandbox) -> None:
    form = b"a=b&" * 1_000_000
    length = f"content-length: {len(form)}\r\n{FORM}"
    assert Raw(there).ask(head(f"POST {TOKEN}", length), form) == 400


@pytest.mark.parametrize("token", ["a.b.é", f"a.{'W1tb' * 5_000}.x", "a", ""])
def test_no_token_is_too_odd_to_be_refused(there: Sandbox, token: str) -> None:
    asked = head("GET /subscriptions?api-version=2022-12-01", f"authorization: Bearer {token}\r\n")
    assert Raw(there).ask(asked) == 401
    assert there.unknown == []


def test_headers_have_an_end(there: Sandbox) -> None:
    """Also those of one long line; the answer may be lost where more was sent than was read."""
    for more in (f"x: {'x' * MIB}\r\n", "".join(f"x{n}: {n}\r\n" for n in range(30_000))):
        status = 0
        with suppress(ConnectionError, ssl.SSLError):
            status = Raw(there).ask(head("GET /metadata/endpoints", more))
        assert status in (0, 400)


class Anything:
    """Doors that every request may enter."""

    def answers_to(self, name: str, port: int) -> bool:
        return True

    def most_bytes(self, request: object) -> int:
        return 10

    def disrupt(self, request: object, disruption: str) -> None:
        return None


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("a request that is not whole reached its handler")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b"408"),
        (b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n", b"408"),
        (b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\nx", b"408"),
        (b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 11\r\n\r\n", b"413"),
    ],
    ids=["no word", "half a head", "half a body", "too much"],
)
async def test_a_slow_client_is_disconnected(
    sent: bytes, status: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte at a time does not help either: the whole has to come in time."""
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.1)
    state = State.open(tmp_path, None, Clock("instant", 1))
    ports = PortPool(state, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    ports.app = Exchanges(never, Anything(), state, Faults(), None)
    reader, writer = await asyncio.open_connection("127.0.0.1", ports.open("x", "y", None))
    writer.write(sent)
    answer = await reader.read()  # up to the end of the connection
    assert answer.split()[1] == status
    writer.close()
    ports.stop_serving()
    await ports.close()


def test_an_owner_of_other_pages_is_signed_in_by_none_of_them(
    sandbox: Callable[..., Sandbox],
) -> None:
    """Where sign-ins are approved by themselves, a link of another site is not such a sign-in."""
    if not connection_owner.IS_KNOWN:
        pytest.skip("nobody is known to be the owner here")
    there = sandbox("--clock", "instant")
    query = (
        "response_type=code&response_mode=form_post&state=x&client_id=x"
        f"&redirect_uri=http://localhost:9&code_challenge={'x' * 43}&code_challenge_method=S256"
    )
    asked = f"GET /organizations/oauth2/v2.0/authorize?{query}"
    for site, comes in (("none", True), ("cross-site", False), ("same-site", False)):
        raw = Raw(there)
        with raw.socket:
            more = f"sec-fetch-site: {site}\r\nconnection: close\r\n\r\n"
            raw.socket.sendall(head(asked, more).encode())
            page = b"".join(iter(lambda: raw.socket.recv(4096), b""))  # noqa: B023
        assert (b'name="code"' in page) is comes, site


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("planted", ["there.json.d", "there.key", "there.json"])
def test_what_another_user_has_planted_is_not_used(tmp_path: Path, planted: str) -> None:
    """A key that they know would sign their tokens, a model of theirs would be loaded."""
    path = tmp_path / planted
    path.mkdir() if planted.endswith(".d") else path.write_text("{}")
    os.chown(path, 65534, 65534)
    ran = subprocess.run(
        [forking.python(), "-m", "amlwizard.sandbox", "--state", str(tmp_path / "there.json")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr == f"{path}: belongs to another user of this machine\n"


def test_a_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "there.json.d"
    folder.mkdir()
    folder.chmod(0o777)
    private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
