"""The files that a recipe names, looked at before anything is built that would need them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from amlwizard.errors import Finding
from amlwizard.recipe import Serving

LARGEST = 1_000_000
# field, what its file must hold, and how that is called
WANTED = (
    ("tls_certificate", "-----BEGIN CERTIFICATE-----", "certificate"),
    ("tls_key", "PRIVATE KEY-----", "private key"),
)


def findings(serving: Serving | None) -> Iterator[Finding]:
    """What is wrong with the certificate and key of the endpoint; their content is never shown."""
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
                problem = f"The file {given} holds no {what} in PEM form."
        if problem:
            yield Finding(
                "tls-file", "error", field, problem, fix=f"Name the PEM file of the {what}."
            )
