"""The schema command: the JSON schema of recipes, for editors."""

from __future__ import annotations

import json

from amlwizard import fields
from amlwizard.cli.options import Options


def schema(_: Options) -> int:
    print(json.dumps(fields.schema(), indent=2))
    return 0
