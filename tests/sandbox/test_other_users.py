"""Other users of this machine can neither sign in to a sandbox nor reach its services."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
import pytest
from support import Sandbox, environment
from support.platforms import Platform

NOBODY = 65534
pytestmark = [
    pytest.mark.xdist_group("refusals"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user"),
]

AS_NOBODY = f"""
import encodings.idna, http.client, json, os, socket, ssl, sys, urllib.parse

given = json.load(sys.stdin)
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})

def ask(method, url, form=None, **headers):
    parts = urllib.parse.urlsplit(url)
    anything = ssl._create_unverified_context()
    connection = (
        # What speaks no TLS may wait for more than a greeting.
        http.client.HTTPSConnection(parts.netloc, context=anything, timeout=5)
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc)
    )
    body = None if form is None else urllib.parse.urlencode(form)
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, parts.path + (parts.query and "?" + parts.query), body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, type(error).__name__
"""


def as_nobody(code: str, **given: Any) -> Any:
    """What `code` prints as JSON, run as another user."""
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY + code],
        input=json.dumps(given), capture_output=True, text=True, env=environment({}), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SIGN_IN = """
base = given["arm"] + "/organizations/oauth2/v2.0/"
client = {"client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46"}
_, said = ask("POST", base + "devicecode", client | {"scope": "https://management.azure.com/.default"})
code = json.loads(said)
pages = {code["verification_uri"], given["arm"] + "/device"}
for page in pages:
    ask("POST", page, {"code": code["user_code"], "answer": "approve"})
grant = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": code["device_code"]}
print(json.dumps({"page": code["verification_uri"], "token": ask("POST", base + "token", client | grant)}))
"""


@pytest.mark.parametrize("approves", [False, True])
def test_other_users_cannot_sign_in_as_the_owner(
    sandbox: Callable[..., Sandbox], approves: bool
) -> None:
    """Neither by approving their own code nor where the sandbox approves for its owner."""
    there = sandbox("--clock", "instant")
    there.control("approval", {"approve": approves})
    got = as_nobody(SIGN_IN, arm=there.description["arm"])
    status, body = got["token"]
    assert status == 400 and json.loads(body)["error"] == "authorization_pending"


BROWSER = """
asked = {
    "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "response_type": "code",
    "response_mode": "form_post", "redirect_uri": "http://localhost:9", "state": "x",
    "code_challenge": "x" * 43, "code_challenge_method": "S256",
    "scope": "https://management.azure.com/.default",
}
page = given["arm"] + "/organizations/oauth2/v2.0/authorize?" + urllib.parse.urlencode(asked)
print(json.dumps([ask("GET", page), ask("POST", page, {"answer": "approve"})]))
"""


@pytest.mark.parametrize("approves", [False, True])
def test_other_users_cannot_approve_in_a_browser(
    sandbox: Callable[..., Sandbox], approves: bool
) -> None:
    there = sandbox("--clock", "instant")
    there.control("approval", {"approve": approves})
    (shown, page), (status, _) = as_nobody(BROWSER, arm=there.description["arm"])
    assert shown == 200 and 'name="code"' not in page
    assert status == 403


ASK_EVERYWHERE = """
path = "/api/2.0/mlflow/experiments/search?max_results=1"
found = [
    (port, *ask("GET", f"{scheme}://127.0.0.1:{port}{path}"))
    for port in given["ports"]
    for scheme in ("http", "https")
]
refused = []
for path in given["sockets"]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
    except OSError as error:
        refused.append(type(error).__name__)
