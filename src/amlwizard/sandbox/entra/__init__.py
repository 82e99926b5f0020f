"""Entra ID: device codes, authorization codes, client credentials, workload and managed identities,
refresh tokens, and the sign-in pages."""

from amlwizard.sandbox.entra.endpoints import Entra
from amlwizard.sandbox.entra.principals import add_principal
from amlwizard.sandbox.entra.tokens import Tokens

__all__ = ["Entra", "Tokens", "add_principal"]
