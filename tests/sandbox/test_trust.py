"""Whom the clients believe: every one of them, of whatever SDK, trusts the same certificates.

The judge is a TLS server whose certificate an authority of its own has issued: the sandbox, met with
a profile that does not say so, as a company's proxy that inspects TLS would be.
"""

from __future__ import annotations

import os
import select
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import Event as CancelEvent
from typing import Any, ClassVar

import pytest
import trustme
from support import ROOT, Asked, Sandbox, amlwizard, existing, running
from support.breadth import crossed

from amlwizard.app.targets import started
from amlwizard.cloud import Cloud, CloudProfile, Secret, from_description
from amlwizard.cloud.trust import VARIABLES, UntrustedCertificateError
from amlwizard.cloud_port import ProbeResult
from amlwizard.errors import AmlwizardError, InvalidInputError, SignInError
from amlwizard.recipe import SignIn

pytestmark = pytest.mark.xdist_group("trust")

WORKSPACE = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
)


class Place(Sandbox):
    """A sandbox, and somebody who is signed in there."""

    @cached_property
    def session(self) -> Any:
        return existing(self.cloud()._session)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with (
        running("--approve", "--clock", "instant") as one,
        closing(Place(one.description)) as place,
    ):
        yield place


@pytest.fixture(autouse=True)
def none_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*VARIABLES, "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)


def unknown(place: Sandbox) -> CloudProfile:
    """The sandbox as a cloud of which nothing is known but where it answers."""
    return replace(from_description(place.file), ca=None, loopback_only=False)


class Clients:
    """Every client that leaves this process, signed in already, and one call of each."""

    def __init__(self, place: Place) -> None:
        self.profile, self.address = unknown(place), place.description["arm"]
        # What it must trust to get its tokens is not what is tried here.
        self.session = place.session

    def arm(self) -> Any:
        from amlwizard.cloud.arm import Arm

        return Arm(self.profile, self.session, "s").subscriptions()

    def network(self) -> Any:
        from amlwizard.cloud.arm import Arm

        return Arm(self.profile, self.session, "s")._network.virtual_networks.get("g", "v")

    def machine_learning(self) -> Any:
        from amlwizard.cloud.ml import MachineLearning

        return MachineLearning(self.profile, self.session, WORKSPACE).keys("endpoint")

    def databricks(self) -> Any:
        from amlwizard.cloud.databricks import Databricks
        from amlwizard.cloud.session import TenantCredential

        host = self.address.removeprefix("https://")
        credential = TenantCredential(self.session, self.session.identity.tenant)
        return Databricks(self.profile, credential, host, "").find_cluster("c")

    def scoring(self) -> Any:
        from amlwizard.cloud.scoring import score

        return score(self.profile, f"{self.address}/score", Secret("a-scoring-key"), {})

    def probe(self) -> Any:
        from amlwizard.cloud.probe import knock

        return knock(self.profile, "GET", self.address)

    def names(self) -> Any:
        from amlwizard.cloud.probe import resolve

        return resolve(self.profile, "login.example")

    def sign_in(self) -> Any:
        return Cloud(self.profile, attended=True).sign_in(SignIn(), Asked(), CancelEvent())


CLIENTS = [name for name in vars(Clients) if not name.startswith("_")]


def met(call: Callable[[], Any]) -> str:
    """How a client got on with the certificate: ``refused`` with the words, or ``believed``."""
    try:
        answer = call()
    except UntrustedCertificateError as error:
        return f"refused: {error}"
    except SignInError as error:
        return f"refused: {error}" if "certificate" in str(error) else "believed"
    except (AmlwizardError, OSError):
        return "believed"  # whatever else it did not like
    except Exception as error:  # an SDK's own
        if "CERTIFICATE" in str(error):
            raise
        return "believed"
    if isinstance(answer, ProbeResult) and answer.error:
        return f"refused: {answer.error}"
    return "believed"


NAMED = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.mark.parametrize(("client", "variable"), crossed(CLIENTS, NAMED), ids=lambda value: value)
def test_a_companys_authority_is_believed_by_every_client_whichever_variable_names_it(
    place: Place, client: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, place.description["ca"])
    clients, before = Clients(place), len(place.calls)
    assert met(getattr(clients, client)) == "believed"
    assert len(place.calls) > before, "it was asked"


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_reports_an_untrusted_authority_as_a_certificate_error(
    place: Place, client: str
) -> None:
    said = met(getattr(Clients(place), client))
    assert said.startswith("refused")
    if client == "probe":
        assert "CertificateVerifyFailed" in said
        return
    assert "certificate of 127.0.0.1 is not trusted" in said
    assert "trustme" in said, "who issued it"
    assert "REQUESTS_CA_BUNDLE" in said and "load balancer" not in said


def test_a_folder_of_certificates_is_believed_too(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "company.crt").write_text(Path(place.description["ca"]).read_text())
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert met(Clients(place).scoring) == met(Clients(place).arm) == "believed"


