"""Identity beyond the first minute: every token is proved at the sign-in, and what is refused later
is named, asked for once where a person can be asked, and gone on from."""

from __future__ import annotations

import http.server
import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as CancelEvent
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from support import PATIENCE, RECIPES, Asked, Ran, Sandbox, existing, recipe_of, replaying, running
from support.breadth import crossed, narrowed

from amlwizard.cloud import Cloud, from_description
from amlwizard.cloud.entra_codes import MEANINGS, reason
from amlwizard.errors import AmlwizardError, SignInError
from amlwizard.recipe import SignIn
from amlwizard.steps import steps_for

pytestmark = pytest.mark.xdist_group("identity")

QUICKSTART = str(RECIPES / "quickstart.yaml")
TOKENS = "POST .*/oauth2/v2.0/token"
DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"
CLIENT, SECRET = str(uuid4()), "the client's secret"


@pytest.fixture(scope="module")
def module_place() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as one:
        one.control("plant", {"principal": {"client_id": CLIENT, "secret": SECRET}})
        yield one


@pytest.fixture
def place(module_place: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox, whole again for every test, and a machine on which nobody is signed in."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "ACTIONS_", "BROWSER")):
            monkeypatch.delenv(name)
    person = module_place.state["person"]
    yield module_place
    module_place.clear()
    module_place.change(person=person)
    for what, seconds in (("code-life", 900), ("token-life", 3600)):
        module_place.control(what, {"seconds": seconds})
    module_place.control("approval", {"approve": True})


def refused(code: int, words: str = "Refused.", error: str = "invalid_grant") -> dict[str, object]:
    """Entra's answer."""
    return {
        "error": error,
        "error_description": f"AADSTS{code}: {words}\r\nTrace ID: {uuid4()}",
        "error_codes": [code],
    }


def unattended(place: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setenv("AZURE_TENANT_ID", place.description["tenant"])
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    return Cloud(from_description(place.file))


@dataclass
class AskedByAll(Asked):
    """Signs in once every request was challenged: one that is sent again early would take the
    challenge that was meant for another."""

    place: Sandbox | None = None
    challenged: int = 0

    def __call__(self, url: str, user_code: str, expires_at: float) -> None:
        while self.place and self.place.calls.count("GET /subscriptions") < self.challenged:
            time.sleep(0.02)
        super().__call__(url, user_code, expires_at)


def attended(place: Sandbox, asked: Asked, login: str | None = None) -> Cloud:
    cloud = Cloud(from_description(place.file), attended=True, played=True)
    cloud.sign_in(SignIn.model_validate({"login": login}), asked, CancelEvent())
    return cloud


def failure(call: Callable[[], object]) -> SignInError:
    with pytest.raises(AmlwizardError) as caught:
        call()
    assert isinstance(caught.value, SignInError), repr(caught.value)
    return caught.value


# -- what is proved at the sign-in


def test_the_tokens_that_a_recipe_needs_follow_from_its_steps() -> None:
    steps = steps_for(recipe_of("quickstart"))
    assert steps[0].id == "sign-in"
    assert {a for s in steps for a in s.audiences} == {"databricks", "ml"}


@pytest.mark.parametrize("service", [DATABRICKS, "ml.azure.com"])
def test_a_token_that_is_needed_much_later_is_refused_at_the_sign_in(
    place: Sandbox, command: Callable[..., Ran], service: str
) -> None:
    place.fault(TOKENS, holds=service, status=400, body=refused(53003))
    ran = command(
        "replay", QUICKSTART, "--target", "sandbox", "--approve", "--json", **place.environment
    )
    assert ran.code == 3
    said = ran.final("sign-in")
    assert said["outcome"] == "failed" and said["code"] == "AADSTS53003"
    assert "Azure Databricks" in said["what"] or "Machine Learning" in said["what"]
    assert "browser" in said["fix"] and "azure-cli" in said["fix"]
    assert {o for step, o in ran.outcomes.items() if step != "sign-in"} == {"blocked"}


def test_a_service_that_the_tenant_does_not_know_yet_stops_nothing(
    place: Sandbox, command: Callable[..., Ran]
) -> None:
    """The registration of its provider brings it in, which is a step that follows."""
    place.fault(
        TOKENS, holds=DATABRICKS, status=400, body=refused(500011, error="invalid_resource")
    )
    ran = command(
        "replay", QUICKSTART, "--target", "sandbox", "--approve", "--until", "sign-in", "--json",
        **place.environment,
    )  # fmt: skip
    assert ran.code == 0


def test_what_is_only_torn_down_needs_no_other_token(
    place: Sandbox, command: Callable[..., Ran]
) -> None:
    place.fault(TOKENS, holds=DATABRICKS, status=400, body=refused(53003))
    ran = command(
        "destroy", QUICKSTART, "--target", "sandbox", "--approve", "--yes", "--json",
        **place.environment,
    )  # fmt: skip
    assert ran.code == 0, ran.out


# -- what is refused later

# Which codes Entra answers with, by what has happened meanwhile.
LATER = {
    700024: "expired",
    50173: "revoked",
    70043: "frequency",
    700082: "expired",
    50078: "multi-factor authentication",
    50079: "multi-factor authentication",
    50076: "multi-factor authentication",
}


@pytest.mark.parametrize(("code", "client"), crossed(LATER, ["arm", "databricks", "ml"]))
def test_a_refusal_in_the_middle_is_named(
    place: Sandbox, code: int, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.control("token-life", {"seconds": 60})  # too little to be used a second time
    cloud = unattended(place, monkeypatch)
    cloud.sign_in(SignIn(), Asked(), CancelEvent())
    place.fault(TOKENS, status=401, body=refused(code))
    workspace = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    )
    host = place.description["arm"].removeprefix("https://")
    calls: dict[str, Callable[[], object]] = {
        "arm": lambda: cloud.arm.subscriptions(),
        "databricks": lambda: cloud.databricks(host).find_cluster("c"),
        "ml": lambda: cloud.ml(workspace).keys("e"),
    }
    said = failure(calls[client])
    assert said.code == f"AADSTS{code}" and said.code in said.what
    assert LATER[code] in said.why and said.fix and said.exit_code == 3
    assert "did not foresee" not in str(said)


def test_a_run_whose_sign_in_ends_goes_on_with_the_next(place: Sandbox, tmp_path: Path) -> None:
    """Through the command: exit code 3 and the cause, then from there."""
    more = {
        "AMLWIZARD_HOME": str(tmp_path / "home"),
        "AZURE_TENANT_ID": place.description["tenant"],
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_SECRET": SECRET,
        **place.environment,
    }
    asked = (
        QUICKSTART, "--target", "sandbox", "--until", "provision", "--set",
        "sign_in.login=environment",
    )  # fmt: skip
    place.control("token-life", {"seconds": 60})  # too little to be used a second time
    with replaying(*asked, **more) as run:
        run.until("step-finished", "resource-group")
        place.fault(TOKENS, status=401, body=refused(700024))
        ran = run.end()
    assert ran.code == 3
    failed = [e for e in ran.of("step-finished") if e["outcome"] == "failed"]
    assert failed and {e["code"] for e in failed} == {"AADSTS700024"}
    assert all("AADSTS700024" in e["what"] and e["fix"] for e in failed)
    place.clear()
    place.control("token-life", {"seconds": 3600})
    with replaying(*asked, **more) as run:
        ran = run.end()
    assert ran.code == 0, ran.err
    assert ran.outcomes["resource-group"] == "kept"


CHALLENGE = {
    "WWW-Authenticate": 'Bearer authorization_uri="https://login.example/", error="insufficient_claims",'
    ' claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzAwMDAwMDAwIn19fQ=="'
}


def test_a_challenge_asks_one_person_once_and_the_requests_go_on(place: Sandbox) -> None:
    asked = AskedByAll(place=place)
    cloud = attended(place, asked)
    eight = threading.Barrier(8)
    place.fault("GET /subscriptions", status=401, headers=CHALLENGE, times=8)
    asked.challenged = place.calls.count("GET /subscriptions") + 8

    def call() -> int:
        eight.wait()
        return len(cloud.arm.subscriptions())

    # The account's refresh token does not answer what was challenged.
    place.control("state", {"person": {"oid": str(uuid4())}})
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: call(), range(8))) == [1] * 8
    assert len(asked.codes) == 2


