"""One value that is wrong hides no other finding: not of its section, and not of another."""

from __future__ import annotations

import types
import typing
from copy import deepcopy
from typing import Any

import pytest

from amlwizard import fields
from amlwizard.recipe import examine
from amlwizard.rules import findings_of

GOOD: dict[str, dict[str, Any]] = {
    "names": {"prefix": "team01"},
    "scoring": {"request": {"data": [[1]]}},
}
OVERLAP = {"compute": "10.100.120.0/24", "scoring": "10.100.120.0/24"}


def found(**sections: Any) -> dict[str, tuple[str, ...]]:
    """What is found of a recipe: rule and fields."""
    return {f.rule: f.fields for f in findings_of(examine({**deepcopy(GOOD), **sections}))}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"on_premises": ["10.0."]}, "address"),
        ({"on_premises": "10.0.0.0/8"}, "value"),
        ({"vnet": "10.100.0.0"}, "address"),
        ({"workspace": "10.100.1.1/24"}, "host-bits"),
        ({"dns_service_ip": "x"}, "address"),
        ({"reserved": [{"name": "a", "range": 7}]}, "address"),
        ({"reserved": [{"name": "a"}]}, "missing"),
        ({"none_such": 1}, "unknown-key"),
    ],
)
def test_an_overlap_is_found_beside_a_range_that_cannot_be_read(
    wrong: dict[str, Any], rule: str
) -> None:
    assert "SN-5" in found(addresses=OVERLAP)
    both = found(addresses={**OVERLAP, **wrong})
    assert rule in both
    assert set(both["SN-5"]) == {"addresses.compute", "addresses.scoring"}


def test_the_other_items_of_a_list_keep_their_findings_and_their_numbers() -> None:
    told = found(addresses={"on_premises": ["10.0.", "10.100.0.0/16"]})
    assert told["address"] == ("addresses.on_premises.0",)
    assert "addresses.on_premises.1" in told["SN-6"]
    told = found(addresses={"reserved": [{"name": 5, "range": "10.100.110.0/24"}]})
    assert "addresses.reserved.0" in told["SN-5"], "its range can be read"


@pytest.mark.parametrize(
    ("section", "answers", "wrong", "rule"),
    [
        ("names", {"prefix": "team01", "storage": "UPPER"}, {"registry": 5}, "NM-1"),
        ("names", {"storage": "UPPER"}, {"prefix": 5}, "NM-1"),
        ("names", {"storage": "UPPER"}, {}, "NM-1"),
        ("names", {"prefix": "team01", "storage": "UPPER"}, {"tags": {"a": 1}}, "NM-1"),
        ("names", {"prefix": "team01", "storage": "UPPER"}, {"cluster": "a\0b"}, "NM-1"),
        ("security", {"private_aks": True, "aks_authorized_ranges": ["1.2.3.0/24"]},
         {"storage": "open"}, "AK-14"),
        ("security", {"nat_gateway": False}, {"dns_zones": {"a": 1}}, "NAT-1"),
        ("security", {"secure_entry": "bastion", "nat_gateway": False},
         {"aks_authorized_ranges": ["x"]}, "NAT-1"),
        ("serving", {"cpu": "1 core"}, {"nodes": "three"}, "K8S-1"),
        ("serving", {"nodes": 5, "max_nodes": 2}, {"memory": 5}, "AK-17"),
        ("training", {"node_type": "huge"}, {"workers": "x"}, "VM-1"),
        ("sign_in", {"region": "West Europe"}, {"login": "sms"}, "RG-1"),
    ],
)  # fmt: skip
def test_a_finding_stays_whatever_else_is_wrong_in_its_section(
    section: str, answers: dict[str, Any], wrong: dict[str, Any], rule: str
) -> None:
    alone = found(**{section: answers})
    both = found(**{section: {**answers, **wrong}})
    assert rule in both
    if "prefix" in answers or section != "names":
        assert alone[rule] == both[rule]
        assert len(both) > len(alone) or not wrong


def test_what_is_needed_of_another_section_is_known_where_the_rest_of_it_is_wrong() -> None:
    told = found(
        security={"private_aks": True, "storage": "open"}, serving={"load_balancer": "public"}
    )
    assert {"value", "AML-K8S-3"} <= told.keys()


@pytest.mark.parametrize(
    ("sections", "not_told"),
    [
        ({"names": {"prefix": "team01", "compute_subnet": 5, "scoring_subnet": "snet-team01-compute"}}, "NM-4"),
        ({"serving": {"nodes": "x", "max_nodes": 1}}, "AK-17"),
        ({"serving": {"network": "x"}, "addresses": {"compute": "10.244.0.0/24"}}, "SN-5"),
        ({"names": {"prefix": 5}}, "NM-1"),
        ({"sign_in": {"region": 5}, "names": {"prefix": "team01", "aks": "a" * 63}}, "NM-5"),
        ({"security": {"secure_entry": "x"}, "addresses": {"bastion": "10.100.9.0/28"}}, "BA-1"),
    ],
)  # fmt: skip
def test_nothing_is_found_that_rests_on_a_value_which_is_not_known(
    sections: dict[str, Any], not_told: str
) -> None:
    assert not_told not in found(**sections)


def test_sections_with_a_wrong_value_are_not_whole() -> None:
    reading = examine({**GOOD, "sign_in": {"login": "sms"}})
    assert reading.recipe is None
    assert not reading.sections.is_whole("sign_in")
    assert reading.sections.is_whole("names")
    assert not reading.sections.knows("sign_in.login")
    assert reading.sections.knows("sign_in.tenant")


def test_every_list_of_a_recipe_has_a_stand_in_for_its_items() -> None:
    """So that the numbers of the other items stay, whichever of them is wrong."""
    for section, kind in fields.sections().items():
        for name, info in kind.model_fields.items():
            if _is_list(info.annotation):
                given = {**GOOD.get(section, {}), name: [object()]}
                reading = examine({**GOOD, section: given})
                assert getattr(reading.sections, section) is not None, f"{section}.{name}"


def _is_list(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, typing.Annotated):
        return any(map(_is_list, typing.get_args(annotation)))
    return typing.get_origin(annotation) is list


def test_a_key_that_is_no_text_hides_nothing_either() -> None:
    assert {"control-character", "NM-1"} <= found(
        names={"prefix": "team01", "storage": "UPPER", "\udcc3": 1}
    ).keys()