def test_the_variables_add_to_each_other(
    place: Place, served: Callable[..., tuple[str, CloudProfile]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company that inspects some connections lets others pass, or has two authorities."""
    url, other = served("127.0.0.1")
    clients = Clients(place)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", place.description["ca"])
    monkeypatch.setenv("SSL_CERT_FILE", str(other.ca))
    assert met(clients.scoring) == met(clients.arm) == "believed"
    clients.address = url
    assert met(clients.scoring) == met(clients.databricks) == "believed"


@pytest.mark.parametrize("content", [None, "no certificate at all\n"])
def test_a_named_file_that_cannot_be_used_is_an_error_that_says_so(
    place: Place, tmp_path: Path, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "company.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(file))
    with pytest.raises(InvalidInputError) as caught:
        Cloud(unknown(place), attended=True).sign_in(SignIn(), Asked(), CancelEvent())
    assert "CURL_CA_BUNDLE" in caught.value.what and "unset CURL_CA_BUNDLE" in caught.value.fix
    assert str(file) in caught.value.what and caught.value.why


# -- what else can be wrong with a certificate


NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., tuple[str, CloudProfile]]]:
    """A TLS server with a certificate as wished for: its address, and a profile that trusts the
    authority."""
    authority = trustme.CA()
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    doors: list[socket.socket] = []

    def serve(*names: str, **validity: Any) -> tuple[str, CloudProfile]:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names, **validity).configure_cert(tls)
        door = socket.create_server(("127.0.0.1", 0))
        doors.append(door)

        def answer() -> None:
            while True:
                try:
                    one, _ = door.accept()
                except OSError:
                    return
                with one, suppress(OSError), tls.wrap_socket(one, server_side=True) as asked:
                    asked.recv(65536)
                    asked.sendall(NOT_FOUND)

        threading.Thread(target=answer, daemon=True).start()
        url = f"https://127.0.0.1:{door.getsockname()[1]}"
        return url, CloudProfile("test", url, url, ca=str(ca))

    yield serve
    for door in doors:
        door.shutdown(socket.SHUT_RDWR)
        door.close()


def refusal(url: str, profile: CloudProfile) -> UntrustedCertificateError:
    from amlwizard.cloud.scoring import score

    with pytest.raises(UntrustedCertificateError) as caught:
        score(profile, url, Secret("a-scoring-key"), {})
    return caught.value


def test_a_certificate_that_has_expired_is_called_so(
    served: Callable[..., tuple[str, CloudProfile]],
) -> None:
    said = refusal(*served("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)))
    assert "not valid now" in said.what and "clock" in said.fix
    assert "REQUESTS_CA_BUNDLE" not in str(said)


def test_a_certificate_for_another_name_is_called_so(
    served: Callable[..., tuple[str, CloudProfile]],
) -> None:
    said = refusal(*served("score.example.com"))
    assert "another name" in said.what and "score.example.com" in said.why
    assert "REQUESTS_CA_BUNDLE" not in str(said)


# -- by a proxy


class Tunnel(socketserver.StreamRequestHandler):
    """A proxy that knows CONNECT."""

    seen: ClassVar[list[str]]

    def handle(self) -> None:
        host, _, port = self.rfile.readline().split()[1].decode().partition(":")
        self.seen.append(host)
        while self.rfile.readline().strip():
            pass
        with closing(socket.create_connection((host, int(port)))) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            ends = {self.connection: there, there: self.connection}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A proxy that the environment names; the hosts that were asked for by it."""

    class Counted(Tunnel):
        seen: ClassVar[list[str]] = []

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Counted) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
        yield Counted.seen
        server.shutdown()


@pytest.mark.parametrize("client", ["arm", "databricks", "scoring"])
def test_an_untrusted_authority_behind_a_proxy_is_a_certificate_error(
    place: Place, proxy: list[str], client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = met(getattr(Clients(place), client))
    assert "certificate of 127.0.0.1 is not trusted" in said and "trustme" in said
    assert len(proxy) == 2, "the request, and the second look"
    monkeypatch.setenv("SSL_CERT_FILE", place.description["ca"])
    assert met(getattr(Clients(place), client)) == "believed" and len(proxy) == 3


@pytest.mark.parametrize("client", CLIENTS)
def test_what_stays_on_this_machine_asks_no_proxy(
    place: Place, proxy: list[str], client: str
) -> None:
    clients = Clients(place)
    clients.profile = from_description(place.file)
    assert met(getattr(clients, client)) == "believed" and proxy == []


# -- the sandbox's own authority


def test_nothing_else_is_believed_in_the_sandbox_and_nothing_stays_behind(
    place: Place, served: Callable[..., tuple[str, CloudProfile]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, other = served("127.0.0.1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.ca))
    before = dict(os.environ)
    clients = Clients(place)
    clients.profile = from_description(place.file)
    for name in CLIENTS:
        assert met(getattr(clients, name)) == "believed"
    clients.address = url
    assert met(clients.scoring).startswith("refused")
    assert met(clients.databricks).startswith("refused")
    assert dict(os.environ) == before


def test_the_sandboxs_authority_ends_with_it(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with started(["--state", str(state)], None) as description:
        ca, told = Path(description["ca"]), Path(description["description"])
        assert ca.exists() and told.exists()
        held = subprocess.run(
            ["grep", "-rl", "PRIVATE KEY", str(tmp_path)], capture_output=True, text=True
        )
        assert held.stdout == "", "a key that could be used after it"
    assert state.exists() and not ca.exists() and not told.exists()
    recipe = str(ROOT / "recipes" / "quickstart.yaml")
    ran = amlwizard(
        "replay", recipe, "--target", "azure", "--yes", "--until", "sign-in",
        AMLWIZARD_HOME=str(tmp_path / "home"), REQUESTS_CA_BUNDLE=str(ca),
    )  # fmt: skip
    assert ran.code == 2 and "unset REQUESTS_CA_BUNDLE" in ran.out