@dataclass
class Held(Asked):
    """A prompt that stays open until `go_on` is set."""

    open: CancelEvent = field(default_factory=CancelEvent)
    go_on: CancelEvent = field(default_factory=CancelEvent)

    def __call__(self, url: str, user_code: str, expires_at: float) -> None:
        self.open.set()
        assert self.go_on.wait(PATIENCE)
        super().__call__(url, user_code, expires_at)


def test_an_open_prompt_blocks_no_request_whose_token_is_valid(place: Sandbox) -> None:
    held = Held()
    held.go_on.set()
    cloud = attended(place, held)
    held.open.clear()
    held.go_on.clear()
    place.control("state", {"person": {"oid": str(uuid4())}})
    place.fault("GET /subscriptions", status=401, headers=CHALLENGE, times=1)
    with ThreadPoolExecutor(2) as pool:
        challenged = pool.submit(lambda: len(cloud.arm.subscriptions()))
        assert held.open.wait(PATIENCE)
        assert pool.submit(lambda: len(cloud.arm.subscriptions())).result(PATIENCE) == 1
        held.go_on.set()
        assert challenged.result(PATIENCE) == 1


def test_a_prompt_that_came_to_nothing_is_not_repeated_for_every_thread(place: Sandbox) -> None:
    asked = Asked()
    place.control("token-life", {"seconds": 60})
    cloud = attended(place, asked)
    place.control("token-life", {"seconds": 3600})
    place.control("state", {"person": {"oid": str(uuid4())}})
    place.control("approval", {"approve": False})
    place.control("code-life", {"seconds": 1})
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda _: failure(cloud.arm.subscriptions), range(6)))
    assert {s.code for s in said} == {"AADSTS70019"} and len(asked.codes) == 2
    # The next run asks anew.
    place.control("approval", {"approve": True})
    place.control("code-life", {"seconds": 900})
    cloud.sign_in(SignIn(), asked, CancelEvent())
    assert cloud.arm.subscriptions() and len(asked.codes) == 3


