"""Recipe files: strict on the way in, byte-stable on the way out."""

from __future__ import annotations

import json
import os
import sys
from ipaddress import IPv4Address
from pathlib import Path
from subprocess import run

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support import RECIPES, existing

from amlwizard import fields
from amlwizard.language import LANGUAGES, VARIABLE
from amlwizard.recipe import Recipe, examine, load, parse, read, save, text_of
from amlwizard.recipe.writing import HEADINGS
from amlwizard.rules import findings_of

GOOD = "names: {prefix: abc}\nscoring: {request: {data: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}}\n"
SHIPPED = sorted(RECIPES.glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_recipes_are_what_saving_writes(path: Path, tmp_path: Path) -> None:
    recipe = load(path)
    save(recipe, tmp_path / "again.yaml")
    assert (tmp_path / "again.yaml").read_bytes() == path.read_bytes()
    assert load(tmp_path / "again.yaml") == recipe


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_recipes_fit_the_shipped_schema(path: Path) -> None:
    import jsonschema
    import yaml

    schema = json.loads((RECIPES / "recipe.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(path.read_text()), schema)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_recipe_is_the_same_file_in_every_language(language: str) -> None:
    path = RECIPES / "quickstart.yaml"
    code = "import sys; from amlwizard.recipe import *; print(text_of(load(Path(sys.argv[1]))), end='')"
    words = [sys.executable, "-c", f"from pathlib import Path; {code}", str(path)]
    written = run(words, env={**os.environ, VARIABLE: language}, capture_output=True, check=True)
    assert written.stdout == path.read_bytes()


def test_the_shipped_schema_is_generated() -> None:
    assert json.loads((RECIPES / "recipe.schema.json").read_text()) == json.loads(
        json.dumps(fields.schema())
    )


def test_a_file_heads_its_sections_as_forms_do() -> None:
    """In English: the file is the same in every language."""
    assert {name: kind.__doc__ for name, kind in fields.sections().items()} == HEADINGS


def test_there_are_four_shipped_recipes() -> None:
    assert [p.stem for p in SHIPPED] == ["article", "private", "quickstart", "spark"]


@given(
    prefix=st.from_regex(r"[a-z][a-z0-9]{2,8}", fullmatch=True),
    workers=st.integers(0, 1000),
    alpha=st.floats(0, 100),
    rows=st.lists(st.lists(st.floats(-5, 5), min_size=10, max_size=10), min_size=1, max_size=4),
    peered=st.lists(st.ip_addresses(v=4), max_size=4),
    experiment=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20),
)
@example(prefix="abc", workers=0, alpha=0.0, rows=[[0.0] * 10], peered=[], experiment="\xa0")
def test_load_of_save_is_the_same_recipe_and_the_same_bytes(
    prefix: str,
    workers: int,
    alpha: float,
    rows: list[list[float]],
    peered: list[IPv4Address],
    experiment: str,
) -> None:
    recipe = Recipe.model_validate(
        {
            "version": 2,
            "names": {"prefix": prefix, "experiment": experiment},
            "training": {"workers": workers, "parameters": {"alpha": alpha}},
            "addresses": {"peered": [f"{address}/32" for address in peered]},
            "scoring": {"request": {"input_data": rows}},
        }
    )
    text = text_of(recipe)
    reading = parse(text)
    if any(ord(c) in (0xFFFE, 0xFFFF) for c in experiment):
        return
    assert reading.recipe == recipe, reading.findings
    assert text_of(reading.recipe) == text


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12) | (
    st.sampled_from(
        ["yes", "null", "~", "1e3", "0x1F", "1:30", "2020-01-01", ".inf", "# x", "a: b", "- a",
         "? a", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a`", "'", '"', "{}", "[]", " a", "a ",
         "---", "...", "<<", "=", "\u2028", "\xa0", "\ufeff", "🦄"],
    )
)  # fmt: skip
SPACE = st.ip_addresses(v=4).map(lambda address: f"{address}/32")
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def values(annotation: object, field: str) -> st.SearchStrategy:
    """Values of a field's kind, as odd as its type allows."""
    return {
        "text": TEXT,
        "switch": st.booleans(),
        "list": st.lists(SPACE if "IPv4" in str(annotation) else NUMBER, max_size=3),
        "json": st.dictionaries(TEXT, JSON, max_size=3),
    }.get(field, st.nothing())


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Recipes in which any field may be given, and any text be anything."""
    given: dict[str, dict[str, object]] = {"names": {"prefix": draw(TEXT)}}
    given["scoring"] = {"request": draw(st.dictionaries(TEXT, JSON, max_size=3))}
    for section, kind in fields.sections().items():
        for spec in fields.specs(section):
            annotation = kind.model_fields[spec.name].annotation
            strategy = values(annotation, spec.kind)
            if spec.kind == "choice":
                strategy = st.sampled_from(spec.choices)
            elif spec.kind == "number":
                strategy = st.integers(0, 40) if spec.default is None else st.just(spec.default)
            elif "IPv4Network" in str(annotation) and spec.kind == "text":
                strategy = SPACE
            elif "IPv4Address" in str(annotation) and spec.kind == "text":
                strategy = st.ip_addresses(v=4).map(str)
            if draw(st.integers(0, 3)) == 0:
                value = draw(strategy)
                found = examine({section: {**given.get(section, {}), spec.name: value}}).findings
                path = f"{section}.{spec.name}"
                if not any(p == path or p.startswith(f"{path}.") for f in found for p in f.fields):
                    given.setdefault(section, {})[spec.name] = value
    reading = examine({"version": 1, **given})
    assume(reading.recipe is not None)
    assert reading.recipe
    return reading.recipe


@given(recipes())
def test_any_recipe_comes_back_as_it_was_saved(recipe: Recipe) -> None:
    text = text_of(recipe)
    again = parse(text)
    assert again.recipe == recipe, again.findings
    assert text_of(existing(again.recipe)) == text


def test_a_new_prefix_renames_what_followed_from_the_old_one() -> None:
    one = existing(parse(GOOD).recipe)
    other = existing(parse(text_of(one), {"names.prefix": "xyz"}).recipe)
    assert (one.names.workspace, other.names.workspace) == ("mlw-abc", "mlw-xyz")


BAD = {
    "a prefix length of 33": ("addresses: {vnet: 10.100.0.0/33}", "addresses.vnet", "address"),
    "a space": ("addresses: {vnet: '10.1.0.0/24 '}", "addresses.vnet", "address"),
    "host bits": ("addresses: {vnet: 10.100.0.1/16}", "addresses.vnet", "host-bits"),
    "IPv6": ("addresses: {vnet: 'fd00::/8'}", "addresses.vnet", "address"),
    "empty": ("addresses: {vnet: ''}", "addresses.vnet", "address"),
    "null": ("addresses: {vnet: null}", "addresses.vnet", "address"),
    "a list": ("addresses: {vnet: [10.0.0.0/8]}", "addresses.vnet", "address"),
    "a number": ("addresses: {vnet: 10}", "addresses.vnet", "address"),
    "wide digits": ("addresses: {vnet: '１０.0.0.0/8'}", "addresses.vnet", "address"),
    "one of a list": ("addresses: {peered: [10.0.0.0/8, x/y]}", "addresses.peered.1", "address"),
    "a billion workers": ("training: {workers: 1000000000}", "training.workers", "value"),
    "text for a number": ("training: {workers: '3'}", "training.workers", "value"),
    "yes for a choice": ("security: {storage: yes}", "security.storage", "value"),
    "an unknown choice": ("sign_in: {login: pigeon}", "sign_in.login", "value"),
    "not a UUID": ("sign_in: {subscription: mine}", "sign_in.subscription", "subscription"),
    "a section that is text": ("training: fast", "training", "value"),
    "a later version": ("version: 3", "version", "version"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_values_are_findings_under_their_field(name: str) -> None:
    line, field, rule = BAD[name]
    reading = parse(GOOD + line + "\n")
    assert reading.recipe is None
    assert [(f.fields, f.rule) for f in reading.findings] == [((field,), rule)]
    assert reading.findings[0].line == 3


def test_unknown_keys_name_their_path_and_the_nearest_key() -> None:
    reading = parse(GOOD + "adresses: {}\ntraining:\n  wokers: 3\n")
    found = {f.fields[0]: f for f in reading.findings}
    assert found["adresses"].fix == "Did you mean addresses?"
    assert found["training.wokers"].fix == "Did you mean workers?"
    assert found["training.wokers"].line == 5


def test_every_finding_at_once_one_per_cause() -> None:
    reading = parse(
        "names: {prefix: abc, prefix: d}\naddresses: {vnet: x, compute: y}\nfoo: 1\nserving: {nodes: 0}"
    )
    fields_found = [f.fields[0] for f in reading.findings]
    assert sorted(fields_found) == sorted(
        ["names.prefix", "addresses.vnet", "addresses.compute", "foo", "serving.nodes"]
    )  # fmt: skip


def test_rules_are_applied_to_what_is_right() -> None:
    reading = parse(GOOD + "addresses: {dns_service_ip: 10.9.9.9}\ntraining: {workers: x}\n")
    assert {f.rule for f in findings_of(reading)} >= {"AK-4", "value"}


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (BOMB, "yaml"),
        ("a: " + "[" * 4000 + "]" * 4000, "too-deep"),
        ("names: {prefix: 'a\0b'}", "control-character"),
        ("names: [", "yaml"),
        ("- 1", "yaml"),
        ("", "yaml"),
        ("just text", "yaml"),
        ("? {a: 1}\n: 2", "unknown-key"),
        ("names: !!python/object:os.system {}", "yaml"),
    ],
)
def test_files_that_are_no_recipe_are_refused_without_a_traceback(text: str, rule: str) -> None:
    reading = parse(text)
    assert reading.recipe is None
    assert rule in [f.rule for f in reading.findings]


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as out:
        out.truncate(50_000_000)
    assert [f.rule for f in read(path).findings] == ["too-large"]


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"names: {prefix: \xe4}")
    assert [f.rule for f in read(path).findings] == ["encoding"]


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    findings_of(parse(text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.sampled_from([s.path for section in fields.sections() for s in fields.specs(section)]),
)
def test_no_value_of_any_field_raises(value: object, path: str) -> None:  # fmt: skip
    findings_of(parse(GOOD, {path: value}))


def test_host_bits_are_cured_by_the_prefix_that_holds_them() -> None:
    given = {"compute": "10.100.110.7/24", "peered": ["10.1.0.0/16", "10.2.0.9/16"]}
    cures = {f.fields[0]: f.cure for f in examine({"addresses": given}).findings if f.cure}
    assert cures == {
        "addresses.compute": {"addresses.compute": "10.100.110.0/24"},
        "addresses.peered.1": {"addresses.peered": ["10.1.0.0/16", "10.2.0.0/16"]},
    }


@pytest.mark.parametrize("section", fields.sections())
def test_every_field_says_what_it_is(section: str) -> None:
    assert not [spec.path for spec in fields.specs(section) if not spec.description]
