"""SDKs are loaded one at a time, however many steps want one at once."""

from __future__ import annotations

import subprocess
import sys

from support import PATIENCE

CODE = """
import sys
from pathlib import Path
from threading import Event, Thread
from amlwizard.cloud import arm, azure_public, import_lock
from amlwizard.cloud.import_lock import one_at_a_time

asked = Event()

class Asked:
    def __enter__(self):
        asked.set()
        one_at_a_time.acquire()
    def __exit__(self, *error):
        one_at_a_time.release()

import_lock.one_at_a_time = Asked()
one = arm.Arm(azure_public(Path("accounts")), object(), "subscription")
waits = Thread(target=lambda: one._databricks)
with one_at_a_time:
    waits.start()
    asked.wait()
    assert "azure.mgmt.databricks" not in sys.modules
waits.join()
assert "azure.mgmt.databricks" in sys.modules
"""


def test_an_sdk_waits_until_another_is_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