def test_a_service_that_takes_our_token_no_more_is_a_matter_of_signing_in(place: Sandbox) -> None:
    cloud = attended(place, Asked())
    body = {"error": {"code": "InvalidAuthenticationToken", "message": "The token was revoked."}}
    place.fault("GET /subscriptions/.*", status=401, body=body)
    said = failure(lambda: cloud.arm.registrations(["Microsoft.Network"]))
    assert said.code == "InvalidAuthenticationToken" and "sign in again" in said.fix
    host = place.description["arm"].removeprefix("https://")
    place.fault("GET /api/.*", status=401, body={"error_code": "401", "message": "no"})
    said = failure(lambda: cloud.databricks(host).find_cluster("c"))
    assert "Databricks" in said.what and "sign in again" in said.fix


# -- the codes, told apart

WRONG_TENANT = {90002, 50020, 50034, 500011, 51004, 90072, 900023, 90038}
BLOCKED = {53003, 530003, 530035, 53000, 53001, 53002, 50097, 530036, 530032}
OTHERS = {50105, 65001, 50126, 700016, 7000215, 7000222, 700213, 70021}
CODES = sorted(WRONG_TENANT | BLOCKED | OTHERS)
ANSWERED = narrowed(CODES, 90002, 500011, 53003, 530036, 65001, 70021, 7000215)
"""Of each kind some, codes that begin as another does among them; all are looked up below."""


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_the_advice_of_its_kind(code: int) -> None:
    why, fix = reason(code, "device-code", "What Entra says.")
    assert why == MEANINGS[code].why and "What Entra says" not in why
    assert ("sign_in.tenant" in fix) == (code in WRONG_TENANT)
    assert ("sign_in.login: browser" in fix) == (code in BLOCKED)
    assert fix.strip()


@pytest.mark.parametrize("code", ANSWERED)
def test_every_code_is_told_apart(place: Sandbox, code: int) -> None:
    place.fault(TOKENS, status=400, body=refused(code, "What Entra says."))
    said = failure(lambda: attended(place, Asked()))
    assert said.code == f"AADSTS{code}" and said.code in said.what
    assert "What Entra says" not in said.why and said.why == MEANINGS[code].why
    assert ("sign_in.tenant" in said.fix) == (code in WRONG_TENANT)
    assert ("sign_in.login: browser" in said.fix) == (code in BLOCKED)
    assert said.fix.strip()


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ("09:40:00", "not valid yet: a clock is 20 minutes ahead"),
        ("10:06:00", "has expired"),
        ("13:05:00", "expired 180 minutes ago"),
    ],
)
def test_a_proof_out_of_its_time_tells_of_the_clock(place: Sandbox, now: str, why: str) -> None:
    """In Entra's words, as Microsoft's pages on the code quote them."""
    said = (
        f"Client assertion is not within its valid time range. Current time: 2026-11-27T{now}.0829840Z, "
        "assertion valid from 2026-11-27T10:00:00.0000000Z, expiry time of assertion "
        "2026-11-27T10:05:00.0000000Z."
    )
    place.fault(TOKENS, status=401, body=refused(700024, said))
    found = failure(lambda: attended(place, Asked()))
    assert found.code == "AADSTS700024" and why in found.why
    assert ("timedatectl" in found.fix) == ("clock" in found.why)


