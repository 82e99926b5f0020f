"""Runs the sandbox cloud. Prints one line of JSON, its description, once it answers."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import trustme
from filelock import FileLock, Timeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from amlwizard.sandbox import dns, services
from amlwizard.sandbox.arm import Arm
from amlwizard.sandbox.arm.accounts import REGIONS
from amlwizard.sandbox.capture import Capture
from amlwizard.sandbox.control import Control, Exchanges
from amlwizard.sandbox.databricks import Databricks
from amlwizard.sandbox.datacentre import DataCentre, bind
from amlwizard.sandbox.entra import Entra
from amlwizard.sandbox.vnet import INTERNET
from amlwizard.sandbox.world import Clock, World, private_write

# The names of Azure that the sandbox's certificate is good for.
NAMES = (
    "127.0.0.1", "localhost", "*.blob.core.windows.net", "*.file.core.windows.net",
    "*.vault.azure.net", "*.azurecr.io",
    *(f"*.{region}.data.azurecr.io" for region in REGIONS),
    *(f"*.{region}.notebooks.azure.net" for region in REGIONS),
    *(f"*.workspace.{region}.api.azureml.ms" for region in REGIONS),
    *(f"*.workspace.{region}.cert.api.azureml.ms" for region in REGIONS),
)  # fmt: skip
CA, DESCRIPTION = "ca.pem", "sandbox.json"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amlwizard sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--clock", choices=("instant", "polls", "real"), default="real")
    parser.add_argument("--speed", type=float, default=60)
    parser.add_argument("--approve", action="store_true")
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--until-eof", action="store_true")
    return parser.parse_args()


class Routes:
    """One application for every door; the port that a request came to says whose door it is."""

    def __init__(self, arm: Arm, databricks: Databricks, centre: DataCentre, entra: Entra) -> None:
        self.arm, self.databricks, self.centre, self.entra = arm, databricks, centre, entra

    async def any(self, request: Request) -> Response:
        kind, resource_id = self.centre.who(request.scope["server"][1])
        if kind == "databricks":
            return await self.databricks.handle(request, resource_id)
        if kind.startswith("ml"):
            return await self.centre.tracking.handle(request, resource_id, kind == "ml-inside")
        if kind.startswith("services"):
            return await services.answer(self.centre.world, request, kind == "services-inside")
        return await self.arm.handle(request)

    async def resolve(self, request: Request) -> Response:
        """The public DNS over HTTPS, in its JSON form; A records only."""
        name = request.query_params.get("name", "")
        found = dns.public(self.centre.world, name)
        body: dict[str, Any] = {
            "Status": 0 if found else 3,
            "Question": [{"name": name, "type": 1}],
        }
        if found:
            body["Answer"] = [{"name": name, "type": 1, "TTL": 10, "data": a} for a in found]
        return JSONResponse(body, media_type="application/dns-json")

    async def score(self, request: Request) -> Response:
        kind, resource_id = self.centre.who(request.scope["server"][1])
        if not kind.startswith("serving"):
            return Response(status_code=404)
        return await self.centre.serving.handle(request, resource_id)

    async def metadata(self, request: Request) -> Response:
        """What az (2022-09-01: one object) and azure-ai-ml (2019-05-01: a list) ask first."""
        arm = self.centre.world.arm
        cloud: dict[str, Any] = {
            "name": "Sandbox",
            "portal": arm,
            "resourceManager": arm,
            "authentication": {
                "loginEndpoint": arm,
                "audiences": [
                    "https://management.core.windows.net/",
                    "https://management.azure.com/",
                ],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "suffixes": {
                "storage": "core.windows.net",
                "keyVaultDns": "vault.azure.net",
                "acrLoginServer": "azurecr.io",
            },
            "graphAudience": "https://graph.windows.net/",
            "graph": "https://graph.windows.net/",
            "microsoftGraphResourceId": "https://graph.microsoft.com/",
            "activeDirectoryDataLake": "https://datalake.azure.net/",
            "batch": "https://batch.core.windows.net/",
        }
        old = request.query_params.get("api-version", "") < "2022"
        return JSONResponse([cloud] if old else cloud)

    def app(self, control: Control, capture: Capture | None) -> Exchanges:
        tenant = "/{tenant}"
        control.exchanges = Exchanges(
            Starlette(
                routes=[
                    control.routes,
                    Route("/metadata/endpoints", self.metadata),
                    Route("/msi/token", self.entra.managed_identity),
                    Route("/dns-query", self.resolve),
                    Route("/device", self.entra.codes.page, methods=["GET", "POST"]),
                    Route("/device/{key}", self.entra.codes.page, methods=["GET", "POST"]),
                    Route(f"{tenant}/v2.0/.well-known/openid-configuration", self.entra.discovery),
                    Route(
                        f"{tenant}/oauth2/v2.0/devicecode", self.entra.device_code, methods=["POST"]
                    ),
                    Route(f"{tenant}/oauth2/v2.0/token", self.entra.token, methods=["POST"]),
                    Route(
                        f"{tenant}/oauth2/v2.0/authorize",
                        self.entra.browsers.page,
                        methods=["GET", "POST"],
                    ),
                    Route("/api/v1/endpoint/{endpoint}/{what}", self.score, methods=METHODS),
                    Route("/{path:path}", self.any, methods=METHODS),
                ]
            ),
            self.centre.world,
            control.faults,
            capture,
        )
        return control.exchanges


async def _serve(given: argparse.Namespace, folder: Path, capture: Capture | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    if given.until_eof:
        _watch_parent(loop, stopped)
    authority = trustme.CA()
    private_write(folder / CA, authority.cert_pem.bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*NAMES).configure_cert(tls)  # the key is written nowhere

    world = World.open(folder, given.state, Clock(given.clock, given.speed))
    entra = Entra(world, given.approve)
    centre = DataCentre(world, entra.tokens, tls, str(folder / CA))
    door = bind(given.port or world.data["ports"].get("main|", 0), exact=bool(given.port))
    port = door.getsockname()[1]
    world.data["ports"]["main|"] = port
    world.arm = f"https://127.0.0.1:{port}"
    token = secrets.token_urlsafe(24)
    control = Control(world, entra, token, stopped.set)
    databricks = Databricks(world, entra.tokens, centre.drivers)
    centre.app = Routes(Arm(centre, entra.tokens), databricks, centre, entra).app(control, capture)
    await centre.vnet.start()
    door.listen(128)
    centre.serve(door, tls)
    centre.reopen()
    description = {
        "arm": world.arm,
        "authority": world.arm,
        "resolver": f"{world.arm}/dns-query",
        "proxy": centre.vnet.proxy_for(INTERNET),
        "ca": str(folder / CA),
        "control": f"{world.arm}/_sandbox",
        "control_token": token,
        "sign_in_page": entra.codes.address,
        "tenant": world.tenant,
        "subscription": world.subscription,
        "description": str(folder / DESCRIPTION),
    }
    private_write(folder / DESCRIPTION, json.dumps(description).encode())
    world.save()
    print(json.dumps(description), flush=True)
    await stopped.wait()
    await centre.stop()
    world.save()


def _watch_parent(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    given = _arguments()
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    if given.state:
        given.state = given.state.absolute()
        folder = given.state.parent / f"{given.state.name}.d"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    else:
        folder = Path(tempfile.mkdtemp(prefix="amlwizard-sandbox-"))
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=20)
    except Timeout:
        print(f"another sandbox is using {given.state}", file=sys.stderr)
        return 1
    try:
        capture = Capture(given.capture) if given.capture else None
        os.chdir(folder)  # so that the addresses of the sockets in it are short
        asyncio.run(_serve(given, folder, capture))
    except OSError as problem:
        print(f"{problem.filename or 'the sandbox'}: {problem.strerror}", file=sys.stderr)
        return 1
    finally:
        for name in (CA, DESCRIPTION):  # nobody is to trust or to ask what has ended
            (folder / name).unlink(missing_ok=True)
        lock.release()
        if not given.state:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
