"""The line prompts: how questions are put, the walk, and the command through a real pty."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event as CancelEvent
from types import SimpleNamespace
from typing import Any, cast

import pexpect
import pytest
from support import RECIPES, ROOT, Command, existing
from support.asked import GO_ON, terminal, through
from support.tui_support import SUBSCRIPTION, FakeBackend

from amlwizard import fields
from amlwizard.app.application import Application
from amlwizard.cli.commands.ask import Ask
from amlwizard.cli.options import AskOptions
from amlwizard.draft import DraftStore, from_file, new
from amlwizard.errors import Finding
from amlwizard.json_types import JsonValue
from amlwizard.prompts.askers import Plain
from amlwizard.prompts.interview import Interview, numbers
from amlwizard.prompts.pasting import Taking
from amlwizard.recipe import load, text_of
from amlwizard.session import Session

SECTIONS = len(fields.sections())

# -- plain lines


def plain(text: str) -> tuple[Plain, io.StringIO]:
    out = io.StringIO()
    return Plain(io.StringIO(text), out), out


def test_enter_keeps_what_stands_in_brackets() -> None:
    asker, out = plain("\n\nnew\n-\n")
    assert asker.text("Prefix", "abc") == "abc"
    assert asker.text("Registry", "", "crabc") == ""
    assert asker.text("Prefix", "abc") == "new"
    assert asker.text("Prefix", "abc") == ""
    assert out.getvalue() == "Prefix [abc]: Registry [crabc]: Prefix [abc]: Prefix [abc]: "


def test_a_choice_is_a_number_or_a_name() -> None:
    asker, out = plain("9\nnonsense\n2\na\n\n")
    assert asker.choose("Pick", ["a", "b"], "a") == "b"
    assert "Answer with a number from 1 to 2" in out.getvalue()
    assert asker.choose("Pick", ["a", "b"], "b") == "a"
    assert asker.choose("Pick", ["a", "b"], "b") == "b"


def test_yes_and_no() -> None:
    asker, out = plain("perhaps\nYES\nn\n\n")
    assert asker.confirm("Start?", False) is True
    assert "Answer yes or no." in out.getvalue() and "Start? [y/N]: " in out.getvalue()
    assert asker.confirm("Start?", True) is False
    assert asker.confirm("Start?", True) is True


def test_the_end_of_input_is_a_person_who_leaves() -> None:
    with pytest.raises(KeyboardInterrupt):
        plain("")[0].text("Prefix", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []), ("2", [2]), ("1, 3-5", [1, 3, 4, 5]), ("5 3", [5, 3]), ("2 - 4", [2, 3, 4]),
        ("all", [1, 2, 3, 4, 5]), ("3,3", [3]), ("0", None), ("6", None), ("4-2", None), ("x", None),
        ("1-99", None),
    ],
)  # fmt: skip
def test_fields_are_named_by_number(text: str, found: list[int] | None) -> None:
    assert numbers(text, 5) == found


# -- the walk, without a terminal


class Person:
    """Answers, and the screen of an interview.

    Answers by recipe path: in each section names the fields to change, then gives the answers;
    several are given one after the other. Cures are taken where `cures` says so."""

    hint = ""

    def __init__(self, session: Session, answers: dict[str, str | list[str]], cures: bool) -> None:
        self.session = session
        self.answers = {k: [v] if isinstance(v, str) else [*v] for k, v in answers.items()}
        self.cures, self.section = cures, ""
        self.said: list[str] = []
        self.named: set[str] = set()

    def say(self, text: str) -> None:
        self.said.append(text)
        for name in fields.sections():
            if text.startswith("\nSection ") and f", {fields.section_title(name)}: " in text:
                self.section = name

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        self.said += ["  ".join(row) for row in rows]

    def show(self, findings: Sequence[Finding]) -> None:
        self.said += [f"{f.rule}: {f.what}" for f in findings]

    def _spec(self, message: str) -> fields.FieldSpec:
        named = [s for s in self.session.asked(self.section) if message.startswith(s.title)]
        return max(named, key=lambda spec: len(spec.title))

    def _answer(self, message: str, current: str) -> str:
        given = self.answers.get(self._spec(message).path, [])
        return given.pop(0) if given else current

    def text(
        self, message: str, current: str, stands: str = "", taking: Taking = fields.one_line
    ) -> str:
        if not message.startswith("Fields to change"):
            return self._answer(message, current)
        wanted = {
            number: spec.path
            for number, spec in enumerate(self.session.asked(self.section), 1)
            if self.answers.get(spec.path) and spec.path not in self.named
        }
        self.named.update(wanted.values())
        return ", ".join(map(str, wanted))

    def choose(self, message: str, choices: Sequence[str], current: str) -> str:
        return self._answer(message, current)

    def confirm(self, message: str, current: bool) -> bool:
        if message.startswith("Fix"):
            self.said.append(message)
            return self.cures
        return self._answer(message, "yes" if current else "no") == "yes"


def walked(
    folder: Path, answers: dict[str, str | list[str]], cures: bool = False
) -> tuple[Session, str]:
    session = Session(DraftStore(folder), new())
    person = Person(session, answers, cures)
    Interview(session, person, person).walk()
    return session, "\n".join(person.said)


def test_only_what_is_not_answered_is_asked(tmp_path: Path) -> None:
    session, said = walked(tmp_path, {"names.prefix": "ask01"})
    assert session.recipe and session.recipe.names.prefix == "ask01"
    assert "rg-ask01" in said, "what follows from the prefix is shown"
    for section in fields.sections():
        assert f", {fields.section_title(section)}: " in said
    assert all(spec.title in said for name in fields.sections() for spec in session.asked(name))


def test_every_kind_of_field_is_changed_by_its_number(tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}')
    answers: dict[str, str | list[str]] = {
        "names.prefix": "ask01",
        "addresses.peered": "10.50.0.0/16, 10.51.0.0/16",
        "security.purge_protection": "yes",
        "training.parameters.alpha": "0.5",
        "serving.load_balancer": "internal",
        "scoring.request": f"@{request}",
        "expect.metrics": '{"mse": {"value": 3424.857}}',
    }
    session, said = walked(tmp_path, answers)
    recipe = session.recipe
    assert recipe, said
    assert [str(n) for n in recipe.addresses.peered] == ["10.50.0.0/16", "10.51.0.0/16"]
    assert recipe.security.purge_protection is True and recipe.serving.load_balancer == "internal"
    assert recipe.training.parameters == {"alpha": 0.5}
    assert recipe.expect.metrics["mse"].value == 3424.857
    assert recipe.scoring.request == {"data": [list(range(1, 11))]}


@pytest.mark.parametrize(
    ("name", "text", "sent"),
    [
        ("rows.csv", "a,b\n1,x\n2,y\n", {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]}),
        ("rows.csv", "1;2\n3;4\n", [[1, 2], [3, 4]]),
        ("rows.json", "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("rows.json", '[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ("rows.json", '{"input_data": {"a": [1, 2]}}', {"a": [1, 2]}),
    ],
)  # fmt: skip
def test_a_request_is_given_as_a_file_of_rows(
    tmp_path: Path, name: str, text: str, sent: JsonValue
) -> None:
    (tmp_path / name).write_text(text)
    notebook = ROOT / "tests" / "notebooks" / "classifier.py"
    answers: dict[str, str | list[str]] = {
        "names.prefix": "ask01",
        "training.notebook": str(notebook),
        "scoring.request": f"@{tmp_path / name}",
    }
    session, said = walked(tmp_path, answers)
    assert session.recipe and session.recipe.scoring.request == {"input_data": sent}, said


def test_a_file_that_holds_no_request_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2,3\n")
    answers: dict[str, str | list[str]] = {
        "names.prefix": "ask01",
        "scoring.request": [
            f"@{tmp_path / 'rows.csv'}",
            '{"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]]}',
        ],
    }
    session, said = walked(tmp_path, answers)
    assert session.recipe and "Request must be" in said


def test_a_notebook_of_ones_own_is_asked_for_and_its_parameters_one_by_one(tmp_path: Path) -> None:
    notebook = ROOT / "tests" / "notebooks" / "classifier.py"
    answers: dict[str, str | list[str]] = {
        "names.prefix": "ask01",
        "training.notebook": ["missing.py", str(notebook)],
        "training.parameters.trees": "25",
        "scoring.request": '{"input_data": [[22, "Bern"]]}',
    }
    session, said = walked(tmp_path, answers)
    assert "NB-1: missing.py cannot be read." in said
    assert "cell 1, line 7: People who answer" in said
    assert session.recipe and session.recipe.training.notebook == str(notebook)
    assert session.recipe.training.parameters == {"trees": 25}


def test_a_wrong_value_is_asked_for_once_more(tmp_path: Path) -> None:
    given = ["10.100.120.0/99", "10.100.121.0/24"]
    session, said = walked(tmp_path, {"names.prefix": "ask01", "addresses.scoring": given})
    assert "prefix length" in said
    assert session.recipe and str(session.recipe.addresses.scoring) == given[1]


def test_an_overlap_is_explained_and_cured_where_the_person_agrees(tmp_path: Path) -> None:
    overlap: dict[str, str | list[str]] = {
        "names.prefix": "ask01",
        "addresses.scoring": "10.100.100.0/24",
    }
    session, said = walked(tmp_path, overlap, cures=True)
    assert "SN-5" in said and "Fix SN-5: set " in said
    table = said.rpartition("Fix SN-5")[2]
    assert "Workspace subnet  " in table, "the table is shown again"
    assert session.recipe


def test_what_is_at_fault_is_gone_back_to(tmp_path: Path) -> None:
    given = ["10.100.100.0/24", "10.100.121.0/24"]
    session = Session(DraftStore(tmp_path), new())
    person = Person(session, {"names.prefix": "ask01", "addresses.scoring": given[:1]}, cures=False)
    again = iter(given[1:])

    class Again(Interview):
        def section(self, section: str) -> None:
            if "\nThe recipe cannot be used yet:" in person.said:
                person.named.clear()
                person.answers["addresses.scoring"] = [next(again)]
            super().section(section)

    Again(session, person, person).walk()
    assert session.recipe and str(session.recipe.addresses.scoring) == given[1]
    sections = [text for text in person.said if text.startswith("\nSection ")]
    assert len(sections) == SECTIONS + 1, "of all sections, the one at fault"


def test_answers_are_kept_as_they_are_given(tmp_path: Path) -> None:
    asker, _ = plain("\nask01\n")
    session = Session(DraftStore(tmp_path), new())
    with pytest.raises(KeyboardInterrupt):
        Interview(session, asker, Person(session, {}, cures=False)).walk()
    kept = DraftStore(tmp_path).unfinished()
    assert [draft.value("names.prefix") for draft in kept] == ["ask01"]


# -- the command, through a pty


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_walk_to_a_saved_recipe(tmp_path: Path, term: str) -> None:
    saved = tmp_path / "mine.yaml"
    with terminal(tmp_path, "--target", "sandbox", "--clock", "instant", TERM=term) as child:
        through(child, new(), "ask01")
        child.expect("Save the recipe as.*:")
        if term == "xterm":
            child.send("\x15")  # Ctrl-U: the line that is offered
        child.sendline(str(saved))
        child.expect("The recipe is in")
        child.expect("The run will take about")
        child.expect("Start now on sandbox")
        child.sendline("n")
        child.expect("Nothing was built")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0
        if term == "dumb":
            assert "\x1b" not in existing(child.before)
    recipe = load(saved)
    assert recipe.names.prefix == "ask01" and saved.read_text() == text_of(recipe)
    assert DraftStore(tmp_path / "sessions").unfinished() == []


# -- pastes: a field of one value, then one of a list, each by its number


def pasted(term: str, text: str) -> str:
    """What a terminal sends for a paste: plain ones know no marks around it."""
    return text if term == "dumb" else f"\x1b[200~{text}\x1b[201~"


@contextmanager
def at_addresses(folder: Path, term: str) -> Iterator[pexpect.spawn[str]]:
    """`ask` at the numbers of the addresses' fields."""
    recipe = folder / "mine.yaml"
    recipe.write_text((RECIPES / "quickstart.yaml").read_text())
    given = ("--target", "sandbox", "--clock", "instant", "--recipe", str(recipe))
    with terminal(folder, *given, TERM=term) as child:
        for section in fields.sections():
            child.expect_exact(f", {fields.section_title(section)}: ")
            child.expect(GO_ON)
            if section == "addresses":
                break
            child.sendline("")
        yield child


