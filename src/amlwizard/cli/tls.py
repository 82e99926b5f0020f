"""Checks the certificate and key files that a recipe names, before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from amlwizard.errors import Finding
from amlwizard.recipe import Serving

RULE = "tls-file"
LARGEST = 1_000_000
# field, text that its file must contain, and what the file is called
WANTED = (
    ("tls_certificate", "-----BEGIN CERTIFICATE-----", "certificate"),
    ("tls_key", "PRIVATE KEY-----", "private key"),
)


def findings(serving: Serving | None) -> Iterator[Finding]:
    """Findings about the certificate and key files of the endpoint; their content is never
    shown."""
    for name, mark, what in WANTED:
        given = getattr(serving, name, None)
        if not given:
            continue
        problem, field = "", (f"serving.{name}",)
        try:
            with Path(given).expanduser().open("rb") as file:
                content = file.read(LARGEST)
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            problem = f"The file {given} cannot be read: {why}."
        else:
            if mark.encode() not in content:
                problem = f"The file {given} holds no {what} in PEM format."
        if problem:
            yield Finding(RULE, "error", field, problem, fix=f"Name the PEM file of the {what}.")
