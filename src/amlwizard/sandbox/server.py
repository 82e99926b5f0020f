"""The composition of the sandbox: its services, and which of them answers on which port."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from amlwizard.sandbox import package_index, price_list
from amlwizard.sandbox.arm import ArmApi
from amlwizard.sandbox.capture import Capture
from amlwizard.sandbox.children import Children
from amlwizard.sandbox.control import ControlApi, Exchanges
from amlwizard.sandbox.databricks.api import DatabricksApi
from amlwizard.sandbox.databricks.drivers import Drivers
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.entra import Entra
from amlwizard.sandbox.limits import MOST_BYTES, MOST_PROVEN_BYTES
from amlwizard.sandbox.ml.model_registry import MlflowRegistry
from amlwizard.sandbox.ml.serving import OnlineEndpoints
from amlwizard.sandbox.ml.tracking import Tracking
from amlwizard.sandbox.network import dns, firewalls
from amlwizard.sandbox.network.load_balancers import OUTSIDE, LoadBalancers
from amlwizard.sandbox.network.vnet import INTERNET, Vnet
from amlwizard.sandbox.ports import PortPool, bind
from amlwizard.sandbox.resource_id import ResourceId
from amlwizard.sandbox.resource_types.base import Services
from amlwizard.sandbox.state import State

ML_WORKSPACE = "microsoft.machinelearningservices/workspaces"
MAIN = "main"
OWN_NAMES = ("127.0.0.1", "localhost")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class Server:
    """`tls` holds the certificate that ports show, the file `ca` that of its issuer. `approve`
    agrees to every sign-in of the owner; `stop` ends the process."""

    def __init__(
        self,
        state: State,
        tls: ssl.SSLContext,
        ca: Path,
        *,
        approve: bool,
        capture: Capture | None,
        stop: Callable[[], None],
    ) -> None:
        self.state, self.ca = state, ca
        self.entra = Entra(state, approve)
        self.ports = PortPool(state, tls)
        self.children = Children(state.folder)
        self.balancers = LoadBalancers(state, self.ports, self.children.temporary)
        self.vnet = Vnet(state, self.ports, self.balancers)
        self.tracking = Tracking(state, self.entra.tokens, self.children)
        models = MlflowRegistry(self.tracking)
        self.serving = OnlineEndpoints(state, self.balancers, models, self.children)
        self.drivers = Drivers(state, self.vnet, self.children, str(ca))
        self.databricks = DatabricksApi(state, self.entra.tokens, self.drivers, self.tracking.warm)
        services = Services(self.ports, models, self.serving, self.release)
        self.arm = ArmApi(state, self.entra.tokens, services)
        self.control = ControlApi(state, self.entra, secrets.token_urlsafe(24), stop)
        routes = Routes(self)
        self.control.exchanges = Exchanges(
            routes.app(), routes, state, self.control.faults, capture
        )
        self.ports.app = self.control.exchanges

    async def start(self, port: int) -> None:
        """Open the main port: `port`, or if that is 0 the previous one or any; then the other ports.
        Raises OSError if `port` is taken."""
        ports = self.state.data.ports
        main = bind(port or ports.get(f"{MAIN}|", 0), exact=bool(port))
        ports[f"{MAIN}|"] = main.getsockname()[1]
        self.state.arm = f"https://127.0.0.1:{ports[f'{MAIN}|']}"
        await self.vnet.start()
        self.ports.serve(main, self.ports.tls)
        self._reopen()

    def _reopen(self) -> None:
        """Open the fixed ports and, after a restart, those of existing resources."""
        for side in ("services", "services-inside"):
            self.ports.port_of(side, "")
        for key in list(self.state.data.ports):
            service, _, resource_id = key.partition("|")
            resource = self.state.get(resource_id)
            if resource is None:
                continue
            if service.startswith(OUTSIDE):
                self.balancers.port_of(resource["id"], inside="inside" in service)
            else:
                self.ports.port_of(service, resource["id"])
        self.serving.resume()

    @property
    def description(self) -> dict[str, str | bool]:
        """What clients need to reach it."""
        arm = self.state.arm
        return {
            "arm": arm,
            "authority": arm,
            "resolver": f"{arm}/dns-query",
            "packages": f"{arm}/packages",
            "prices": f"{arm}/prices",
            "proxy": self.vnet.proxy_for(INTERNET),
            "ca": str(self.ca),
            "control": f"{arm}/_sandbox",
            "control_token": self.control.token,
            "approves_sign_ins": self.entra.codes.approve,
            "sign_in_page": self.entra.codes.address,
            "tenant": self.state.tenant,
            "subscription": self.state.subscription,
        }

    def release(self, rid: ResourceId) -> None:
        """Stop what runs for a resource that is being deleted; its document still exists."""
        stem = rid.text.lower()
        resource = self.state.get(stem)
        if resource and rid.type == ML_WORKSPACE:
            self.tracking.forget(resource["properties"]["workspaceId"])
        if workspace := self.state.data.databricks.get(stem):
            for cluster in workspace.clusters:
                self.drivers.end(cluster)
        for key in [k for k in self.serving.containers if k == stem or k.startswith(f"{stem}/")]:
            self.serving.stop_one(key)

    async def stop(self) -> None:
        self.ports.stop_serving()
        self.vnet.stop()
        self.serving.stop()
        self.tracking.stop()
        self.drivers.stop()
        await self.ports.close()
        await self.children.stop()


class Routes:
    """One application for all ports; the port of a request selects the service."""

    def __init__(self, server: Server) -> None:
        self.server, self.state, self.entra = server, server.state, server.entra

    async def any(self, request: Request) -> Response:
        service, resource_id = self._owner(request)
        if service == "databricks":
            return await self.server.databricks.handle(request, resource_id)
        if service.startswith("ml"):
            return await self.server.tracking.handle(request, resource_id, service == "ml-inside")
        if service.startswith("services"):
            return await firewalls.answer(self.state, request, service == "services-inside")
        return await self.server.arm.handle(request)

    def answers_to(self, name: str, port: int) -> bool:
        """Behind the ports other than the main one are services with names in Azure's DNS."""
        if name in OWN_NAMES:
            return True
        service, resource_id = self.server.ports.owner(port)
        if service.startswith(OUTSIDE):
            return self.server.balancers.answers_to(resource_id, name)
        return service not in ("", MAIN) and dns.owner(self.state, name) is not None

    def most_bytes(self, request: Request) -> int:
        service, resource_id = self._owner(request)
        proven = (service.startswith("services") and firewalls.is_signed(self.state, request)) or (
            service.startswith(OUTSIDE) and self.server.serving.has_key(request, resource_id)
        )
        return MOST_PROVEN_BYTES if proven else MOST_BYTES

    def disrupt(self, request: Request, disruption: str) -> None:
        service, resource_id = self._owner(request)
        if service == "databricks":
            self.server.databricks.disrupt(resource_id, disruption)

    def _owner(self, request: Request) -> tuple[str, str]:
        return self.server.ports.owner(request.scope["server"][1])

    async def resolve(self, request: Request) -> Response:
        """The public DNS over HTTPS, in its JSON form; A records only."""
        name = request.query_params.get("name", "")
        found = dns.public(self.state, name)
        body: JsonObject = {
            "Status": 0 if found else 3,
            "Question": [{"name": name, "type": 1}],
        }
        if found:
            body["Answer"] = [{"name": name, "type": 1, "TTL": 10, "data": a} for a in found]
        return JSONResponse(body, media_type="application/dns-json")

    async def score(self, request: Request) -> Response:
        service, resource_id = self._owner(request)
        if not service.startswith(OUTSIDE):
            return Response(status_code=404)
        return await self.server.serving.handle(request, resource_id)

    async def metadata(self, request: Request) -> Response:
        """Cloud metadata, for az (2022-09-01: an object) and azure-ai-ml (2019-05-01: a list)."""
        arm = self.state.arm
        cloud: JsonObject = {
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

    def app(self) -> Starlette:
        tenant, entra = "/{tenant}", self.entra
        both = ["GET", "POST"]
        return Starlette(
            routes=[
                self.server.control.routes,
                Route("/metadata/endpoints", self.metadata),
                Route("/msi/token", entra.managed_identity),
                Route("/dns-query", self.resolve),
                Route("/prices/api/retail/prices", price_list.prices),
                Route("/packages/pypi/{name}/{version}/json", package_index.release),
                Route("/device", entra.codes.page, methods=both),
                Route("/device/{key}", entra.codes.page, methods=both),
                Route(f"{tenant}/v2.0/.well-known/openid-configuration", entra.discovery),
                Route(f"{tenant}/oauth2/v2.0/devicecode", entra.device_code, methods=["POST"]),
                Route(f"{tenant}/oauth2/v2.0/token", entra.token, methods=["POST"]),
                Route(f"{tenant}/oauth2/v2.0/authorize", entra.browsers.page, methods=both),
                Route("/api/v1/endpoint/{endpoint}/{what}", self.score, methods=METHODS),
                Route("/{path:path}", self.any, methods=METHODS),
            ]
        )
