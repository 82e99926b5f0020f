"""Signing in: every method, interactive or not; one sign-in for all services; how it fails."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as CancelEvent
from uuid import uuid4

import pytest
from support import RECIPES, Asked, Ran, Sandbox, running

from amlwizard.cloud import Cloud, from_description
from amlwizard.errors import OperationCancelledError, SignInError
from amlwizard.recipe import SignIn

pytestmark = pytest.mark.xdist_group("signin")

QUICKSTART = str(RECIPES / "quickstart.yaml")
SIGN_IN = ("replay", QUICKSTART, "--target", "sandbox", "--until", "sign-in", "--json")
CLIENT, SECRET, TOKEN, HEADER = str(uuid4()), "the client's secret", "the workload's token", "msi"


@pytest.fixture(scope="module")
def cloud_of() -> Iterator[Sandbox]:
    """A sandbox that agrees to every sign-in and knows a service principal."""
    with running("--approve", "--clock", "instant") as sandbox:
        principal = {"client_id": CLIENT, "secret": SECRET, "assertion": TOKEN}
        sandbox.control("plant", {"principal": principal, "identity_header": HEADER})
        yield sandbox


@pytest.fixture
def no_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine on which nobody is signed in."""
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return monkeypatch


def environment(sandbox: Sandbox) -> dict[str, str]:
    return {
        "AZURE_TENANT_ID": sandbox.description["tenant"],
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_SECRET": SECRET,
    }