print(json.dumps({"found": found, "refused": refused}))
"""


def test_other_users_cannot_reach_the_mlflow_server(platform: Platform) -> None:
    """By none of the ports that the sandbox or a process of it listens on, nor by its socket."""
    folder = platform.sandbox.file.parent
    made = platform.outputs["databricks"]
    platform.cloud.databricks(made["url"], made["id"]).run_cells(
        platform.outputs["databricks-cluster"]["id"], ["pass"], lambda *_, **__: None, CancelEvent()
    )
    workspace = platform.outputs["workspace"]["id"]
    platform.cloud.arm.every(f"{workspace}/models", "2025-09-01")  # what a notebook has started
    sockets = [path for path in folder.rglob("*") if path.is_socket()]
    for path in sockets:
        via = httpx.HTTPTransport(uds=os.path.relpath(path))
        with httpx.Client(transport=via) as owner:
            assert owner.get("http://mlflow/any/version").text == "2.22.5"
    ports = listening(folder)
    assert sockets and len(ports) > 3
    got = as_nobody(ASK_EVERYWHERE, ports=sorted(ports), sockets=[str(path) for path in sockets])
    assert got["refused"] == ["PermissionError"] * len(sockets)
    assert {status for _, status, _ in got["found"]} <= {0, 400, 401, 404, 502}, got


def listening(folder: Path) -> set[int]:
    """The TCP ports of the processes that work in a sandbox's folder or were told of it."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where, told = str((process / "cwd").readlink()), (process / "cmdline").read_text()
            if not where.startswith(str(folder)) and str(folder) not in told:
                continue
            inodes |= {str(file.readlink()) for file in (process / "fd").iterdir()}
        except OSError:
            continue
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(row[1].partition(":")[2], 16)
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in inodes
    }


def test_no_listener_answers_to_a_name_that_is_not_its_own(platform: Platform) -> None:
    """Another one, which the page of a stranger has made to mean this machine (DNS rebinding)."""
    ports = listening(platform.sandbox.file.parent)
    assert set(platform.sandbox.state["ports"].values()) & ports
    for port in sorted(ports):
        for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", ""):
            assert ask_as(port, name) in (400, 421, 502), (port, name)


def ask_as(port: int, name: str) -> int:
    """The status of an answer to a request by that name, with TLS where the port wants it."""
    for secure in (False, True):
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)) as plain:
            trust = ssl._create_unverified_context()
            through = trust.wrap_socket(plain) if secure else plain
            through.sendall(f"GET /x HTTP/1.1\r\nhost: {name}\r\n\r\n".encode())
            if said := through.recv(4096):
                return int(said.split()[1])
    raise AssertionError(port)


CONNECT = """
import base64

def connect(proxy, password):
    with socket.create_connection(tuple(proxy)) as through:
        head = f"CONNECT {given['inside']} HTTP/1.1\\r\\n"
        if password is not None:
            head += f"Proxy-Authorization: Basic {base64.b64encode(password.encode()).decode()}\\r\\n"
        through.sendall(f"{head}\\r\\n".encode())
        return int(through.recv(64).split()[1])

print(json.dumps([connect(given["proxy"], password) for password in given["passwords"]]))
"""


def test_other_users_cannot_enter_a_vnet(platform: Platform) -> None:
    """Its proxy listens on a port like every door, and lets in who knows the password of a node."""
    proxy = proxy_in(platform.sandbox.file.parent)
    assert proxy and proxy.hostname, "the cluster's node has one"
    user, inside = proxy.username, platform.sandbox.description["arm"].rpartition("/")[2]
    passwords = [None, ":", f"{user}:", f"{user}:guessed", "é:é", f"{user}:{proxy.password}"]
    got = as_nobody(CONNECT, proxy=[proxy.hostname, proxy.port], inside=inside, passwords=passwords)
    assert got == [502] * (len(passwords) - 1) + [200]


def proxy_in(folder: Path) -> SplitResult | None:
    """The proxy that a node of a cluster was given, which works in a sandbox's folder."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if not str((process / "cwd").readlink()).startswith(str(folder)):
                continue
            environ = (process / "environ").read_text().split("\0")
            for line in environ:
                if line.startswith("HTTPS_PROXY="):
                    return urlsplit(line.partition("=")[2])
    return None
