"""What is wrong with a value is said in words of ours, whole and short, by the name of its field."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amlwizard import fields, rules
from amlwizard.recipe import examine, title

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.just("a" * 400),
    st.lists(st.text(max_size=5) | st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
PYDANTIC = ("Input should", "String should", "Value error", "should be a valid", "Field required")
PATHS = [spec.path for section in fields.sections() for spec in fields.specs(section)]


@given(path=st.sampled_from(PATHS), value=ODD)
def test_no_text_of_pydantic_reaches_a_user(path: str, value: object) -> None:
    section, _, name = path.partition(".")
    raw: dict[str, dict[str, object]] = {"names": {"prefix": "abc"}}
    raw.setdefault(section, {})[name] = value
    for found in examine(raw).findings:
        assert not any(text in f"{found.what} {found.fix}" for text in PYDANTIC), found
        assert found.what.endswith((".", "?")) and ".." not in found.what.replace("...", ""), found
        assert found.what.count("'") % 2 == 0 or "'" in str(value), found.what


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.id)
def test_a_rule_is_a_sentence(rule: rules.Rule) -> None:
    assert rule.text.endswith(".") and rule.text[0] in rule.text[0].upper() + "a", rule.text


@pytest.mark.parametrize(
    ("cure", "said"),
    [
        ({"names.prefix": "contoso"}, "Set Prefix to contoso."),
        ({"security.nat_gateway": True}, "Turn NAT gateway on."),
        ({"addresses.peered": []}, "Clear Peered ranges."),
        ({"training.max_workers": None}, "Clear Most workers."),
        ({"training.workers": 2}, "Set Workers to 2."),
    ],
)
def test_a_cure_names_fields_as_forms_do(cure: dict[str, object], said: str) -> None:
    assert rules.base.use(cure) == said
    assert title(next(iter(cure))) in said


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("10.100.0.0 255.255.0.0", "Use 10.100.0.0/16."),
        ("10.100.0.0\\16", "Use 10.100.0.0/16."),
        ("10.100.0.0 / 16", "Use 10.100.0.0/16."),
        ("10.100.0.0-10.100.255.255", "Use 10.100.0.0/16."),
        ("10.100.0.7/16", "Use 10.100.0.0/16."),
        ("10.100.0.0", "Add it, such as 10.100.0.0/16."),
        ("banana", "Give an IPv4 range, such as 10.100.0.0/16."),
    ],
)
def test_advice_on_a_range_is_a_range(typed: str, advice: str) -> None:
    (found,) = examine({"names": {"prefix": "abc"}, "addresses": {"vnet": typed}}).findings
    assert found.fix == advice
    meant = re.search(r"[\d.]+/\d+", found.fix)
    assert meant and bool(found.cure) == advice.startswith("Use")
    assert not found.cure or found.cure == {"addresses.vnet": meant[0]}


def test_advice_does_not_name_a_cure_that_a_rule_rejects() -> None:
    raw = {"names": {"prefix": "abc"}, "addresses": {"vnet": "172.17.0.9/16"}}  # Docker's range
    found = next(f for f in rules.findings_of(examine(raw)) if f.rule == "host-bits")
    assert found.what and found.cure == {} and "172.17.0.0" not in found.fix
    assert "otherwise" not in found.to_json()