def number_of(path: str) -> str:
    asked = Session(DraftStore(Path("unused")), from_file(RECIPES / "quickstart.yaml")).asked
    return str([spec.path for spec in asked(path.partition(".")[0])].index(path) + 1)


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_paste_is_one_answer(tmp_path: Path, term: str) -> None:
    with at_addresses(tmp_path, term) as child:
        the_lines_of_a_pasted_list_are_one_answer(child, term)
        several_lines_for_one_value_are_refused_and_answer_no_other_question(child, term)
        a_request_may_be_pasted_as_rows(child, term)


def the_lines_of_a_pasted_list_are_one_answer(child: pexpect.spawn[str], term: str) -> None:
    child.sendline(number_of("addresses.peered"))
    child.expect("Peered ranges")
    child.send(pasted(term, "10.61.0.0/16\r10.62.0.0/16\rhub\r10.63.0.0/16"))
    child.expect("3 ranges pasted. Not taken, as they are not address ranges: hub.")
    if term == "xterm":
        child.expect("10.61.0.0/16, 10.62.0.0/16, 10.63.0.0/16")
        child.sendline("")
    child.expect("Peered ranges +10.61.0.0/16, 10.62.0.0/16, 10.63.0.0/16")
    child.expect(GO_ON)


def several_lines_for_one_value_are_refused_and_answer_no_other_question(
    child: pexpect.spawn[str], term: str
) -> None:
    child.sendline(number_of("addresses.vnet"))
    child.expect("VNET.*10.100.0.0/16")
    child.send(pasted(term, "10.61.0.0/16\r3\rall"))
    child.expect("Not taken: one line is expected here, and the text has 3.")
    child.expect(r"VNET.*10.100.0.0/16")
    child.sendline("")
    child.expect(r"1 +VNET +10.100.0.0/16 ")
    child.expect(GO_ON)


