"""Instance pools and cluster policies, and what they make of a cluster's settings."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

from amlwizard.sandbox.databricks.errors import invalid
from amlwizard.sandbox.databricks.workspace import data_of
from amlwizard.sandbox.documents import JsonObject
from amlwizard.sandbox.state import State
from amlwizard.sandbox.state_file import DatabricksData


class Policies:
    def __init__(self, state: State) -> None:
        self.state = state

    async def create_pool(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        pool_id = f"{uuid.uuid4().hex[:12]}-pool-{uuid.uuid4().hex[:8]}"
        data_of(self.state, workspace).pools[pool_id] = {**body, "instance_pool_id": pool_id}
        return {"instance_pool_id": pool_id}

    async def list_pools(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        return {"instance_pools": [*data_of(self.state, workspace).pools.values()]}

    async def create_policy(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        policy_id = uuid.uuid4().hex[:16].upper()
        data_of(self.state, workspace).policies[policy_id] = {**body, "policy_id": policy_id}
        return {"policy_id": policy_id}

    async def list_policies(self, workspace: JsonObject, body: JsonObject) -> JsonObject:
        return {"policies": [*data_of(self.state, workspace).policies.values()]}


def with_pool(data: DatabricksData, spec: JsonObject) -> JsonObject:
    """The settings of a cluster, with the node type of its pool."""
    pool_id = spec.get("instance_pool_id")
    if pool_id is None:
        return spec
    if spec.get("node_type_id"):
        raise invalid(
            "The field 'node_type_id' cannot be supplied when an instance pool ID is provided."
        )
    if pool_id not in data.pools:
        raise invalid(f"Can't find an instance pool with id: {pool_id}.")
    return {**spec, "node_type_id": data.pools[pool_id]["node_type_id"]}


def with_policy(data: DatabricksData, spec: JsonObject) -> JsonObject:
    """The settings of a cluster, with what its policy fixes where they say nothing."""
    policy_id = spec.get("policy_id")
    if policy_id is None:
        return spec
    if policy_id not in data.policies:
        raise invalid(f"Can't find a cluster policy with id: {policy_id}.")
    limits: dict[str, JsonObject] = json.loads(data.policies[policy_id]["definition"])
    if refusals := [*_refusals(limits, spec)]:
        raise invalid("; ".join(refusals))
    for path, limit in limits.items():
        section, _, key = path.partition(".")
        if limit["type"] == "fixed" and _value(spec, path) is None:
            value = {**spec.get(section, {}), key: limit["value"]} if key else limit["value"]
            spec = {**spec, section: value}
    return spec


def _value(spec: JsonObject, path: str) -> object:
    """A setting by its path in a policy, such as ``autoscale.max_workers``."""
    section, _, key = path.partition(".")
    value = spec.get(section)
    return value.get(key) if key and isinstance(value, dict) else None if key else value


def _refusals(limits: dict[str, JsonObject], spec: JsonObject) -> Iterator[str]:
    for path, limit in limits.items():
        value = _value(spec, path)
        if value is None:
            continue
        said = str(value).lower() if isinstance(value, bool) else str(value)
        wanted = {
            "fixed": (value == limit.get("value"), f"must be {limit.get('value')}"),
            "forbidden": (False, "must not be present"),
            "allowlist": (
                value in limit.get("values", ()),
                f"must be one of {limit.get('values')}",
            ),
            "blocklist": (value not in limit.get("values", ()), f"must not be {said}"),
            "range": (_in_range(value, limit), f"must be {_range(limit)}"),
        }
        kept, must = wanted.get(limit["type"], (True, ""))
        if not kept:
            yield f'Validation failed for {path}, the value {must} (is "{said}")'


def _in_range(value: object, limit: JsonObject) -> bool:
    low, high = limit.get("minValue", float("-inf")), limit.get("maxValue", float("inf"))
    return isinstance(value, int | float) and bool(low <= value <= high)


def _range(limit: JsonObject) -> str:
    return f"between {limit.get('minValue', 'any')} and {limit.get('maxValue', 'any')}"
