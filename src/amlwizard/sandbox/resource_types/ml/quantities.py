"""CPU and memory of a deployment as Machine Learning normalizes them: cores, and Gi with three
decimals."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from amlwizard.sandbox.documents import JsonObject, complete
from amlwizard.sandbox.resource_types.ml.errors import user_error

BYTES = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
CPU, MEMORY = re.compile(r"(\d*\.?\d+)(m?)"), re.compile(r"(\d*\.?\d+)([kMGT]?|[KMGT]i)")
REQUESTED = {"cpu": "0.1", "memory": "0.500Gi"}


def normalise(requirements: JsonObject) -> None:
    requests = requirements.setdefault("containerResourceRequests", {})
    complete(requests, REQUESTED)
    for given in (requests, requirements.setdefault("containerResourceLimits", {})):
        if given.get("cpu") is not None:
            given["cpu"] = _cores(str(given["cpu"]))
        if given.get("memory") is not None:
            given["memory"] = _gibibytes(str(given["memory"]))


def _cores(text: str) -> str:
    fits = CPU.fullmatch(text)
    if fits is None:
        raise user_error(f"The quantity of CPU '{text}' is not valid.", "cpu")
    cores = Decimal(fits[1]) / (1000 if fits[2] else 1)
    return format(cores.normalize(), "f")


def _gibibytes(text: str) -> str:
    fits = MEMORY.fullmatch(text)
    if fits is None:
        raise user_error(f"The quantity of memory '{text}' is not valid.", "memory")
    size = Decimal(fits[1]) * BYTES[fits[2]] / BYTES["Gi"]
    return f"{size.quantize(Decimal('0.001'), ROUND_HALF_UP)}Gi"
