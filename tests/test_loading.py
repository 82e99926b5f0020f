"""SDKs are loaded one at a time, however many steps want one at once."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from pathlib import Path
from threading import Thread
from amlwizard.cloud import azure_public
from amlwizard.cloud.arm import Arm
from amlwizard.cloud.loading import one_at_a_time

arm = Arm(azure_public(Path("accounts")), object(), "subscription")
with one_at_a_time:
    waits = Thread(target=lambda: arm._databricks, daemon=True)
    waits.start()
    waits.join(0.5)
    assert "azure.mgmt.databricks" not in sys.modules
waits.join(60)
assert "azure.mgmt.databricks" in sys.modules
"""


def test_an_sdk_waits_until_another_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
