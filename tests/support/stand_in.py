"""Stands in for Python where a sandbox is tested: modules that a server forks for are run by it (see
`forking`), everything else by Python itself.

Run by its path, with the folder of the servers before Python's own arguments. It imports little, since
it is what saves the others their imports.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

INTERPRETER = "amlwizard.sandbox.ml.interpreter"
SCORER = "amlwizard.sandbox.ml.scorer"
COMMANDS, SERVICES = "commands", "services"
SERVED = {
    "amlwizard": COMMANDS,
    # a sandbox, and what it starts
    "amlwizard.sandbox": SERVICES,
    "amlwizard.sandbox.children": SERVICES,
    "amlwizard.sandbox.databricks.node": SERVICES,
    INTERPRETER: SERVICES,
    SCORER: SERVICES,
    "gunicorn": SERVICES,
}
"""The server that runs a module."""
LARGEST = 1 << 20


def ask(
    address: str, arguments: Sequence[str], env: Mapping[str, str], cwd: str, files: Sequence[int]
) -> socket.socket:
    """Have a server run a module with arguments, and with `files` as its standard streams. Its answers
    are the id of the process, then its exit code; closing the connection kills it."""
    umask = os.umask(0)
    os.umask(umask)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST)
    server.connect(address)
    asked = {"arguments": [*arguments], "env": {**env}, "cwd": cwd, "umask": umask}
    socket.send_fds(server, [json.dumps(asked).encode()], files)
    return server


def main() -> None:
    folder, *arguments = sys.argv[1:]
    if len(arguments) < 2 or arguments[0] != "-m" or arguments[1] not in SERVED:
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - as it would have been
    address = os.path.join(folder, SERVED[arguments[1]])  # noqa: PTH118
    server = ask(address, arguments[1:], os.environ, os.getcwd(), (0, 1, 2))  # noqa: PTH109
    server.recv(16)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: server.send(str(number).encode()) and None)
    code = int(server.recv(16) or 1)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
