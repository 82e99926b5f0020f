"""The data planes of storage accounts, vaults and registries: their firewalls and, behind them, 401;
of storage also blobs, with a signature. The Host header selects the service."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.blobs import Blobs, refusal
from amlwizard.sandbox.documents import JsonObject, value_at
from amlwizard.sandbox.network import dns
from amlwizard.sandbox.state import State


async def answer(state: State, request: Request, inside: bool) -> Response:
    """`inside`: the request came by a private endpoint or from a subnet that the firewall lists."""
    found = dns.owner(state, request.url.hostname or "")
    if found is None:
        return Response(status_code=404)
    resource, group = found
    closed = not inside and is_closed(resource)
    if group == "vault":
        if closed:
            return _error(403, "Forbidden", "Public network access is disabled.")
        return _error(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
    if group == "registry":
        code, text = (
            ("DENIED", "client is not allowed access")
            if closed
            else (
                "UNAUTHORIZED",
                "authentication required",
            )
        )
        return JSONResponse({"errors": [{"code": code, "message": text}]}, 403 if closed else 401)
    if group == "blob" and not closed:
        signed = await Blobs(state).answer(request, resource["name"])
        if signed is not None:
            return signed
    code = "AuthorizationFailure" if closed else "NoAuthenticationInformation"
    return refusal(403 if closed else 401, code)


def is_signed(state: State, request: Request) -> bool:
    """Whether the request has the signature of a blob."""
    found = dns.owner(state, request.url.hostname or "")
    return (
        found is not None
        and found[1] == "blob"
        and Blobs(state).refused(request, found[0]["name"]) is None
    )


def is_closed(resource: JsonObject) -> bool:
    """Whether requests to the public address are refused."""
    p = resource["properties"]
    return p.get("publicNetworkAccess") == "Disabled" or "Deny" in (
        value_at(p, "networkAcls.defaultAction"),
        value_at(p, "networkRuleSet.defaultAction"),
    )


def lists_subnet_of(resource: JsonObject, vnet_id: str) -> bool:
    """Whether the firewall has a rule for a subnet of a VNET."""
    p = resource["properties"]
    for acls in (p.get("networkAcls"), p.get("networkRuleSet")):
        for rule in (acls or {}).get("virtualNetworkRules") or []:
            named = str(rule.get("id") or rule.get("virtualNetworkSubnetResourceId") or "")
            if named.lower().startswith(f"{vnet_id.lower()}/"):
                return True
    return False


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
