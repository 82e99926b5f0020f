"""The tags of a resource group as a resource of their own (Microsoft.Resources/tags)."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from amlwizard.sandbox.arm import store
from amlwizard.sandbox.arm.admission import Admission
from amlwizard.sandbox.arm.request import ArmRequest
from amlwizard.sandbox.arm_error import ArmError
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.policies import GROUP as POLICY_TYPE
from amlwizard.sandbox.policies import must_comply
from amlwizard.sandbox.resource_types.locks import must_be_unlocked
from amlwizard.sandbox.resource_types.shapes import Shape, must_fit
from amlwizard.sandbox.state import State

MOST = 50
LONGEST = 256  # characters of a value


class _Tags(Shape):
    tags: dict[str, str] | None = None


class _Change(Shape):
    operation: str = ""
    properties: _Tags = _Tags()


class Tags:
    def __init__(self, state: State, admission: Admission) -> None:
        self.state, self.admission = state, admission

    def read(self, request: ArmRequest, group: str) -> Response:
        return self._answer(request, self._group(request))

    def change(self, request: ArmRequest, group: str) -> Response:
        """Merge tags into those of the group, replace them all, or delete those with the given names
        and values."""
        must_fit(_Change, request.body)
        found = self._group(request)
        self.admission.check_permission("Microsoft.Resources/tags/write", found["id"])
        self.admission.check_group(request.id)
        must_be_unlocked(self.state, found["id"], "write")
        given = request.body.get("properties", {}).get("tags") or {}
        changed = _changed(request.body.get("operation", ""), found.get("tags") or {}, given)
        if len(changed) > MOST or any(len(value) > LONGEST for value in changed.values()):
            raise ArmError(
                400,
                "InvalidTagValueLength" if len(changed) <= MOST else "TooManyTags",
                f"At most {MOST} tags, whose values have at most {LONGEST} characters, are allowed.",
            )
        must_comply(self.state, {**found, "type": POLICY_TYPE, "tags": changed})
        found["tags"] = changed
        return self._answer(request, found)

    def _group(self, request: ArmRequest) -> JsonObject:
        store.must_have_group(self.state, request.id)
        return self.state.resources[request.path.lower().partition("/providers/")[0]]

    def _answer(self, request: ArmRequest, group: JsonObject) -> Response:
        return JSONResponse(
            {
                "id": f"{group['id']}/providers/Microsoft.Resources/tags/default",
                "name": "default",
                "type": "Microsoft.Resources/tags",
                "properties": {"tags": group.get("tags") or {}},
            }
        )


def _changed(operation: str, old: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """The tags after the operation; names are compared without regard to case."""
    match operation.lower():
        case "replace":
            return dict(given)
        case "merge":
            new = {name.lower() for name in given}
            return {**{n: v for n, v in old.items() if n.lower() not in new}, **given}
        case "delete":
            gone = {name.lower(): value for name, value in given.items()}
            return {n: v for n, v in old.items() if gone.get(n.lower(), object()) not in ("", v)}
    raise ArmError(400, "InvalidTagsPatchOperation", f"The operation '{operation}' is not valid.")
