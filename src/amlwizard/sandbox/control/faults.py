"""Faults: planted deviations from the true response."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError
from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.documents import JsonValue, mistakes


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as problem:
        reason = f"not a regular expression: {problem}"
        raise PydanticCustomError("regex", "{reason}", {"reason": reason}) from None
    return text


DISRUPTIONS = ("terminate", "lose-contexts")
"""Modes in which the request itself is answered truly."""


class Fault(BaseModel):
    """`match` is a regular expression for ``METHOD path``, `holds` a text that the request's body
    must contain. `times` is how many requests are affected; None means all.

    `mode`:

    - ``before``: answered with `status`, `code`, `message`, `headers` or a whole `body` (JSON) or
      `text` (as it is) before anything happens; or, with `edit`, the true answer with values
      replaced by dotted path
    - ``after``: answered with `status` after the effect
    - ``reset``: the connection is closed before anything happens
    - ``drop``: the effect takes place, and the connection is closed without an answer
    - ``cut``: the same, in the middle of an answer
    - ``hang``: no answer until the fault is removed
    - ``terminate``: before anything happens, the clusters of the Databricks workspace that is asked
      terminate; ``lose-contexts``: their drivers start again, without the execution contexts

    `delay` is how many seconds pass before any of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    match: Annotated[str, AfterValidator(_expression)]
    holds: str = ""
    times: int | None = None
    mode: Literal[
        "before", "after", "hang", "reset", "drop", "cut", "terminate", "lose-contexts"
    ] = "before"
    status: int | None = None
    code: str = "InternalServerError"
    message: str = "A fault was planted."
    body: JsonValue = None
    text: str | None = None
    delay: float = 0
    headers: dict[str, str] | None = None
    edit: dict[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Fault:
        needs_status = self.mode == "after" or (self.mode == "before" and self.edit is None)
        if needs_status and self.status is None:
            raise PydanticCustomError(
                "status", "status: needed with mode before (or edit) and after"
            )
        return self

    def affects(self, line: str, body: bytes) -> bool:
        """Whether it applies to a request (``METHOD path``)."""
        return (
            self.times != 0
            and re.fullmatch(self.match, line) is not None
            and self.holds.encode() in body
        )

    @property
    def planted(self) -> Response:
        """The response that replaces the true one."""
        if self.text is not None:
            return Response(self.text, self.status or 500, self.headers)
        body = self.body or {"error": {"code": self.code, "message": self.message}}
        return JSONResponse(body, self.status or 500, self.headers)

    def to_json(self) -> dict[str, JsonValue]:
        """As it was sent."""
        return self.model_dump(mode="json", exclude_unset=True)


class Faults:
    """The planted faults, in order; the first match applies."""

    def __init__(self) -> None:
        self._planted: list[Fault] = []

    def __contains__(self, fault: Fault) -> bool:
        return any(other is fault for other in self._planted)

    def plant(self, sent: JsonValue) -> None:
        """Add one fault or a list of them. Raises ValueError, with a line for each mistake."""
        try:
            one_or_more = sent if isinstance(sent, list) else [sent]
            self._planted += [Fault.model_validate(one) for one in one_or_more]
        except ValidationError as problem:
            known = f"(known are {', '.join(Fault.model_fields)})"
            raise ValueError("\n".join([*mistakes(problem), known])) from None

    def clear(self) -> None:
        self._planted.clear()

    def take(self, line: str, body: bytes) -> Fault | None:
        """The fault that applies to a request; counts down its `times`."""
        for fault in self._planted:
            if fault.affects(line, body):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def to_json(self) -> list[dict[str, JsonValue]]:
        return [fault.to_json() for fault in self._planted]


def edited(content: bytes, edit: Mapping[str, JsonValue]) -> bytes:
    """A JSON body with values replaced; the keys of `edit` are dotted paths."""
    body = json.loads(content or b"{}")
    for path, value in edit.items():
        *parents, last = path.split(".")
        target = body
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target.setdefault(part, {})
        target[int(last) if isinstance(target, list) else last] = value
    return json.dumps(body).encode()