def workload(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    given = {**environment(sandbox), "AZURE_FEDERATED_TOKEN_FILE": str(file)}
    del given["AZURE_CLIENT_SECRET"]
    return given


def managed(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    return {
        "IDENTITY_ENDPOINT": f"{sandbox.description['arm']}/msi/token",
        "IDENTITY_HEADER": HEADER,
    }


# By way of sh: no first line of a script may name a path with a space, which a checkout may be in.
AZ = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import json, ssl, sys, urllib.parse, urllib.request
if sys.argv[1:3] == ["cloud", "show"]:
    print(json.dumps({arm!r} + "/"))
    sys.exit()
assert sys.argv[1:3] == ["account", "get-access-token"]
given = dict(zip(sys.argv[3::2], sys.argv[4::2]))
form = dict(grant_type="client_credentials", client_id={client!r}, client_secret={secret!r},
            scope=given["--resource"] + "/.default")
answer = urllib.request.urlopen(
    {authority!r} + "/oauth2/v2.0/token", urllib.parse.urlencode(form).encode(),
    context=ssl.create_default_context(cafile={ca!r}))
body = json.load(answer)
import time
print(json.dumps(dict(accessToken=body["access_token"], expires_on=int(time.time()) + 3600)))
with open({log!r}, "a") as out:
    out.write("asked\\n")
"""


def azure_cli(sandbox: Sandbox, tmp_path: Path, arm: str = "") -> dict[str, str]:
    """An `az` that is signed in, in so far as azure-identity asks it."""
    az = tmp_path / "bin" / "az"
    az.parent.mkdir(exist_ok=True)
    d = sandbox.description
    az.write_text(
        AZ.format(
            python=sys.executable,
            arm=arm or d["arm"],
            authority=f"{d['authority']}/{d['tenant']}",
            ca=d["ca"],
            client=CLIENT,
            secret=SECRET,
            log=str(tmp_path / "az.log"),
        )
    )
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    return {"PATH": str(az.parent)}


WAYS: dict[str, Callable[[Sandbox, Path], dict[str, str]]] = {
    "environment": lambda sandbox, tmp_path: environment(sandbox),
    "workload-identity": workload,
    "managed-identity": managed,
    "azure-cli": azure_cli,
}


@pytest.mark.parametrize("explicit", [True, False], ids=["named", "found"])
@pytest.mark.parametrize("login", WAYS)
def test_every_way_without_a_person(
    login: str,
    explicit: bool,
    cloud_of: Sandbox,
    no_ways: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, value in WAYS[login](cloud_of, tmp_path).items():
        no_ways.setenv(name, value)
    asked = Asked()
    cloud = Cloud(from_description(cloud_of.file))
    account = cloud.sign_in(
        SignIn.model_validate({"login": login if explicit else None}), asked, CancelEvent()
    )
    assert cloud.login == login
    assert account.subscription == cloud_of.description["subscription"]
    assert cloud.arm.subscriptions()
    tokens = {cloud.access_token(a).reveal() for a in ("arm", "ml", "databricks")}
    assert len(tokens) == 3 and not asked.codes


def test_the_cli_is_asked_once_for_a_token(
    cloud_of: Sandbox, no_ways: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_ways.setenv("PATH", azure_cli(cloud_of, tmp_path)["PATH"])
    cloud = Cloud(from_description(cloud_of.file))
    cloud.sign_in(SignIn(login="azure-cli"), Asked(), CancelEvent())
    for _ in range(3):
        cloud.access_token("arm")
    assert (tmp_path / "az.log").read_text() == "asked\n"


def test_a_cli_that_is_set_to_another_cloud_is_not_used(
    cloud_of: Sandbox, no_ways: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_ways.setenv("PATH", azure_cli(cloud_of, tmp_path, "https://management.azure.com")["PATH"])
    with pytest.raises(SignInError) as caught:
        Cloud(from_description(cloud_of.file)).sign_in(
            SignIn(login="azure-cli"), Asked(), CancelEvent()
        )
    assert "management.azure.com" in caught.value.why and "az cloud set" in caught.value.why
    assert not (tmp_path / "az.log").exists()


def test_without_any_way_each_is_named_with_its_reason(
    cloud_of: Sandbox, no_ways: pytest.MonkeyPatch, command: Callable[..., Ran]
) -> None:
    ran = command(*SIGN_IN, "--set", "sign_in.login=null", **cloud_of.environment)
    assert ran.code == 3
    said = ran.final("sign-in")
    for login, lacking in {
        "environment": "AZURE_CLIENT_SECRET",
        "workload-identity": "AZURE_FEDERATED_TOKEN_FILE",
        "managed-identity": "169.254.169.254",
        "azure-cli": "PATH",
    }.items():
        assert f"{login}: " in said["why"] and lacking in said["why"]
    assert "device-code" in said["fix"]


def test_a_way_that_is_set_up_and_refused_ends_the_search(
    cloud_of: Sandbox, no_ways: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {**azure_cli(cloud_of, tmp_path), **environment(cloud_of)}
    for name, value in {**given, "AZURE_CLIENT_SECRET": "wrong"}.items():
        no_ways.setenv(name, value)
    with pytest.raises(SignInError) as caught:
        Cloud(from_description(cloud_of.file)).sign_in(SignIn(), Asked(), CancelEvent())
    assert caught.value.why.startswith("environment: The client secret is wrong.")
    assert "AZURE_CLIENT_SECRET" in caught.value.fix and "wrong" not in caught.value.fix
    assert not (tmp_path / "az.log").exists()


def test_signing_in_again_asks_nobody(cloud_of: Sandbox) -> None:
    asked = Asked()
    cloud = Cloud(from_description(cloud_of.file), attended=True)
    first = cloud.sign_in(SignIn(), asked, CancelEvent())
    arm = cloud.arm
    for given in (
        SignIn(login="device-code"),
        SignIn(tenant=cloud_of.description["tenant"]),
        SignIn(tenant="sandbox.example", subscription=first.subscription),
    ):
        assert cloud.sign_in(given, asked, CancelEvent()) == first
    assert (
        cloud.accounts(SignIn(), asked, CancelEvent())[0].subscriptions[0].id == first.subscription
    )
    assert len(asked.codes) == 1 and cloud.arm is arm


def test_where_a_person_is_at_hand_the_default_is_a_device_code(
    cloud_of: Sandbox, no_ways: pytest.MonkeyPatch, command: Callable[..., Ran]
) -> None:
    left_out = ("--set", "sign_in.login=null")
    ran = command(*SIGN_IN, *left_out, "--approve", **cloud_of.environment)
    assert ran.code == 0
    kinds = [e["kind"] for e in ran.events]
    assert kinds.count("login-needed") == kinds.count("login-done") == 1


def test_an_unknown_tenant(cloud_of: Sandbox, command: Callable[..., Ran]) -> None:
    ran = command(
        *SIGN_IN, "--approve", "--set", "sign_in.tenant=no.such.tenant", **cloud_of.environment
    )
    assert ran.code == 3 and "sign_in.tenant" in ran.final("sign-in")["fix"]
    assert "Credential" not in ran.err


def test_an_entra_that_is_not_there_has_refused_nobody(
    command: Callable[..., Ran], tmp_path: Path
) -> None:
    """A sandbox that was killed: what it says of itself is still there."""
    with running("--clock", "instant") as gone:
        ca = tmp_path / "ca.pem"
        ca.write_bytes(Path(gone.description["ca"]).read_bytes())
        described = tmp_path / "sandbox.json"
        described.write_text(json.dumps({**gone.description, "ca": str(ca)}))
    ran = command(*SIGN_IN, AMLWIZARD_SANDBOX=str(described))
    assert ran.code == 3 and "cannot be reached" in ran.err and "refused the sign-in" not in ran.err


def test_a_token_for_another_tenant_than_the_recipes(
    cloud_of: Sandbox, no_ways: pytest.MonkeyPatch
) -> None:
    for name, value in environment(cloud_of).items():
        no_ways.setenv(name, value)
    with pytest.raises(SignInError, match="is to the tenant"):
        Cloud(from_description(cloud_of.file)).sign_in(
            SignIn(tenant=str(uuid4())), Asked(), CancelEvent()
        )


def test_a_code_that_expired_or_was_declined_costs_a_new_code(
    sandbox: Callable[..., Sandbox],
) -> None:
    one = sandbox("--clock", "instant")
    one.control("approval", {"approve": False})
    cloud = Cloud(from_description(one.file), attended=True)

    class Decline(Asked):
        def __call__(self, url: str, user_code: str, expires_at: float) -> None:
            super().__call__(url, user_code, expires_at)
            one.control("approve", {"user_code": user_code, "state": "declined"})

    with pytest.raises(SignInError) as declined:
        cloud.sign_in(SignIn(), Decline(), CancelEvent())
    assert "declined" in declined.value.why and declined.value.exit_code == 3
    one.control("code-life", {"seconds": 1})
    with pytest.raises(SignInError) as expired:
        cloud.sign_in(SignIn(), Asked(), CancelEvent())
    assert "expired" in expired.value.why
    one.control("code-life", {"seconds": 900})
    one.control("approval", {"approve": True})
    assert cloud.sign_in(SignIn(), Asked(), CancelEvent()).name == "engineer@sandbox.example"


def test_waiting_for_a_code_can_be_cancelled(sandbox: Callable[..., Sandbox]) -> None:
    one = sandbox("--clock", "instant")
    one.control("approval", {"approve": False})
    cancel = CancelEvent()

    class Stop(Asked):
        def __call__(self, url: str, user_code: str, expires_at: float) -> None:
            cancel.set()

    with pytest.raises(OperationCancelledError):
        Cloud(from_description(one.file), attended=True).sign_in(SignIn(), Stop(), cancel)
