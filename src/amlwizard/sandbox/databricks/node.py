"""The driver of a Databricks cluster: runs cells in a real Python, one namespace per context.

JSON lines on standard input and output; what a cell prints is captured. Ends with its input.
Names resolve here as the DNS of the node's VNET has them, and no connection leaves the machine.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from ipaddress import ip_address
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar, TextIO

from amlwizard.sandbox import children


class Driver:
    def __init__(self, requests: Iterator[str], answers: TextIO) -> None:
        self.requests, self.answers = requests, answers
        self.contexts: dict[str, dict[str, object]] = {}
        self.asking = threading.Lock()

    def say(self, **body: object) -> None:
        self.answers.write(json.dumps(body) + "\n")
        self.answers.flush()

    def ask(self, what: str, **details: str) -> dict[str, object]:
        with self.asking:
            self.say(ask=what, **details)
            return dict(json.loads(next(self.requests)))

    def secret(self, scope: str, key: str) -> str:
        """dbutils.secrets.get: asked of the workspace, never kept on the node."""
        answer = self.ask("secret", scope=scope, key=key)
        if "error" in answer:
            raise ValueError(answer["error"])
        return str(answer["secret"])

    def resolve(self, name: str) -> list[str]:
        """The addresses of a name in the node's VNET; gaierror where it has none."""
        addresses = self.ask("resolve", name=name).get("addresses")
        if not isinstance(addresses, list) or not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(addresses)

    def namespace(self, context: str) -> dict[str, object]:
        if context not in self.contexts:
            secrets = SimpleNamespace(get=self.secret)
            self.contexts[context] = {
                "__name__": "__main__",
                "dbutils": SimpleNamespace(secrets=secrets),
            }
        return self.contexts[context]

    def run(self, context: str, code: str) -> dict[str, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            try:
                exec(compile(code, "<command>", "exec"), self.namespace(context))
            except BaseException as error:  # noqa: BLE001 - a cell may raise anything
                return {
                    "error": f"{type(error).__name__}: {error}",
                    "cause": traceback.format_exc(),
                    "stdout": out.getvalue(),
                }
        return {"stdout": out.getvalue()}

    def serve(self) -> None:
        for line in self.requests:
            request = json.loads(line)
            if request["op"] == "forget":
                self.contexts.pop(request["context"], None)
                self.say(done=True)
            else:
                self.say(done=True, **self.run(request["context"], request["code"]))


def _is_name(host: object) -> bool:
    if not isinstance(host, (str, bytes)) or host in ("", b"", "localhost", b"localhost"):
        return False
    try:
        ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return True
    return False


def into_the_vnet(driver: Driver) -> None:
    """Give this process the resolver of its VNET, and keep its connections on this machine."""
    resolver, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: str | bytes | None, *rest: int, **more: int) -> list[object]:
        if not _is_name(host):
            return [*resolver(host, *rest, **more)]
        name = host.decode() if isinstance(host, bytes) else str(host)
        return [info for a in driver.resolve(name) for info in resolver(a, *rest, **more)]

    def gethostbyname(host: str) -> str:
        return driver.resolve(host)[0] if _is_name(host) else host

    def connected(self: socket.socket, address: tuple[str, int]) -> None:
        if self.family == socket.AF_INET and not ip_address(address[0]).is_loopback:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        connect(self, address)

    # Patched in place: what a cell imports must find the node's network, as on a real one.
    replaced: Any = socket
    replaced.getaddrinfo, replaced.gethostbyname = getaddrinfo, gethostbyname
    replaced.socket.connect = connected


class SparkSession:
    """The cluster's Spark session, as far as MLflow asks it: Databricks registers models in Unity
    Catalog unless it is told otherwise."""

    conf: ClassVar[dict[str, str]] = {"spark.mlflow.modelRegistryUri": "databricks-uc"}

    @classmethod
    def getActiveSession(cls) -> type[SparkSession]:
        return cls


def into_the_workspace() -> None:
    """Make this process find the session of its cluster where every notebook does."""
    for name in ("pyspark", "pyspark.sql"):
        module: Any = ModuleType(name)
        module.__spec__, module.__path__ = ModuleSpec(name, None, is_package=True), []
        module.__version__ = "3.5.2"
        sys.modules[name] = module
    sys.modules["pyspark"].sql = sys.modules["pyspark.sql"]  # type: ignore[attr-defined]
    sys.modules["pyspark.sql"].SparkSession = SparkSession  # type: ignore[attr-defined]
    # MLflow asks whether an example is one.
    sys.modules["pyspark.sql"].DataFrame = type("DataFrame", (), {})  # type: ignore[attr-defined]


if __name__ == "__main__":
    answers = sys.stdout
    sys.stdout = sys.stderr
    driver = Driver(children.requests(), answers)
    into_the_vnet(driver)
    into_the_workspace()
    driver.serve()
