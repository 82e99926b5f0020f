"""The arrays of a scoring request for a model with tensors: from any form that users write, and what is
wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from amlwizard.json_types import JsonValue
from amlwizard.language import _
from amlwizard.rules.frames import Frame, frame_of
from amlwizard.rules.model_input import Tensor

Tensors = Mapping[str, Tensor]
NUMBERS = ("float", "int", "uint", "complex")


def array_of(given: JsonValue, tensor: Tensor) -> JsonValue:
    """Rows, records or columns as one array. A single row is taken for an array of it where the
    tensor has rows."""
    if isinstance(given, Mapping) or (isinstance(given, list) and _are_records(given)):
        frame = frame_of(given, {})
        return frame.data if frame else given
    if isinstance(given, list) and len(tensor.shape) == 2 and given and not _is_nested(given):
        return [given]
    return given


def arrays_of(given: JsonValue, tensors: Tensors) -> JsonValue:
    """An array for each name: from such, from columns and data or records with the same names, or
    from the array alone if the model has only one."""
    if isinstance(given, Mapping) and given.keys() & tensors.keys():
        return {
            name: value if isinstance(value, list) else [value] for name, value in given.items()
        }
    frame = frame_of(given, {})
    if frame and set(frame.columns) & tensors.keys():
        return {name: _column(frame, name, tensors.get(name)) for name in frame.columns}
    if len(tensors) == 1:
        return {name: array_of(given, tensor) for name, tensor in tensors.items()}
    return given


def _column(frame: Frame, name: str, tensor: Tensor | None) -> JsonValue:
    place = frame.columns.index(name)
    values = [row[place] for row in frame.data if place < len(row)]
    upright = tensor is not None and len(tensor.shape) == 2 and not _is_nested(values)
    return [[value] for value in values] if upright else values


def sample(tensor: Tensor) -> JsonValue:
    """Zeros of the shape, one wherever any size is taken."""
    dtype = tensor.dtype
    filled: JsonValue = 0 if dtype.startswith(("int", "uint")) else 0.0
    filled = False if dtype == "bool" else "" if dtype in ("str", "object") else filled
    for size in reversed(tensor.shape):
        filled = [filled] * (1 if size < 0 else size)
    return filled if tensor.shape else [filled]


def wrong(given: JsonValue, tensor: Tensor) -> Iterator[str]:
    """Sentences on what the model would refuse: another shape, or values of another type."""
    if not isinstance(given, list):
        yield _("{value} is not an array.", value=shown(given))
        return
    shape = _shape(given)
    ragged = tensor.dtype == "object"
    if shape is None and not ragged:
        yield _("The lists in it differ in length.")
    elif shape is not None and tensor.shape and not ragged:
        fits = len(shape) == len(tensor.shape)
        sizes = zip(shape, tensor.shape, strict=False)
        if not fits or any(size not in (wanted, -1) and wanted >= 0 for size, wanted in sizes):
            yield _(
                "Its shape is {shape}; the model takes {wanted}.",
                shape=[*shape],
                wanted=[*tensor.shape],
            )
    yield from _values(given, tensor)


def _values(given: JsonValue, tensor: Tensor) -> Iterator[str]:
    if tensor.dtype.startswith(NUMBERS):
        odd = next((one for one in _leaves(given) if not _is_number(one, tensor.dtype)), ...)
        if odd is not ...:
            yield _("{value} is not of the type {type}.", value=shown(odd), type=tensor.dtype)


def _is_number(value: JsonValue, dtype: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value is None and dtype.startswith("float")
    if dtype.startswith(("int", "uint")):
        bits, signed = int("".join(filter(str.isdigit, dtype)) or 64), dtype.startswith("int")
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
        return not value - value and value == int(value) and low <= value < high
    return True


def _leaves(given: JsonValue) -> Iterator[JsonValue]:
    if isinstance(given, list):
        for one in given:
            yield from _leaves(one)
    else:
        yield given


def _shape(given: JsonValue) -> tuple[int, ...] | None:
    """The sizes of nested lists; None if they differ within."""
    if not isinstance(given, list):
        return ()
    inner = {_shape(one) for one in given} or {()}
    first = inner.pop()
    return None if inner or first is None else (len(given), *first)


def _are_records(given: JsonValue) -> bool:
    return (
        isinstance(given, list) and all(isinstance(one, Mapping) for one in given) and bool(given)
    )


def _is_nested(given: JsonValue) -> bool:
    return isinstance(given, list) and any(isinstance(one, (list, Mapping)) for one in given)


def shown(value: JsonValue) -> str:
    """A value, briefly, as JSON."""
    return json.dumps(value)[:40]