def a_request_may_be_pasted_as_rows(child: pexpect.spawn[str], term: str) -> None:
    child.sendline("")
    for section in [*fields.sections()][[*fields.sections()].index("addresses") + 1 :]:
        child.expect_exact(f", {fields.section_title(section)}: ")
        if section == "serving":
            child.expect("Fix AML-K8S-4")
            child.sendline("")
        child.expect(GO_ON)
        if section == "scoring":
            break
        child.sendline("")
    child.sendline(number_of("scoring.request"))
    child.expect("JSON or CSV, or @FILE.*:")
    if term == "xterm":
        child.send("\x15")
    row = "1,2,3,4,5,6,7,8,9,"
    child.send(pasted(term, f"{row}0\r{row}1\r"))
    if term == "xterm":
        child.expect("9,1")
        child.sendline("")
    child.expect(r"1 +Request +\{")


def test_enter_may_be_pressed_several_times_at_once(tmp_path: Path) -> None:
    with at_addresses(tmp_path, "dumb") as child:
        child.send("\r\r")
        child.expect_exact(f", {fields.section_title('training')}: ")
        child.expect(GO_ON)


@pytest.mark.parametrize(("term", "key"), [("dumb", "c"), ("xterm", "d")])
def test_leaving_keeps_the_answers_and_the_next_ask_continues(
    tmp_path: Path, term: str, key: str
) -> None:
    with terminal(tmp_path, "--target", "sandbox", "--clock", "instant", TERM=term) as child:
        child.expect(GO_ON)
        child.sendline("")
        child.expect("Prefix:")
        child.sendline("kept07")
        child.expect("rg-kept07")
        child.expect(GO_ON)
        child.sendcontrol(key)
        child.expect("answers are kept")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 130
    with terminal(tmp_path, "--target", "sandbox", "--clock", "instant", TERM=term) as child:
        child.expect("Continue")
        child.expect("kept07")
        child.expect(":" if term == "dumb" else "a new session")
        child.sendline("")
        child.expect(GO_ON)
        child.sendline("")
        child.expect("rg-kept07")