def test_a_code_that_nobody_knows_is_shown_with_entras_words(place: Sandbox) -> None:
    place.fault(TOKENS, status=400, body=refused(999123, "Something new."))
    said = failure(lambda: attended(place, Asked()))
    assert "Something new" in said.why and "code=999123" in said.fix
    assert "sign_in.tenant" not in said.fix


def test_one_code_is_not_taken_for_another_that_begins_with_it(place: Sandbox) -> None:
    for code in (70002, 700024, 7000222):
        place.clear()
        place.fault(TOKENS, status=400, body=refused(code))
        assert failure(lambda: attended(place, Asked())).code == f"AADSTS{code}"


def test_a_device_code_that_the_browser_refuses_only_stays_pending(place: Sandbox) -> None:
    place.control("approval", {"approve": False})
    place.control("code-life", {"seconds": 1})
    said = failure(lambda: attended(place, Asked()))
    assert said.code == "AADSTS70019"
    assert "pending" in said.fix and "sign_in.login: browser" in said.fix


def test_the_table_has_no_empty_advice() -> None:
    for code in MEANINGS:
        for login in ("device-code", "browser", "azure-cli", "environment", "workload-identity"):
            why, fix = reason(code, login, "")
            assert why.endswith(".") and fix.strip().endswith((".", "AZURE_CLIENT_SECRET")), code


# -- GitHub's token, fresh for every request


