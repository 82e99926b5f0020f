"""Where amlwizard keeps its files."""

from __future__ import annotations

import os
from pathlib import Path


def state_folder() -> Path:
    """The folder of journals, drafts, the log and the embedded sandbox: AMLWIZARD_HOME, otherwise
    the platform's state folder for programs."""
    given = os.environ.get("AMLWIZARD_HOME")
    if given:
        return Path(given).absolute()
    from platformdirs import user_state_path

    return user_state_path("amlwizard")