def test_ctrl_d_leaves_a_menu_too_and_what_was_not_answered_is_not_kept(tmp_path: Path) -> None:
    with terminal(tmp_path) as child:
        child.expect("arrow keys")
        child.sendcontrol("d")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 130
        assert not {"Traceback", "kept"} & set(existing(child.before).split())


@pytest.mark.parametrize("arguments", [("--plain",), ()])
def test_without_a_terminal_it_reads_plain_lines(
    command: Command, arguments: tuple[str, ...]
) -> None:
    ran = command("ask", "--target", "sandbox", "--clock", "instant", *arguments)
    assert ran.code == 130 and ", Sign-in: " in ran.out and "\x1b" not in ran.out
    assert "Traceback" not in ran.err


def test_a_recipe_that_is_not_there_is_invalid_input(command: Command) -> None:
    ran = command("ask", "--recipe", "no/such.yaml")
    assert ran.code == 2 and "no/such.yaml" in ran.err


def test_a_file_is_overwritten_only_if_that_is_asked_for(command: Command, tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.yaml", tmp_path / "theirs.yaml"
    mine.write_text((RECIPES / "quickstart.yaml").read_text())
    theirs.write_text("names: {}\n")
    ran = command("ask", "--recipe", str(mine), "-o", str(theirs))
    assert ran.code == 2 and ran.out == "", "before the first question"
    assert ran.err.split("\n")[0] == f"{theirs} exists already." and "--force" in ran.err
    assert theirs.read_text() == "names: {}\n"
    asked = command("ask", "--recipe", str(mine), "-o", str(theirs), "--force")
    (tmp_path / "other").mkdir()
    same = command("ask", "--recipe", str(mine), "-o", f"{tmp_path}/other/../mine.yaml")
    assert asked.code == same.code == 130 and "Build on" in asked.out and "Build on" in same.out


def test_a_folder_is_never_made_for_the_recipe(command: Command, tmp_path: Path) -> None:
    ran = command("ask", "-o", str(tmp_path / "new" / "mine.yaml"))
    assert ran.code == 2 and ran.out == ""
    assert f"There is no folder {tmp_path / 'new'}." in ran.err


def test_the_file_of_a_recipe_is_asked_for_until_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    to_the_end = "\n" * (SECTIONS + 1)  # and one fix that is declined
    person, __ = plain(f"{to_the_end}new/mine.yaml\n.\nmine.yaml\nn\n")
    session = Session(DraftStore(tmp_path), from_file(RECIPES / "quickstart.yaml"))
    session.draft.detach()
    assert Ask(options(), session, person, cast(Application, Azure())).through() == 0
    assert "There is no folder new." in capsys.readouterr().out
    assert not (tmp_path / "new").exists() and load(tmp_path / "mine.yaml")


def options() -> AskOptions:
    return AskOptions(
        target="sandbox", clock="real", speed=60, approve=None, capture=None, recipe=None,
        output=None, force=False, plain=True,
    )  # fmt: skip


class Azure(FakeBackend):
    """A target at which a person agrees to every sign-in."""

    @contextmanager
    def using(self, target: str, cancel: CancelEvent | None = None) -> Iterator[Any]:
        yield SimpleNamespace(approved_by="")


def test_the_last_question_says_where_and_what_it_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    person, asked = plain("\n" * 40)
    session = Session(DraftStore(tmp_path), from_file(RECIPES / "quickstart.yaml"))
    session.draft.detach()
    given = replace(options(), target="azure")
    azure = cast(Application, Azure())
    assert Ask(given, session, person, azure).through() == 0
    told = capsys.readouterr().out
    assert "About 16 USD a day" in told and "Not counted: traffic" in told
    where = f"in the subscription Subscription ({SUBSCRIPTION}), in the region westeurope."
    assert told.index("About 16 USD") < told.index(where) < told.index("Nothing was built.")
    assert asked.getvalue().endswith("Start now on azure? [y/N]: ")
