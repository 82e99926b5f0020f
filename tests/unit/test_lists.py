"""Lists as people write and paste them: whatever the form, every item arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES

from amlwizard import fields
from amlwizard.recipe import read, read_list
from amlwizard.recipe.values import meant_range, parse_network

PEERED, RESERVED, PACKAGES = "addresses.peered", "addresses.reserved", "training.requirements"
QUICKSTART = RECIPES / "quickstart.yaml"


def spec(path: str) -> fields.FieldSpec:
    section = path.partition(".")[0]
    return next(found for found in fields.specs(section) if found.path == path)


Items = Sequence[str]
FORMS: dict[str, Callable[[Items], str]] = {
    "lines": lambda items: "\n".join(items) + "\n",
    "lines of Windows": lambda items: "\r\n".join(items) + "\r\n",
    "spaces": " ".join,
    "tabs": "\t".join,
    "commas": ",".join,
    "commas and spaces": ", ".join,
    "semicolons": ";".join,
    "JSON": lambda items: str(list(items)).replace("'", '"'),
    "Python": lambda items: str(list(items)),
    "tuple": lambda items: f"({', '.join(items)})",
    "YAML": lambda items: "".join(f"  - {item}\n" for item in items),
    "YAML with its key": lambda items: "key:\n" + "".join(f"- '{item}'\n" for item in items),
    "JSON with its key": lambda items: '"key": ' + str(list(items)).replace("'", '"') + ",",
    "YAML on a line": lambda items: f"key: [{', '.join(items)}]",
    "quoted lines": lambda items: "\n".join(f'"{item}",' for item in items),
    "curly quotes": lambda items: ", ".join(f"\u201c{item}\u201d" for item in items),
    "with comments": lambda items: "".join(f"{item}  # hub, 10.9.0.0/16\n" for item in items),
    "bullets": lambda items: "\n".join(f"\u2022 {item}" for item in items),
    "a column with gaps": lambda items: "\n\n".join(f"{item}\t" for item in items),
    "a Markdown table": lambda items: "\n".join(f"| {item} |" for item in items),
}
RANGES = st.builds(
    lambda address, length: str(IPv4Network(f"{address}/{length}", strict=False)),
    st.ip_addresses(v=4),
    st.integers(0, 32),
)
WORDS = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
PINNED = st.builds(
    lambda name, extra, major, minor: f"{name}{extra}=={major}.{minor}",
    WORDS,
    st.sampled_from(["", "[all]"]),
    st.integers(0, 99),
    st.integers(0, 99),
)


@given(items=st.lists(RANGES, min_size=1, max_size=6))
def test_every_range_comes_back_in_whatever_form_it_is_written(items: Items) -> None:
    for form, written in FORMS.items():
        assert read_list(PEERED, written(items)) == list(items), form
        taken = fields.pasted(spec(PEERED), written(items))
        assert fields.typed(spec(PEERED), taken.text) == list(items) and not taken.refused, form


@given(items=st.lists(PINNED, min_size=1, max_size=6))
def test_every_package_comes_back_in_whatever_form_it_is_written(items: Items) -> None:
    for form, written in FORMS.items():
        assert read_list(PACKAGES, written(items)) == list(items), form


PAIRS: dict[str, Callable[[str, str], str]] = {
    "name=range,": "{}={},".format,
    "two columns": "{}\t{}\n".format,
    "CSV": "{},{}\n".format,
    "name: range": "{}: {}\n".format,
    "JSON": '{{"name": "{}", "range": "{}"}},\n'.format,
    "YAML": "- name: {}\n  range: {}\n".format,
    "YAML on a line": "- {{name: {}, range: '{}'}}\n".format,
}


@given(items=st.lists(st.tuples(WORDS, RANGES), min_size=1, max_size=5))
def test_every_subnet_comes_back_with_its_range(items: Sequence[tuple[str, str]]) -> None:
    expected = [{"name": name, "range": range_} for name, range_ in items]
    for form, written in PAIRS.items():
        assert read_list(RESERVED, "".join(written(*item) for item in items)) == expected, form
    assert fields.typed(spec(RESERVED), fields.shown(spec(RESERVED), expected)) == expected


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    for path in (PEERED, RESERVED, PACKAGES):
        assert isinstance(read_list(path, text), list)
        assert isinstance(fields.pasted(spec(path), text).text, str)


@given(RANGES)
def test_a_range_in_another_notation_is_meant(text: str) -> None:
    network = IPv4Network(text)
    first, last, length = network[0], network[-1], network.prefixlen
    spellings = [
        f"{first} / {length}",
        f"{first}\\{length}",
        f"{first} {network.netmask}",
        f"{first}/{network.netmask}",
        f" '{text}' ",
        *([f"{first}-{last}", f"{first} \u2013 {last}"] if first != last else []),
    ]
    for spelling in spellings:
        assert meant_range(spelling) == text, spelling
        assert str(parse_network(text)) == text


def test_what_is_no_range_is_named_and_the_others_are_taken() -> None:
    taken = fields.pasted(spec(PEERED), "Range\n10.1.0.0/16\n10.2.0.0/16\nhub\n")
    assert taken.text == "10.1.0.0/16, 10.2.0.0/16" and taken.refused
    assert taken.said == "2 ranges pasted. Not taken, as they are not address ranges: Range, hub."


def test_what_looks_like_a_range_is_kept_for_its_finding() -> None:
    taken = fields.pasted(spec(PEERED), "10.1.0.0/16 10.2.0.O/16")
    assert taken.text == "10.1.0.0/16, 10.2.0.O/16" and not taken.refused


def test_of_a_page_of_prose_nothing_is_taken() -> None:
    taken = fields.pasted(spec(PEERED), "How the network is built\nby those who know it\n")
    assert not taken.text and taken.refused and taken.said.startswith("0 ranges pasted. Not taken")


def test_a_field_of_one_line_takes_no_second_one() -> None:
    prefix = spec("names.prefix")
    assert fields.pasted(prefix, "myteam\n").text == "myteam"
    assert fields.pasted(prefix, "\r\n myteam\r\n\n").text == " myteam"
    taken = fields.pasted(prefix, "myteam\nother\n")
    assert not taken.text and taken.refused and "the text has 2" in taken.said


@pytest.mark.parametrize(
    "written",
    ["10.1.0.0/16,10.2.0.0/16", "10.1.0.0/16 10.2.0.0/16", "[10.1.0.0/16, 10.2.0.0/16]",
     "[10.1.0.0/16 10.2.0.0/16]", "10.1.0.0/16\n10.2.0.0/16", "- 10.1.0.0/16\n- 10.2.0.0/16",
     "10.1.0.0/16、10.2.0.0/16", "10.1.0.0/16，10.2.0.0/16"],
)  # fmt: skip
def test_set_takes_what_the_form_takes(written: str) -> None:
    reading = read(QUICKSTART, {PEERED: written})
    assert not reading.findings and reading.recipe
    assert [str(network) for network in reading.recipe.addresses.peered] == [
        "10.1.0.0/16",
        "10.2.0.0/16",
    ]


def test_a_text_in_a_file_is_cured_into_the_list_that_it_means(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("names: {prefix: abc}\naddresses: {peered: '10.1.0.0/16, 10.2.0.0/16'}\n")
    (found,) = read(file).findings
    assert found.cure == {PEERED: ["10.1.0.0/16", "10.2.0.0/16"]} and found.line == 2
    assert found.fix == "Use [10.1.0.0/16, 10.2.0.0/16]."
