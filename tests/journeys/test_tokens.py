"""What is stored of a sign-in, and how tokens are refreshed."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event as CancelEvent
from uuid import uuid4

import pytest
from support import RECIPES, Asked, Sandbox, replaying, running

from amlwizard.cloud import Cloud, CloudProfile, from_description
from amlwizard.recipe import SignIn

pytestmark = pytest.mark.xdist_group("tokens")

QUICKSTART = str(RECIPES / "quickstart.yaml")
LIFE = 20
"""Seconds that a token lives: much longer than any is on its way."""


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    with running("--approve", "--clock", "instant") as sandbox:
        yield sandbox


def asked_for_two(profile: CloudProfile) -> Asked:
    """What the person is asked when two programs sign in, one after the other."""
    asked = Asked()
    for _ in range(2):
        Cloud(profile, attended=True).sign_in(SignIn(), asked, CancelEvent())
    return asked


# -- what is kept


def test_where_the_platform_does_not_encrypt_nothing_is_kept(
    place: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import msal_extensions

    def unusable(location: str) -> object:
        raise msal_extensions.persistence.PersistenceEncryptionError(message="no keyring")

    monkeypatch.setattr(msal_extensions, "build_encrypted_persistence", unusable)
    monkeypatch.setenv("HOME", str(tmp_path))
    profile = replace(from_description(place.file), accounts=tmp_path / "accounts")
    asked = asked_for_two(profile)
    assert len(asked.codes) == 2 and not list(tmp_path.rglob("*"))


def test_where_the_platform_encrypts_the_user_is_asked_once(
    place: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import msal_extensions

    keyring: dict[str, str] = {}

    class Keyring(msal_extensions.FilePersistence):
        """A platform's encrypted store, in so far as msal-extensions asks it."""

        is_encrypted = True

        def __init__(self, signal_location: str, *_: object, **__: object) -> None:
            super().__init__(signal_location)

        def save(self, content: str) -> None:
            keyring[self.get_location()] = content
            self.touch()

        def load(self) -> str:
            try:
                return keyring[self.get_location()]
            except KeyError:
                raise msal_extensions.persistence.PersistenceNotFound(location="") from None

    for module in (msal_extensions, msal_extensions.persistence):
        monkeypatch.setattr(module, "LibsecretPersistence", Keyring)
        monkeypatch.setattr(module, "KeychainPersistence", Keyring)
    monkeypatch.setenv("HOME", str(tmp_path))
    profile = replace(from_description(place.file), accounts=tmp_path / "accounts")
    asked = asked_for_two(profile)
    assert len(asked.codes) == 1 and keyring
    [record] = (tmp_path / "accounts").iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    for file in (f for f in tmp_path.rglob("*") if f.is_file()):
        for kept in keyring.values():
            for token in json.loads(kept)["RefreshToken"].values():
                assert token["secret"] not in file.read_text()


def test_the_sandbox_keeps_nobody(place: Sandbox) -> None:
    assert from_description(place.file).accounts is None


# -- what is refreshed


def test_tokens_are_refreshed_silently(sandbox: Callable[..., Sandbox]) -> None:
    one = sandbox("--clock", "instant")
    one.control("token-life", {"seconds": 60})  # too little to be used a second time
    asked = Asked()
    cloud = Cloud(from_description(one.file), attended=True)
    cloud.sign_in(SignIn(), asked, CancelEvent())
    before = tokens_asked(one)
    for _ in range(3):
        cloud.arm.subscriptions()
    assert tokens_asked(one) >= before + 3 and len(asked.codes) == 1


def tokens_asked(sandbox: Sandbox) -> int:
    calls = sandbox.control("requests", method="GET")["calls"]
    return sum("/oauth2/v2.0/token" in call for call in calls)


@pytest.mark.journey
def test_no_client_holds_a_token_over_time(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    """AKS and the cluster take longer to come about than any token lives."""
    one = sandbox("--clock", "instant")
    one.control("token-life", {"seconds": LIFE})
    one.hold("Microsoft.ContainerService")
    one.fault("GET /api/2.1/clusters/get", edit={"state": "PENDING"})
    around = {"AMLWIZARD_HOME": str(tmp_path), **one.environment}
    with replaying(QUICKSTART, "--target", "sandbox", "--until", "provision", **around) as run:
        begun = {"aks": 0.0, "databricks-cluster": 0.0}
        while not all(begun.values()):
            started = run.until("step-started")
            if started["step"] in begun:
                begun[started["step"]] = started["at"]
        time.sleep(max(0.0, max(begun.values()) + LIFE + 1 - time.time()))
        one.clear()
        ran = run.end()
    assert ran.code == 0, ran.err
    assert [e["kind"] for e in ran.events].count("login-needed") == 1
    assert tokens_asked(one) > 10


def test_a_grant_that_was_revoked_asks_one_person_once(sandbox: Callable[..., Sandbox]) -> None:
    one = sandbox("--clock", "instant")
    one.control("token-life", {"seconds": 60})  # too little to be used a second time
    asked = Asked()
    cloud = Cloud(from_description(one.file), attended=True)
    cloud.sign_in(SignIn(), asked, CancelEvent())
    one.control("token-life", {"seconds": 3600})
    one.control("state", {"person": {"oid": str(uuid4())}})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cloud.arm.subscriptions(), range(8)))
    assert len(asked.codes) == 2 and asked.accounts == ["engineer@sandbox.example"]
