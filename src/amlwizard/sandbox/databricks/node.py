"""The driver process of a Databricks cluster: runs cells, with one namespace per context.

Messages are lines of JSON on standard input and output; the output of cells is captured. Host names
resolve as in the node's VNET, and connections never leave this machine.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import traceback
import webbrowser
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, TextIO

from amlwizard.sandbox import children
from amlwizard.sandbox.databricks import spark
from amlwizard.sandbox.databricks.files import FileSystem

INTERPRETER = "amlwizard.sandbox.ml.interpreter"
"""What cells know as Python, to make environments with."""
STANDARD = "standard"  # the argument of a node in standard access mode


class CellRunner:
    def __init__(
        self, requests: Iterator[str], answers: TextIO, session: spark.Spark | spark.Connected
    ) -> None:
        self.requests, self.answers, self.session = requests, answers, session
        self.contexts: dict[str, dict[str, object]] = {}
        self.asking = threading.Lock()
        self.running = False

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Cancelling a command interrupts its cell, and nothing else in this process."""
        if self.running:
            raise KeyboardInterrupt

    def say(self, **body: object) -> None:
        self.answers.write(json.dumps(body) + "\n")
        self.answers.flush()

    def ask(self, what: str, **details: str) -> dict[str, object]:
        with self.asking:
            self.say(ask=what, **details)
            return dict(json.loads(next(self.requests)))

    def secret(self, scope: str, key: str) -> str:
        """dbutils.secrets.get: queried from the workspace, never stored on the node."""
        answer = self.ask("secret", scope=scope, key=key)
        if "error" in answer:
            raise ValueError(answer["error"])
        return str(answer["secret"])

    def resolve(self, name: str) -> list[str]:
        """The addresses of a name in the node's VNET. Raises gaierror if there are none."""
        addresses = self.ask("resolve", name=name).get("addresses")
        if not isinstance(addresses, list) or not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(addresses)

    def namespace(self, context: str) -> dict[str, object]:
        if context not in self.contexts:
            secrets = SimpleNamespace(get=self.secret)
            self.contexts[context] = {
                "__name__": "__main__",
                "dbutils": SimpleNamespace(secrets=secrets, widgets=Widgets(), fs=FileSystem()),
                "display": print,
                "spark": self.session,
            }
        return self.contexts[context]

    def run(self, context: str, code: str) -> dict[str, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            try:
                self.running = True
                try:
                    self.session.load_for(code)
                    # What a cluster is for; who may send cells, Databricks' API has checked.
                    exec(compile(code, "<command>", "exec"), self.namespace(context))  # noqa: S102
                finally:
                    self.running = False
                    signal.signal(signal.SIGINT, self.interrupt)  # Spark has taken it
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
                without_runs()
                self.say(done=True)
            else:
                self.say(done=True, **self.run(request["context"], request["code"]))


class Widgets:
    """dbutils.widgets: a widget that exists keeps its value when it is made again."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def text(self, name: str, defaultValue: str, label: str = "") -> None:
        self.values.setdefault(name, str(defaultValue))

    def dropdown(
        self, name: str, defaultValue: str, choices: Sequence[str], label: str = ""
    ) -> None:
        if defaultValue not in choices:
            raise ValueError(f"{defaultValue} is none of the choices")
        self.text(name, defaultValue)

    combobox = multiselect = dropdown

    def get(self, name: str) -> str:
        if name not in self.values:
            raise ValueError(f"InputWidgetNotDefined: No input widget named {name} is defined")
        return self.values[name]

    def getAll(self) -> dict[str, str]:
        return dict(self.values)

    def remove(self, name: str) -> None:
        self.values.pop(name, None)

    def removeAll(self) -> None:
        self.values.clear()


def without_runs() -> None:
    """On a cluster each context has a process, and MLflow's open runs end with it."""
    fluent: Any = sys.modules.get("mlflow.tracking.fluent")
    if fluent:
        fluent._active_run_stack.set([])


def _is_name(host: object) -> bool:
    if not isinstance(host, (str, bytes)) or host in ("", b"", "localhost", b"localhost"):
        return False
    try:
        ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return True
    return False


def into_the_vnet(driver: CellRunner) -> None:
    """Use the DNS of the VNET in this process, and refuse connections to other machines."""
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

    # Patched in place, so that every library that a cell imports uses it.
    replaced: Any = socket
    replaced.getaddrinfo, replaced.gethostbyname = getaddrinfo, gethostbyname
    replaced.socket.connect = connected


def without_a_browser() -> None:
    """A node has none; this machine may."""
    replaced: Any = webbrowser
    replaced.open = lambda *_, **__: False


if __name__ == "__main__":
    # Programs that cells start, such as Java, write where we do: not among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connected = STANDARD in sys.argv
    session = spark.Connected() if connected else spark.Spark()
    driver = CellRunner(children.requests(), answers, session)
    signal.signal(signal.SIGINT, driver.interrupt)
    into_the_vnet(driver)
    without_a_browser()
    spark.stand_in(connected)
    python = Path(tempfile.mkdtemp(), "bin", "python")
    children.program(python, INTERPRETER, "")
    sys.executable = str(python)
    driver.serve()
