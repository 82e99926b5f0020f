"""What a recipe builds, for those who leave us: a script or a template that needs nothing of ours.

Made from the steps alone: their documents and commands are what a replay sends. No cloud is read,
and nothing secret is written: TLS files are named, or asked for as parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amlwizard.export import arm_json, az, bicep

# By what the command line calls them.
FORMATS: Mapping[str, Callable[[Any], str]] = {
    "az": az.script,
    "bicep": bicep.template,
    "arm-json": arm_json.template,
}
