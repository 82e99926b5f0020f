"""What help tells of every field: its meaning, an example that is valid, and where the value ends up,
held against the documents that are sent."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from amlwizard import fields
from amlwizard.fields import FieldSpec
from amlwizard.recipe import Recipe, examine
from amlwizard.rules import findings_of
from amlwizard.steps import steps_for
from amlwizard.steps.cluster import cluster_spec, packages
from amlwizard.tui.widgets.explanation import allowed

SPECS = {spec.path: spec for section in fields.sections() for spec in fields.specs(section)}
BASE: dict[str, dict[str, Any]] = {
    "names": {"prefix": "team01"},
    "scoring": {"request": {"data": [[1]]}},
}
# What a field needs beside it before its value is used.
BESIDE: dict[str, dict[str, object]] = {
    "addresses.vnet": {
        f"addresses.{name}": f"10.20.{third}.0/24"
        for third, name in enumerate(
            ("workspace", "compute", "scoring", "databricks_public", "databricks_private")
        )
    },
    "addresses.bastion": {"security.secure_entry": "bastion"},
    "addresses.gateway": {"security.secure_entry": "vpn-gateway"},
    "addresses.vpn_clients": {"security.secure_entry": "vpn-gateway"},
    "security.aks_firewall": {
        "security.aks_outbound": "user-defined-routing",
        "serving.load_balancer": "internal",
    },
    "training.max_workers": {"training.workers": 2},
    "security.registry_sku": {"security.registry": "service-endpoint"},
}
# Values whose documents are made of files, or while a run goes on.
MADE_LATER = {
    "sign_in.subscription",
    "serving.tls_certificate",
    "serving.tls_key",
    "serving.script",
    "serving.rollout",
    "serving.tls_name",
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.path)
def test_every_field_says_what_it_means_takes_and_becomes(spec: FieldSpec) -> None:
    assert spec.description
    assert spec.becomes
    assert spec.becomes.resource and spec.becomes.property
    assert fields.shown(spec, spec.sample)
    assert allowed(spec)


def answers(spec: FieldSpec, *values: object) -> dict[str, dict[str, Any]]:
    given = deepcopy(BASE)
    changes = {**BESIDE.get(spec.path, {}), **dict.fromkeys([spec.path][: len(values)], *values)}
    for path, value in changes.items():
        section, _, name = path.partition(".")
        given.setdefault(section, {})[name] = value
    return given


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.path)
def test_an_example_has_the_right_shape(spec: FieldSpec) -> None:
    typed = fields.typed(spec, fields.shown(spec, spec.sample))
    reading = examine(answers(spec, typed))
    assert not [f for f in reading.findings if spec.path in f.fields]
    mine = [f for f in findings_of(reading) if f.fields == (spec.path,) and f.severity == "error"]
    assert not [f for f in mine if "cannot be read" not in f.what], "files are none here"


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every property of a document, by its path; items of lists as ``[]``."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}" if path else name)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from leaves(part, f"{path}[]")
    else:
        yield path, value


def sent(recipe: Recipe) -> set[tuple[str, str, str]]:
    """All that is sent: resource, property, value."""
    known = {("Databricks cluster library", "pypi.package", text) for text in packages(recipe)}
    known |= {("Databricks cluster", p, str(v)) for p, v in leaves(cluster_spec(recipe))}
    for step in steps_for(recipe):
        if step.resource:
            of = step.resource.type
            known.add((of, "name", step.resource.id))
            known |= {(of, path, str(value)) for path, value in leaves(step.resource.body)}
    return known


def is_checkable(spec: FieldSpec) -> bool:
    assert spec.becomes
    known = ("Microsoft.", "Databricks cluster", "every resource")
    notebook = spec.path == "training.notebook"
    return spec.becomes.resource.startswith(known) and spec.path not in MADE_LATER and not notebook


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS.values() if is_checkable(spec)], ids=lambda spec: spec.path
)
def test_a_value_ends_up_where_help_says(spec: FieldSpec) -> None:
    assert spec.becomes
    given = "own-name1" if spec.derived else spec.sample
    before, after = (examine(answers(spec, *values)).recipe for values in ((), (given,)))
    assert before and after
    changed = {(resource, path) for resource, path, _ in sent(before) ^ sent(after)}
    resource, path = spec.becomes.resource, spec.becomes.property
    assert any(
        (one == resource or resource == "every resource") and at.startswith(path)
        for one, at in changed
    )


def test_the_prefix_that_help_recommends_suits_every_name() -> None:
    assert "3 to 12 lower-case letters and digits" in allowed(SPECS["names.prefix"])
    for prefix in ("abc", "a" * 12, "1" * 3, "z" * 12):
        found = findings_of(examine({"names": {"prefix": prefix}}))
        assert not [f for f in found if "names.prefix" in f.fields], prefix
