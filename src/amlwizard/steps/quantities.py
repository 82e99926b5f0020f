"""Kubernetes quantities. Machine Learning always returns them in cores and in Gi with three
decimals: `500m` as `0.5`, `200Mi` as `0.195Gi`."""

from __future__ import annotations

import re
from decimal import Decimal

# Path suffixes of the objects whose values are quantities.
HOLDERS = ("containerResourceRequests", "containerResourceLimits")
UNITS = {
    "": Decimal(1), "m": Decimal("0.001"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
}  # fmt: skip
ROUNDED = UNITS["Gi"] / 1000
QUANTITY = re.compile(r"(\d*\.?\d+)(m|[kMGT]|[KMGT]i)?")


def same_quantity(path: str, wanted: object, found: object) -> bool:
    """Whether both values at the path are the same quantity, within the service's precision."""
    holder, _, resource = path.rpartition(".")
    if not holder.endswith(HOLDERS):
        return False
    a, b = _value(wanted), _value(found)
    if a is None or b is None:
        return False
    return abs(a - b) < ROUNDED if resource == "memory" else a == b


def _value(text: object) -> Decimal | None:
    fits = QUANTITY.fullmatch(str(text))
    return Decimal(fits[1]) * UNITS[fits[2] or ""] if fits else None
