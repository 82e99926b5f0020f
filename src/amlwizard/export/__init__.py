"""Exports what a recipe builds as a script or a template that does not need amlwizard.

Generated from the steps alone: their documents and commands are what a replay sends. No cloud is
read, and no secret is written: TLS files are named, or asked for as parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from amlwizard.export import arm_json, az, bicep
from amlwizard.recipe import Recipe

# By their names on the command line.
FORMATS: Mapping[str, Callable[[Recipe], str]] = {
    "az": az.script,
    "bicep": bicep.template,
    "arm-json": arm_json.template,
}
