"""The page where a person agrees to a sign-in of the sandbox: by its address, which its owner alone is
told, and not by a page of others."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import httpx
import pytest
from azure.identity import DeviceCodeCredential
from support import PATIENCE, Sandbox, running

from amlwizard.cli.commands.sandbox import environment

SCOPE = "https://management.azure.com/.default"


@pytest.fixture(scope="module")
def there() -> Iterator[Sandbox]:
    with running("--clock", "instant") as sandbox:
        yield sandbox


@pytest.fixture
def browser(there: Sandbox) -> Iterator[httpx.Client]:
    trust = ssl.create_default_context(cafile=there.description["ca"])
    with httpx.Client(verify=trust, trust_env=False, timeout=PATIENCE) as client:
        yield client


class Device:
    """A sign-in under way by Azure's own library: what it shows, and how it ended."""

    def __init__(self, there: Sandbox) -> None:
        self.page, self.code, self.ended = "", "", ""
        self._credential = DeviceCodeCredential(
            authority=there.description["authority"],
            tenant_id=there.description["tenant"],
            disable_instance_discovery=True,
            prompt_callback=self._shown,
            connection_verify=there.description["ca"],
        )
        self._answer: Callable[[Device], object] = lambda _: None

    def _shown(self, page: str, code: str, _: object) -> None:
        self.page, self.code = page, code
        self._answer(self)

    def sign_in(self, answer: Callable[[Device], object]) -> None:
        """`answer` is what the person does once page and code are shown."""
        self._answer = answer

        def ask() -> None:
            try:
                self.ended = "signed in" if self._credential.get_token(SCOPE).token else ""
            except Exception as error:  # noqa: BLE001 - judged by the test
                self.ended = str(error)

        thread = Thread(target=ask)
        thread.start()
        thread.join()


def form(device: Device, answer: str = "approve") -> dict[str, Any]:
    return {"data": {"code": device.code, "answer": answer}}


@pytest.mark.parametrize(
    ("answer", "ended"), [("approve", "signed in"), ("decline", "AADSTS70020")]
)
def test_who_opens_the_address_that_is_shown_answers(
    there: Sandbox, browser: httpx.Client, answer: str, ended: str
) -> None:
    device = Device(there)

    def person(shown: Device) -> None:
        assert "Sign in to the sandbox" in browser.get(shown.page).text
        said = browser.post(
            shown.page, **form(shown, answer),
            headers={"Origin": there.description["arm"], "Sec-Fetch-Site": "same-origin"},
        )  # fmt: skip
        assert said.status_code == 200 and "You have" in said.text

    device.sign_in(person)
    assert ended in device.ended
    assert len(device.page) <= 53, "a QR code of version 3 has room for no more"


def test_without_the_address_nobody_answers(there: Sandbox, browser: httpx.Client) -> None:
    def person(shown: Device) -> None:
        plain = f"{there.description['arm']}/device"
        for page in (plain, f"{plain}/guessed"):
            assert browser.get(page).status_code == 404
            assert browser.post(page, **form(shown)).status_code == 404
        there.control("approve", {"user_code": shown.code, "state": "declined"})

    device = Device(there)
    device.sign_in(person)
    assert "AADSTS70020" in device.ended, "what ended it is the owner's word"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
    ids=str,
)  # fmt: skip
def test_a_form_of_another_page_does_not_answer(
    there: Sandbox, browser: httpx.Client, headers: dict[str, str]
) -> None:
    def person(shown: Device) -> None:
        assert browser.post(shown.page, **form(shown), headers=headers).status_code == 403
        there.control("approve", {"user_code": shown.code, "state": "declined"})

    device = Device(there)
    device.sign_in(person)
    assert "AADSTS70020" in device.ended


def test_a_form_of_another_page_signs_nobody_in_by_browser(
    there: Sandbox, browser: httpx.Client
) -> None:
    asked = {
        "client_id": "x", "response_type": "code", "response_mode": "form_post", "state": "x",
        "redirect_uri": "http://localhost:9", "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }  # fmt: skip
    page = f"{there.description['arm']}/organizations/oauth2/v2.0/authorize"
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answers = [
        browser.post(page, params=asked, data={"answer": "approve"}, headers=headers)
        for headers in (evil, {"Origin": there.description["arm"]})
    ]
    assert [answer.status_code for answer in answers] == [403, 200]
    assert ['name="code"' in answer.text for answer in answers] == [False, True]
    assert (
        "frame-ancestors 'none'"
        in browser.get(page, params=asked).headers["content-security-policy"]
    )


def test_no_page_shows_it_in_a_frame_or_hears_its_address(
    there: Sandbox, browser: httpx.Client
) -> None:
    for page in (there.description["sign_in_page"], f"{there.description['arm']}/device"):
        headers = browser.get(page).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/device/x", "/metadata/endpoints", "/_sandbox/requests", "/x"])
def test_a_sign_in_page_answers_to_no_other_host_name(
    browser: httpx.Client, there: Sandbox, path: str
) -> None:
    """As a page of others would ask whose name was made to mean this machine."""
    for name in ("evil.example", "evil.example:443", "[::1", ""):
        answer = browser.get(there.description["arm"] + path, headers={"Host": name})
        assert answer.status_code in (400, 421), name
    port = there.description["arm"].rpartition(":")[2]
    assert browser.get(f"https://localhost:{port}{path}").status_code not in (400, 421)


def test_the_command_prints_the_address(there: Sandbox) -> None:
    assert f"# Sign-in page: {there.description['sign_in_page']}\n" in environment(
        there.description
    )
