"""Scoring requests: retried until the endpoint is up; which responses come from the model."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from support import Asked, logged, recipe_of

from amlwizard.cloud.profile import azure_public
from amlwizard.cloud.scoring import SERVED, score
from amlwizard.cloud_port import EndpointAnswer
from amlwizard.errors import CloudError, OperationCancelledError
from amlwizard.plan import Context
from amlwizard.plan.outputs import TRAIN, Outputs, TrainingOutput
from amlwizard.secret import Secret
from amlwizard.steps.asking import send

GOOD = (200, {"content-type": "application/json", SERVED: "False"}, "[1.0]")
STARTING = (503, {"content-type": "text/plain"}, "no healthy upstream")
PAGE = (503, {"content-type": "text/html; charset=utf-8"}, "<html>Proxy</html>")
FAILED = (500, {"content-type": "application/json", SERVED: "True"}, '{"message": "See the logs."}')
FAILED_502 = (502, *FAILED[1:])
Script = tuple[int, dict[str, str], str]


class Endpoint(ThreadingHTTPServer):
    """Answers as it is told, the last answer for ever; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Script] = []
        self.asked: list[Any] = []

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/score"


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        answers = self.server.answers
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Cloud:
    """The scoring client is the real one; the workspace gives a key, and a log."""

    profile = dataclasses.replace(azure_public(), loopback_only=True, retry=0)

    def ml(self, workspace: str) -> Cloud:
        return self

    def keys(self, endpoint: str) -> Secret:
        return Secret("key")

    def last_exception(self, endpoint: str, deployment: str, since: float | None = None) -> str:
        return "ValueError: Input contains NaN"

    def score(
        self, uri: str, key: Secret, body: Any, at: Any = None, deployment: str = ""
    ) -> EndpointAnswer:
        return score(self.profile, uri, key, body, at)


def context(uri: str) -> Context:
    outputs = {
        TRAIN.id: TrainingOutput("run", "diabetes", {}, logged({"a": "double"})).to_json(),
        "traffic": {"scoring_uri": uri},
        "workspace": {"id": "ws"},
    }
    recipe = recipe_of("quickstart")
    cloud: Any = Cloud()  # as much of one as a scoring request needs
    return Context(recipe, cloud, Outputs(outputs), threading.Event(), Asked())


def asked(uri: str, patience: float = 600, say: Any = None) -> Any:
    said = say or (lambda message, payload=None: None)
    return send(context(uri), recipe_of("quickstart"), {"data": [[1]]}, said, patience)


def test_an_endpoint_is_asked_again_until_it_responds(endpoint: Endpoint) -> None:
    told: list[str] = []
    missing: Script = (404, {}, "Not Found")
    endpoint.answers = [missing, STARTING, (502, {}, ""), (504, {}, ""), PAGE, GOOD]
    answer = asked(endpoint.uri, say=lambda message, payload=None: told.append(message))
    assert (answer.status, answer.response) == (200, [1.0])
    assert len(endpoint.asked) == 6 and "404" in told[1] and "503" in told[2]
    table = {"columns": ["a"], "index": [0], "data": [[1]]}
    assert all(request == {"input_data": table} for request in endpoint.asked)


def test_no_request_is_one_that_is_built_and_told(endpoint: Endpoint) -> None:
    told: list[str] = []
    endpoint.answers = [GOOD]
    say = lambda message, payload=None: told.append(message)  # noqa: E731
    send(context(endpoint.uri), recipe_of("quickstart"), None, say, 0)
    table = {"columns": ["a"], "index": [0], "data": [[0.0]]}
    assert endpoint.asked == [{"input_data": table}]
    assert "no scoring.request is given" in told[0] and '"data"' in told[0]


def test_without_patience_its_word_is_taken(endpoint: Endpoint) -> None:
    endpoint.answers = [STARTING]
    answer = asked(endpoint.uri, patience=0)
    assert answer.status == 503 and "wait" in answer.fix and len(endpoint.asked) == 1


@pytest.mark.parametrize("failure", [FAILED, FAILED_502], ids=["500", "502"])
def test_what_the_model_answers_is_final_and_its_container_says_why(
    endpoint: Endpoint, failure: Script
) -> None:
    endpoint.answers = [failure]
    answer = asked(endpoint.uri)
    assert answer.status == failure[0] and len(endpoint.asked) == 1
    assert "ValueError: Input contains NaN" in answer.why and "signature" in answer.fix


def test_what_does_not_fit_is_final(endpoint: Endpoint) -> None:
    body = '{"message": "A value is not provided for the \'input_data\' parameter."}'
    endpoint.answers = [(400, {"content-type": "application/json"}, body)]
    answer = asked(endpoint.uri)
    assert answer.status == 400 and len(endpoint.asked) == 1 and "input_data" in answer.fix


@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_page_is_no_answer_of_an_endpoint(endpoint: Endpoint, status: int) -> None:
    endpoint.answers = [(status, *PAGE[1:])]
    with pytest.raises(CloudError) as error:
        asked(endpoint.uri, patience=0)
    assert "page" in error.value.what and "proxy" in error.value.fix.lower()


def test_nobody_there_is_asked_again_and_then_an_error(endpoint: Endpoint) -> None:
    with pytest.raises(CloudError) as error:
        asked("http://127.0.0.1:9/score", patience=0)
    assert error.value.code == "ConnectError"


def test_the_wait_ends_when_it_is_cancelled(endpoint: Endpoint) -> None:
    endpoint.answers = [STARTING]
    ctx = context(endpoint.uri)

    def say(message: str, payload: Any = None) -> None:
        if "503" in message:
            ctx.cancel.set()

    with pytest.raises(OperationCancelledError):
        send(ctx, recipe_of("quickstart"), {"data": [[1]]}, say, 600)
    assert len(endpoint.asked) == 1
