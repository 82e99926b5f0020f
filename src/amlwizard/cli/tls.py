"""Checks the certificate and key files that a recipe names, before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from amlwizard.errors import Finding
from amlwizard.language import _
from amlwizard.recipe import Serving

RULE = "tls-file"
LARGEST = 1_000_000
# field, text that its file must contain, what is wrong without it, and what to do
WANTED = (
    (
        "tls_certificate",
        "-----BEGIN CERTIFICATE-----",
        _("The file {file} holds no certificate in PEM format."),
        _("Name the PEM file of the certificate."),
    ),
    (
        "tls_key",
        "PRIVATE KEY-----",
        _("The file {file} holds no private key in PEM format."),
        _("Name the PEM file of the private key."),
    ),
)


def findings(serving: Serving | None) -> Iterator[Finding]:
    """Findings about the certificate and key files of the endpoint; their content is never
    shown."""
    for name, mark, lacks, fix in WANTED:
        given = getattr(serving, name, None)
        if not given:
            continue
        problem, field = "", (f"serving.{name}",)
        try:
            with Path(given).expanduser().open("rb") as file:
                content = file.read(LARGEST)
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            problem = _("The file {file} cannot be read: {why}.", file=given, why=why)
        else:
            if mark.encode() not in content:
                problem = lacks.format(file=given)
        if problem:
            yield Finding(RULE, "error", field, problem, fix=fix)
