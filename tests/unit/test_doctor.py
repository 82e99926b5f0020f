"""What doctor says of a machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from support import Ran

CANARY = "canary-8c1f"


def told(ran: Ran) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(ran.out)["checks"]}


def test_doctor_shows_versions_extras_sign_in_methods_and_folders(
    command: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = command("doctor", "--json", PATH="/nowhere")
    checks = told(ran)
    assert ran.code == 0, ran.out
    assert checks["sandbox"]["what"].startswith("is installed")
    assert checks["terminal"]["status"] == "warning", "there is none here"
    assert "AZURE_CLIENT_ID" in checks["environment"]["what"]
    assert "not on the PATH" in checks["azure-cli"]["what"]
    assert str(tmp_path / "home") in checks["state folder"]["what"]
    assert not (tmp_path / "home").exists(), "it only looks"
    text = command("doctor").out
    assert all(name in text for name in checks)


def test_doctor_shows_no_secret(command: Callable[..., Ran]) -> None:
    proxy = f"http://user:{CANARY}@proxy.example:3128"
    ran = command(
        "doctor", "--json", HTTPS_PROXY=proxy, https_proxy=proxy, AZURE_TENANT_ID="t",
        AZURE_CLIENT_ID="c", AZURE_CLIENT_SECRET=CANARY,
    )  # fmt: skip
    assert CANARY not in ran.out + ran.err
    checks = told(ran)
    assert checks["proxy"]["what"].startswith("proxy.example:3128")
    assert checks["environment"]["what"] == "is set up"


def test_what_does_not_work_is_told_with_its_cure_and_exits_1(
    command: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no certificate")
    ran = command(
        "doctor", "--json", REQUESTS_CA_BUNDLE=str(tmp_path / "file"),
        AMLWIZARD_SANDBOX=str(tmp_path / "gone"), AMLWIZARD_HOME=str(tmp_path / "file" / "home"),
    )  # fmt: skip
    checks = told(ran)
    assert ran.code == 1
    for name in ("certificates", "sandbox", "state folder"):
        assert checks[name]["status"] == "error" and checks[name]["fix"]
