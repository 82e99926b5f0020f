"""Invalid recipes and settings: `check` says what is wrong, and exits with 2."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import RECIPES, Command
from support.breadth import narrowed

from amlwizard.cli import main
from amlwizard.recipe import parse, read
from amlwizard.rules import findings_of

NAMES = "names: {prefix: abc}\n"
SCORING = "scoring: {request: {data: [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}}\n"
GOOD = NAMES + SCORING
QUICKSTART = (RECIPES / "quickstart.yaml").read_text()
BILLION = "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 9)}]\n" for n in range(10)
)

# What the file holds, the rule that must be found, and a field under which it must stand.
FILES: dict[str, tuple[str, str, str]] = {
    "a prefix length of 33": (GOOD + "addresses: {vnet: 10.100.0.0/33}", "address", "addresses.vnet"),
    "a trailing space": (GOOD + "addresses: {vnet: '10.1.0.0/24 '}", "address", "addresses.vnet"),
    "an IPv6 range": (GOOD + "addresses: {vnet: 'fd00::/8'}", "address", "addresses.vnet"),
    "an empty range": (GOOD + "addresses: {vnet: ''}", "address", "addresses.vnet"),
    "no range": (GOOD + "addresses: {vnet: }", "address", "addresses.vnet"),
    "a list for a range": (GOOD + "addresses: {vnet: [10.0.0.0/8]}", "address", "addresses.vnet"),
    "a date for a range": (GOOD + "addresses: {vnet: 2020-01-01}", "address", "addresses.vnet"),
    "wide digits": (GOOD + "addresses: {vnet: '１０.0.0.0/8'}", "address", "addresses.vnet"),
    "a billion subnets": (GOOD + "addresses: {subnets: 1000000000}", "unknown-key", "addresses.subnets"),
    "a billion nodes": (GOOD + "serving: {nodes: 1000000000}", "value", "serving.nodes"),
    "ten thousand ranges": (
        GOOD + f"addresses: {{peered: [{', '.join(['10.1.0.0/16'] * 10_000)}]}}", "value",
        "addresses.peered",
    ),
    "a number of 5000 digits": (GOOD + f"training: {{workers: {'9' * 5000}}}", "value", "training.workers"),
    "no number": (GOOD + "training: {parameters: {alpha: .nan}}", "not-finite", "training.parameters.alpha"),
    "no number in a request": (NAMES + "scoring: {request: {data: [[.nan]]}}", "not-finite", "scoring.request.data.0.0"),
    "no end": (GOOD + "expect: {tolerance: .inf}", "not-finite", "expect.tolerance"),
    "a NUL byte": ("names: {prefix: 'a\0b'}\n" + SCORING, "control-character", ""),
    "an escaped NUL": ('names: {prefix: "a\\0b"}\n' + SCORING, "control-character", "names.prefix"),
    "an escape sequence": ('names: {prefix: abc, cluster: "a\\e[31mb"}\n' + SCORING, "control-character", "names.cluster"),
    "an escape sequence in a request": (NAMES + 'scoring: {request: {"a\\eb": "c"}}', "control-character", "scoring.request"),
    "a line end in a name": ('names: {prefix: abc, cluster: "a\\nb"}\n' + SCORING, "NM-1", "names.cluster"),
    "half a character": ('names: {prefix: "\\ud800"}\n' + SCORING, "yaml", ""),
    "wide characters": ("names: {prefix: 漢字🦄}\n" + SCORING, "NM-1", "names.prefix"),
    "letters that turn the line": ("names: {prefix: '\u202eabc'}\n" + SCORING, "NM-1", "names.prefix"),
    "a name without end": (f"names: {{prefix: {'a' * 200_000}}}\n" + SCORING, "value", "names.prefix"),
    "a billion laughs": (BILLION + GOOD, "yaml", ""),
    "a snake that bites its tail": ("names: &a {prefix: *a}\n", "yaml", ""),
    "a merge": ("x: &x {prefix: abc}\nnames: {<<: *x}\n", "yaml", ""),
    "a Python object": ("names: !!python/object/apply:os.system ['exit 7']\n" + SCORING, "yaml", ""),
    "a tag that does not fit": ("names: {prefix: !!bool abc}\n" + SCORING, "yaml", ""),
    "a timestamp that is none": ("names: {prefix: !!timestamp abc}\n" + SCORING, "yaml", ""),
    "too deep": (NAMES + f"scoring: {{request: {'[' * 40}{']' * 40}}}", "too-deep", ""),
    "a key given twice": (GOOD + "training: {workers: 1, workers: 2}", "duplicate-key", "training.workers"),
    "a section given twice": (GOOD + NAMES, "duplicate-key", "names"),
    "an unknown key": (GOOD + "training: {wokers: 1}", "unknown-key", "training.wokers"),
    "an unknown section": (GOOD + "trainign: {}", "unknown-key", "trainign"),
    "a number for a key": (GOOD + "7: 8", "unknown-key", "7"),
    "a list for a key": (GOOD + "? [1, 2]\n: 3", "unknown-key", "(not text)"),
    "a list for a section": ("names: [1, 2]\n" + SCORING, "value", "names"),
    "a number for a section": ("names: 7\n" + SCORING, "value", "names"),
    "nothing for a section": ("names:\n" + SCORING, "missing", "names.prefix"),
    "a list for the request": (NAMES + "scoring: {request: [1]}", "value", "scoring.request"),
    "two documents": (GOOD + "---\n" + GOOD, "yaml", ""),
    "a tabulator": ("names:\n\tprefix: abc\n", "yaml", ""),
    "a quote without end": ("names: {prefix: 'abc", "yaml", ""),
    "another version of YAML": ("%YAML 9.9\n---\n" + GOOD, "yaml", ""),
    "a recipe of tomorrow": (GOOD + "version: 3", "version", "version"),
    "a version that is text": (GOOD + "version: '1'", "version", "version"),
    "nothing": ("", "yaml", ""),
    "a comment": ("# nothing\n", "yaml", ""),
    "a list": ("- 1\n", "yaml", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_a_bad_file_is_explained(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, rule, field = FILES[what]
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(path), "--json"]) == 2
    out = capsys.readouterr()
    found = [f for f in json.loads(out.out)["findings"] if f["severity"] == "error"]
    assert out.err == "" and found
    assert rule in {f["rule"] for f in found}, found
    if field:
        assert field in [name for f in found if f["rule"] == rule for name in f["fields"]]
    assert all(f["what"] and len(f["what"]) < 400 for f in found)
    assert main(["check", str(path)]) == 2
    shown = capsys.readouterr().out
    assert not any(ord(c) < 32 and c != "\n" for c in shown), "nothing moves the cursor"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("training: {wokers: 1}", "workers"), ("adresses: {}", "addresses"),
        ("addresses: {pod_cird: 10.1.0.0/16}", "pod_cidr"), ("secruity: {}", "security"),
        ("security: {nat_gatway: true}", "nat_gateway"), ("sign-in: {}", "sign_in"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_told_its_nearest(text: str, near: str) -> None:
    [finding] = parse(GOOD + text).findings
    assert finding.fix == f"Did you mean {near}?" and finding.line == 3


def test_what_is_garbled_hides_nothing_else() -> None:
    """One character that is no text in a section, and every other error of that section."""
    text = 'names: {prefix: "a\\0b", prefx: x}\naddresses: {vnet: 10.0.0.0/33, scoring: "1\\0"}\n'
    text += "serving: {cpu: .nan, nodes: -1, instances: 1.5}\n" + SCORING
    found = [(f.rule, f.fields[0]) for f in parse(text).findings]
    assert sorted(found) == [
        ("address", "addresses.vnet"),
        ("control-character", "addresses.scoring"),
        ("control-character", "names.prefix"),
        ("not-finite", "serving.cpu"),
        ("unknown-key", "names.prefx"),
        ("value", "serving.instances"),
        ("value", "serving.nodes"),
    ]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "- 1\n", "names: [", "names: {prefix: *a}\n", "a\0b"]
)
def test_a_file_that_holds_no_recipe_is_told_what_to_do(text: str) -> None:
    (finding,) = parse(text).findings
    assert finding.fix


def test_a_setting_that_is_nested_without_end_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    setting = f"--set={'a.' * 3000}a=1"
    assert main(["check", str(RECIPES / "quickstart.yaml"), setting, "--json"]) == 2
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert found["rule"] == "too-deep"


MANY = ", ".join(f"k{number}: x" for number in range(10_000))
CROWDS = {
    "keys of a recipe": (GOOD + f"{{{MANY}}}"[1:-1].replace(", ", "\n"), 101),
    "keys of a section": (GOOD + f"training: {{{MANY}}}", 101),
    "keys given twice": (GOOD + "training: {}\n" * 10_000, 100),
    "numbers that are none": (NAMES + f"scoring: {{request: {{data: [{'.nan, ' * 10_000}]}}}}", 101),
    "texts for prefixes": (GOOD + f"addresses: {{peered: [{'a, ' * 1000}]}}", 101),
    "prefixes with host bits": (GOOD + f"addresses: {{peered: [{'10.1.0.1/16, ' * 1000}]}}", 101),
    "zones": (GOOD + f"security: {{dns_zones: {{{MANY}}}}}", 1001),
    "subnets at one place": (
        GOOD + f"addresses: {{reserved: [{'{name: a, range: 10.100.0.0/24}, ' * 1000}]}}", 1010
    ),
}  # fmt: skip
"""Files of many mistakes, and how many findings there are at most: each takes time to judge."""


@pytest.mark.parametrize("what", CROWDS)
def test_a_crowd_of_mistakes_is_told_in_part(what: str) -> None:
    text, most = CROWDS[what]
    found = findings_of(parse(text))
    assert 1 < len([f for f in found if f.severity == "error"]) <= most
    if most == 101:
        assert "too-many" in {f.rule for f in found}


def test_an_empty_file_is_called_empty() -> None:
    (finding,) = parse("").findings
    assert "empty" in finding.what


# -- files that are no files


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, Path]:
    made = {name: tmp_path / name for name in ("huge", "binary", "utf16", "pipe", "bom", "link")}
    with made["huge"].open("wb") as out:
        out.truncate(50_000_000)
    made["binary"].write_bytes(bytes(range(256)))
    made["utf16"].write_bytes(GOOD.encode("utf-16"))
    made["bom"].write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    made["link"].symlink_to(made["link"])
    made.update(folder=tmp_path, endless=Path("/dev/zero"), nothing=tmp_path / "no" / "where")
    made["nul"] = Path("a\0b")
    made["long"] = Path("x" * 5000)
    return made


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("huge", "too-large"), ("endless", "too-large"), ("binary", "encoding"),
        ("utf16", "encoding"), ("folder", "directory"), ("nothing", "No such file"),
        ("link", "symbolic links"), ("nul", "null"), ("long", "too long"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(
    odd: dict[str, Path], name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(odd[name])]) == 2
    ran = capsys.readouterr()
    assert said in ran.out + ran.err


def test_a_file_with_a_byte_order_mark_is_read(odd: dict[str, Path]) -> None:
    assert read(odd["bom"]).recipe == parse(GOOD).recipe


def test_a_recipe_may_come_through_a_pipe() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as out:
        out.write(GOOD)
    assert read(Path(f"/dev/fd/{reading}")).recipe == parse(GOOD).recipe
    os.close(reading)


def test_a_name_that_is_no_text_is_shown_as_far_as_it_can_be(
    command: Command, tmp_path: Path
) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m.yaml")
    Path(path).write_text(GOOD)
    for options in ((), ("--json",)):
        ran = command("check", path, *options)
        assert ran.code == 0 and "Traceback" not in ran.err, ran.err
        assert "\x1b" not in ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="a locale of Unix")
@pytest.mark.parametrize(
    "arguments", narrowed([("check",), ("plan",), ("plan", "--json")], ("plan",))
)
def test_a_terminal_of_few_letters_is_no_reason_to_fail(
    command: Command, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("names: {prefix: abc, cluster: Übung 漢字}\n" + SCORING, encoding="utf-8")
    ran = command(arguments[0], str(path), *arguments[1:], PYTHONIOENCODING="ascii")
    assert ran.code == 0 and "Traceback" not in ran.err, ran.err


# -- settings


def test_all_settings_that_are_none_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    recipe = str(RECIPES / "quickstart.yaml")
    assert main(["check", recipe, "--set", "a", "--set", "=b", "--set", "names..c=1"]) == 2
    said = capsys.readouterr().err
    assert [said.count(f"--set {bad} is not") for bad in ("a", "=b", "names..c=1")] == [1, 1, 1]


@pytest.mark.parametrize("name", [["check"], ["plan"], ["export", "--to", "az"]])
def test_every_command_takes_settings(name: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    recipe = str(RECIPES / "quickstart.yaml")
    assert main([*name, recipe, "--set", "serving.nodes=0"]) == 2
    ran = capsys.readouterr()
    # It is not the file that says 0: no line of it is named.
    assert "serving.nodes" in ran.out + ran.err and "(line" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("names.prefix", "not of the form"), ("=x", "not of the form"), ("", "not of the form"),
        ("names.nothing=1", "names.nothing"), ("nothing=1", "nothing"), ("a.b.c.d=1", "a is no"),
        ("names=7", "names"), ("names.prefix.x=1", "names.prefix"), (".=1", "not of the form"),
        ("names.prefix=", "names.prefix"), ("names.prefix=[1, 2]", "names.prefix"),
        ("names.prefix=!!python/object:os.system {}", "names.prefix"),
        ("addresses.vnet=10.100.0.0/33", "addresses.vnet"), ("addresses.vnet=*x", "addresses.vnet"),
        ("addresses.peered=[10.1.0.0/16, x]", "addresses.peered.1"),
        ("addresses.peered.0=10.1.0.0/16", "addresses.peered"),
        ("training.workers=" + "9" * 5000, "training.workers"),
        ("training.workers=" + "[" * 5000, "training.workers"),
        ("scoring.request=" + "[" * 5000 + "]" * 5000, "scoring.request"),
        ("scoring.request={a: &a [x, x], b: [*a, *a]}", "scoring.request"),
        ("names.cluster=a\x1b[31mb", "names.cluster"), ("serving.nodes=yes", "serving.nodes"),
        ("names.prefix='a", "names.prefix"), ("version=3", "version"), ("names.prefix=漢字", "names.prefix"),
    ],
)  # fmt: skip
def test_a_bad_setting_is_refused_before_any_cloud(
    setting: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a cloud was opened")

    monkeypatch.setattr("amlwizard.app.application.opened", never)
    recipe = str(RECIPES / "quickstart.yaml")
    assert main(["replay", recipe, "--target", "sandbox", "--set", setting]) == 2
    ran = capsys.readouterr()
    assert ran.out == "" and said in ran.err and "\x1b" not in ran.err
    assert len(ran.err) < 2000


# -- anything at all


@given(
    st.data(),
    st.lists(
        st.sampled_from(
            ["\0", "\t", "\n", " ", ":", "- ", "? ", "&a ", "*a", "!!int ", "{", "}", "[", "]", "'",
             '"', "|", ">", "#", "%", "---\n", "...\n", "<<: ", "~", "1e999", "0x", "\u2028",
             "\ufeff", "🦄", "names:", "names: {prefix: abc}\n", "9" * 400],
        ),
        max_size=4,
    ),
)  # fmt: skip
def test_no_change_of_a_recipe_raises(data: st.DataObject, inserted: list[str]) -> None:
    text = QUICKSTART
    for piece in inserted:
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + piece + text[end:]
    findings = findings_of(parse(text))
    assert all(f.rule and f.what for f in findings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("names: 5", "Naming must be a section with keys and values, not 5."),
        ("security: {nat_gateway: 1}", "NAT gateway must be true or false, not 1."),
        ("security: {storage: null}", "Storage account must not be empty."),
        ("serving: {nodes: -1}", "Nodes must be at least 1, not -1."),
        ("serving: {nodes: 1001}", "Nodes may be 1,000 at most, not 1001."),
        ("serving: {nodes: '3'}", "Nodes must be a whole number, not '3'."),
        ("serving: {nodes: many}", "Nodes must be a whole number, not 'many'."),
        ("serving: {nodes: true}", "Nodes must be a whole number, not true."),
        ("serving: {cpu: 5}", "CPU per instance must be text, not 5."),
        ("serving: {cpu: true}", "CPU per instance must be text, not true."),
        ("serving: {kubernetes_version: 1.30}", "Kubernetes version must be text, not 1.30."),
        ("expect: {tolerance: x}", "Tolerance must be a number, not 'x'."),
        ("expect: {tolerance: 0}", "Tolerance must be more than 0, not 0."),
        ("expect: {metrics: {mse: {value: x}}}", "mse must be a number, not 'x'."),
        ("expect: {metrics: {mse: {}}}", "mse: Nothing is expected of it."),
        (
            "training: {requirements: [xgboost]}",
            "'xgboost' is not pinned to one version.",
        ),
        ("addresses: {peered: 10.0.0.0/8}", "Peered ranges must be a list, not '10.0.0.0/8'."),
        ("scoring: {request: 5}", "Request must be a mapping of names to values, not 5."),
    ],
)
def test_what_a_value_must_be_is_said_in_a_sentence(text: str, said: str) -> None:
    assert said in [finding.what for finding in parse(text).findings]
