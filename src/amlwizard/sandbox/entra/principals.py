"""Service principals and their authentication."""

from __future__ import annotations

import hmac
import uuid

from starlette.responses import Response

from amlwizard.sandbox.entra.oauth import Form, refusal
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import Principal


def add_principal(state: State, client_id: str, secret: str = "", assertion: str = "") -> str:
    """Add a service principal that authenticates with a client secret, or with a federated token
    (`assertion`). Returns its object id."""
    oid = str(uuid.uuid5(uuid.NAMESPACE_URL, client_id))
    proofs = {"secret": secret, "assertion": assertion}
    sealed = {name: state.seal(proof) for name, proof in proofs.items() if proof}
    state.data.principals[oid] = Principal(client_id=client_id, **sealed)
    return oid


def recognise(state: State, form: Form, tenant: str) -> dict[str, str] | Response:
    """The claims (`oid`, `appid`) of an authenticated service principal, or the error response."""
    by_assertion = "client_assertion" in form
    shown = form.get("client_assertion" if by_assertion else "client_secret", "")
    for oid, sp in state.data.principals.items():
        if sp.client_id != form.get("client_id"):
            continue
        sealed = sp.assertion if by_assertion else sp.secret
        if sealed and hmac.compare_digest(state.unseal(sealed).encode(), shown.encode()):
            return {"oid": oid, "appid": sp.client_id}
        if by_assertion:
            return refusal(
                "invalid_client",
                "AADSTS70021: No matching federated identity record found for presented assertion.",
                401,
            )
        return refusal("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
    return refusal(
        "unauthorized_client",
        f"AADSTS700016: Application with identifier '{form.get('client_id')}' was not found in "
        f"the directory '{tenant}'.",
    )
