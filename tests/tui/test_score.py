"""The Score page: a request that is checked as it is typed, and what the endpoint answers."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from support import PATIENCE, RECIPES
from support.tui_support import FakeBackend, at_page, page_of, recorded, until
from textual.widgets import OptionList, Static, TextArea

from amlwizard.errors import CloudError
from amlwizard.json_types import JsonObject, JsonValue
from amlwizard.payloads import ScoringResponse
from amlwizard.recipe import Recipe
from amlwizard.rules.scoring_request import DIABETES, rows_of
from amlwizard.tui.pages.score import ScorePage, of_run

CURL = "curl -X POST http://x/score -H 'Authorization: Bearer ***' -d '{}'"


class Endpoint(FakeBackend):
    """Answers with what it was given; holds back until `open` is set."""

    def __init__(self, answer: ScoringResponse | CloudError) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[JsonObject] = []
        self.open, self.answered = threading.Event(), threading.Event()
        self.open.set()

    def score(
        self, recipe: Recipe, run: str, request: JsonObject, cancel: threading.Event
    ) -> ScoringResponse:
        self.requests.append(request)
        while not self.open.wait(0.01):
            pass
        self.answered.set()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def good() -> ScoringResponse:
    return ScoringResponse({}, 200, [235.1139, 246.8008, 163.6854], 0.012, CURL)


def text(page: ScorePage, selector: str) -> str:
    return str(page.query_one(selector, Static).content)


def sent(page: ScorePage) -> list[str]:
    options = page.query_one("#history", OptionList)
    return [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_score_page_begins_with_the_request_of_the_run(size: tuple[int, int]) -> None:
    app = at_page("score", recorded())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        page = page_of(app, ScorePage)
        request = json.loads(page.query_one(TextArea).text)
        assert len(rows_of(request, DIABETES)) == 3
        answered = text(page, "#answered")
        assert answered.startswith("200") and "235.114" in answered and "163.685" in answered
        assert "Bearer $KEY" in text(page, "#curl") and len(sent(page)) == 1
        assert "3 rows, as the model takes them" in text(page, "#checked")
        for part in page.query("#request, #answer, #checked, #curl, #history"):
            assert page.region.contains_region(part.region) and part.region.height


async def test_a_request_is_sent_and_remembered() -> None:
    endpoint = Endpoint(good())
    app = at_page("score", recorded(), endpoint)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        page, editor = page_of(app, ScorePage), app.screen.query_one(TextArea)
        editor.load_text('{"input_data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}')
        await pilot.press("f5")
        await until(pilot, lambda: len(page.history) == 2)
        assert endpoint.requests == [{"input_data": [list(range(1, 11))]}]
        assert "0.012 s" in text(page, "#answered") and len(sent(page)) == 2
        assert sent(page)[0].startswith(" 2  200")
        page.query_one("#history").focus()
        await pilot.press("end", "enter")
        await pilot.pause()
        again = json.loads(editor.text)
        assert len(rows_of(again, DIABETES)) == 3, "the first request is taken up again"


async def test_json_is_checked_as_it_is_typed() -> None:
    endpoint = Endpoint(good())
    app = at_page("score", recorded(), endpoint)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        page, editor = page_of(app, ScorePage), app.screen.query_one(TextArea)
        editor.load_text("")
        editor.focus()
        await pilot.press(*'{"input_data": [[1, 2]')
        await pilot.pause()
        assert "Line 1, column" in text(page, "#checked")
        await pilot.press("f5")
        await pilot.pause()
        assert not page.sending and not endpoint.requests
        await pilot.press(*"]}")
        await until(pilot, lambda: "Row 1 has 2 values" in text(page, "#checked"))
        checked = text(page, "#checked")
        assert "the model takes 10" in checked and "will refuse" in checked


async def test_rows_alone_are_said_to_be_sent_with_their_columns() -> None:
    app = at_page("score", recorded(), Endpoint(good()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.screen.query_one(TextArea).load_text('{"data": [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]}')
        await pilot.pause()
        checked = text(page_of(app, ScorePage), "#checked")
        assert checked.startswith("✓ 1 row,") and "Sent as columns, index and data" in checked


async def test_a_csv_that_is_pasted_is_sent_as_the_model_takes_it() -> None:
    endpoint = Endpoint(good())
    app = at_page("score", recorded(), endpoint)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        row = ["1", "2.5", "3", "4", "5", "6", "7", "8", "9", "10"]
        text_ = "\n".join([",".join(DIABETES.columns), ",".join(row), ",".join(row)])
        app.screen.query_one(TextArea).load_text(text_)
        await pilot.pause()
        assert text(page_of(app, ScorePage), "#checked").startswith("✓ 2 rows, as the model")
        await pilot.press("f5")
        await until(pilot, lambda: endpoint.requests)
        assert len(rows_of(endpoint.requests[0], DIABETES)) == 2


async def test_an_answer_of_records_is_a_table() -> None:
    records: JsonValue = [{"score": 0.5, "label": "a"}, {"score": 0.25, "label": "b"}]
    app = at_page("score", recorded(), Endpoint(ScoringResponse({}, 200, records, 0.01, CURL)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("f5")
        await until(pilot, lambda: len(page_of(app, ScorePage).history) == 2)
        lines = text(page_of(app, ScorePage), "#answered").splitlines()
        assert [line.split() for line in lines[1:]] == [
            ["score", "label"], ["1", "0.500", "a"], ["2", "0.250", "b"]
        ]  # fmt: skip


async def test_a_column_more_is_no_refusal() -> None:
    app = at_page("score", recorded(), Endpoint(good()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        given = {"columns": [*DIABETES.columns, "odd"], "index": [0], "data": [[0.1] * 11]}
        app.screen.query_one(TextArea).load_text(json.dumps({"input_data": given}))
        await pilot.pause()
        checked = text(page_of(app, ScorePage), "#checked")
        assert checked.startswith("! ") and "odd" in checked and "will refuse" not in checked


async def test_an_answer_of_500_is_shown_with_what_the_container_wrote() -> None:
    wrote = "The container wrote: ValueError: Input contains NaN"
    answer = ScoringResponse({}, 500, {"message": "Check the logs."}, 0.01, CURL, "See it.", wrote)
    app = at_page("score", recorded(), Endpoint(answer))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("f5")
        await until(pilot, lambda: len(page_of(app, ScorePage).history) == 2)
        answered = text(page_of(app, ScorePage), "#answered")
        assert answered.startswith("500") and wrote in answered and "See it." in answered


async def test_an_answer_of_400_is_shown_with_what_to_do() -> None:
    body = {"message": "Request must contain a top level key named 'input_data'"}
    app = at_page(
        "score", recorded(), Endpoint(ScoringResponse({}, 400, body, 0.01, CURL, "Compare it."))
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("f5")
        await until(pilot, lambda: len(page_of(app, ScorePage).history) == 2)
        answered = text(page_of(app, ScorePage), "#answered")
        assert answered.startswith("400") and "input_data" in answered and "Compare it." in answered


async def test_no_answer_is_an_error_for_people() -> None:
    error = CloudError("The endpoint did not answer.", why="ConnectError", fix="Look at the NSG.")
    app = at_page("score", recorded(), Endpoint(error))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("f5")
        await until(pilot, lambda: len(page_of(app, ScorePage).history) == 2)
        answered = text(page_of(app, ScorePage), "#answered")
        assert all(part in answered for part in (error.what, error.why, error.fix))
        assert "no answer" in sent(page_of(app, ScorePage))[0]


async def test_waiting_can_be_stopped_and_holds_nothing_up() -> None:
    endpoint = Endpoint(good())
    endpoint.open.clear()
    app = at_page("score", recorded(), endpoint)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        page = page_of(app, ScorePage)
        await pilot.press("f5")
        await until(pilot, lambda: endpoint.requests)
        assert page.sending and "waiting" in text(page, "#answered")
        await pilot.press("f5")
        assert len(endpoint.requests) == 1, "one at a time"
        page.query_one("#history").focus()
        await pilot.press("escape")
        await pilot.pause()
        assert not page.sending
        endpoint.open.set()
        assert endpoint.answered.wait(PATIENCE)
        await pilot.pause()
        assert len(page.history) == 1, "what was stopped is not heard any more"


async def test_the_model_gives_a_request() -> None:
    app = at_page("score", recorded())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        editor = app.screen.query_one(TextArea)
        await pilot.press("f4")
        await pilot.pause()
        built = json.loads(editor.text)["input_data"]
        assert built["columns"][:3] == ["age", "sex", "bmi"] and len(built["data"]) == 3
        editor.load_text("nonsense")
        await pilot.press("f4")
        await pilot.pause()
        rows = json.loads(editor.text)["input_data"]["data"]
        assert len(rows) == 2, "of the input example"


async def test_the_lines_for_another_shell_are_copied_as_finish_shows_them() -> None:
    app = at_page("score", recorded())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("f6")
        key, curl = app.clipboard.splitlines()
        recipe = RECIPES.relative_to(Path.cwd()) / "quickstart.yaml"
        assert key == f"KEY=$(amlwizard key {recipe} --target sandbox)"
        assert curl.startswith("curl -X POST http") and "input_data" in curl
        assert app.next_steps[-1].commands == (key, curl)


async def test_before_there_is_a_deployment_nothing_is_sent() -> None:
    endpoint = Endpoint(good())
    app = at_page("score", recorded(8), endpoint)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("f5")
        await pilot.pause()
        assert not endpoint.requests and "No request has been sent yet" in text(
            page_of(app, ScorePage), "#answered"
        )
        assert "input_data" in app.screen.query_one(TextArea).text


def test_the_request_of_a_run_that_has_not_come_so_far() -> None:
    assert of_run(recorded(8)) is None
