"""Draw screens/ anew, or only the pictures whose names begin with one of the arguments."""

from __future__ import annotations

import asyncio
import os
import sys

from pictures import PICTURES, SCREENS, SIZES, drawn, pages, runs  # noqa: F401  (the scenes)

os.chdir(SCREENS.parent)
SCREENS.mkdir(exist_ok=True)
known = {one.file(size) for one in PICTURES.values() for size in SIZES}
for old in set(SCREENS.glob("*.svg")) - known:
    old.unlink()
for one in PICTURES.values():
    if one.name.startswith(tuple(sys.argv[1:]) or ""):
        for size in SIZES:
            one.file(size).write_text(asyncio.run(drawn(one, size)), encoding="utf-8")
            print(one.file(size).relative_to(SCREENS.parent))