class GitHub(http.server.BaseHTTPRequestHandler):
    """The endpoint that a job of GitHub Actions gets its tokens from."""

    given: list[str]
    place: Sandbox

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if self.headers["authorization"] != "Bearer the-jobs-own-token":
            self.send_error(401)
            return
        assert asked["audience"] == ["api://AzureADTokenExchange"] and asked["job"] == ["7"]
        # Each is good for one use: five minutes, in a world without time.
        token = f"assertion-{uuid4()}"
        self.given.append(token)
        self.place.control("plant", {"principal": {"client_id": CLIENT, "assertion": token}})
        body = json.dumps({"value": token}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def github(place: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A job of GitHub Actions; the tokens that it was given."""
    given: list[str] = []
    handler = type("Handler", (GitHub,), {"given": given, "place": place})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/token?job=7"
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", address)
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the-jobs-own-token")
        monkeypatch.setenv("AZURE_TENANT_ID", place.description["tenant"])
        monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
        yield given
        server.shutdown()
    place.control("plant", {"principal": {"client_id": CLIENT, "secret": SECRET}})


@pytest.mark.parametrize("login", ["workload-identity", None])
def test_on_github_every_token_has_an_assertion_of_its_own(
    place: Sandbox, github: list[str], login: str | None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    stale = tmp_path / "token"
    stale.write_text("the assertion of ten minutes ago")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(stale))
    cloud = Cloud(from_description(place.file))
    cloud.sign_in(
        SignIn.model_validate({"login": login}), Asked(), CancelEvent(), ("arm", "databricks", "ml")
    )
    assert cloud.login == "workload-identity" and len(github) == len(set(github)) == 3
    existing(cloud._session)._kept.clear()
    existing(cloud._session)._inner._client._cache._cache.clear()  # an hour later
    assert cloud.access_token("databricks").reveal() and len(github) == 4


def test_where_github_gives_none_it_is_said(
    place: Sandbox, github: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "another-jobs-token")
    cloud = Cloud(from_description(place.file))
    said = failure(lambda: cloud.sign_in(SignIn(login="workload-identity"), Asked(), CancelEvent()))
    assert "GitHub" in said.what and "401" in said.why and "id-token: write" in said.fix


# -- by a browser

PERSON = """
import re, ssl, sys, urllib.parse, urllib.request
url, ca, answer = sys.argv[1:]
trusted = ssl.create_default_context(cafile=ca)
direct = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
page = direct.open(url).read().decode()
if 'value="approve"' in page:
    data = urllib.parse.urlencode({"answer": answer}).encode()
    page = direct.open(urllib.request.Request(url, data)).read().decode()
to = re.search('action="([^"]+)"', page)[1].replace("&amp;", "&")
import html
fields = {n: html.unescape(v) for n, v in re.findall('name="([^"]+)" value="([^"]*)"', page)}
direct.open(urllib.request.Request(to, urllib.parse.urlencode(fields).encode()))
"""


@pytest.fixture
def browser(
    place: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Makes a program the browser of this machine, behind which a person sits."""
    import webbrowser

    def person(answer: str) -> None:
        file = tmp_path / "person.py"
        file.write_text(PERSON)
        program = shlex.join([sys.executable, str(file), "%s", place.description["ca"], answer])
        monkeypatch.setenv("BROWSER", f"{program} &")
        monkeypatch.setattr(webbrowser, "_tryorder", None)

    return person


def by_browser(place: Sandbox, asked: Asked) -> Cloud:
    cloud = Cloud(from_description(place.file), attended=True)
    cloud.sign_in(SignIn(login="browser"), asked, CancelEvent(), ("arm", "databricks", "ml"))
    return cloud


def test_a_browser_signs_in(place: Sandbox, browser: Callable[[str], None]) -> None:
    browser("approve")
    place.control("approval", {"approve": False})
    asked = Asked()
    cloud = by_browser(place, asked)
    assert cloud.login == "browser" and cloud.arm.subscriptions()
    assert asked.codes == [""], "an address was shown, and no code"
    existing(cloud._session)._kept.clear()
    assert cloud.access_token("ml").reveal() and len(asked.codes) == 1, "refreshed silently"


def test_a_person_who_declines_in_the_browser(
    place: Sandbox, browser: Callable[[str], None]
) -> None:
    browser("decline")
    place.control("approval", {"approve": False})
    said = failure(lambda: by_browser(place, Asked()))
    assert said.code == "AADSTS65004" and "consent" in said.why


def test_where_no_browser_can_be_opened_it_is_said(
    place: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    import webbrowser

    monkeypatch.setattr(webbrowser, "_tryorder", [])
    said = failure(lambda: by_browser(place, Asked()))
    assert "No browser" in said.what and "device-code" in said.fix and "azure-cli" in said.fix


def test_the_wait_for_a_browser_ends_with_the_run(place: Sandbox) -> None:
    from amlwizard.errors import OperationCancelledError

    cancel = CancelEvent()

    class Cancelling(Asked):
        def __call__(self, url: str, user_code: str, expires_at: float) -> None:
            cancel.set()

    place.control("approval", {"approve": False})
    cloud = Cloud(from_description(place.file), attended=True, played=True)
    with pytest.raises(OperationCancelledError):
        cloud.sign_in(SignIn(login="browser"), Cancelling(), cancel)


def test_the_sandbox_plays_the_person_at_the_browser_too(
    place: Sandbox, command: Callable[..., Ran]
) -> None:
    place.control("approval", {"approve": False})
    ran = command(
        "replay", QUICKSTART, "--target", "sandbox", "--approve", "--until", "sign-in", "--json",
        "--set", "sign_in.login=browser", **place.environment,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert (
        "signed in as engineer@sandbox.example" in ran.err
        and "code_verifier" not in ran.out + ran.err
    )


def test_a_code_is_redeemed_by_who_asked_for_it_alone(place: Sandbox) -> None:
    """The judge is MSAL: it asks as Entra's public clients do, and we spoil its proof."""
    import msal
    import requests

    d = place.description
    http = requests.Session()
    http.verify, http.trust_env = d["ca"], False
    app = msal.PublicClientApplication(
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        authority=f"{d['authority']}/{d['tenant']}",
        http_client=http,
        instance_discovery=False,
    )
    scopes = ["https://management.azure.com/.default"]
    for spoil, code in (("", None), ("x", 501481)):
        flow = app.initiate_auth_code_flow(
            scopes, redirect_uri="http://localhost:8400", response_mode="form_post"
        )
        page = http.get(flow["auth_uri"]).text
        import html
        import re

        answer = {
            name: html.unescape(value)
            for name, value in re.findall('name="([^"]+)" value="([^"]*)"', page)
        }
        flow["code_verifier"] += spoil
        result = app.acquire_token_by_auth_code_flow(flow, answer)
        assert ("access_token" in result) == (code is None)
        assert code is None or code in result["error_codes"]
