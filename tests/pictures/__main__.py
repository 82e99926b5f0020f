"""Draw screens/ anew in the language of this process, or only the pictures whose names begin with one of
the arguments; with `--to`, into another folder, and in one size."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from amlwizard import language
from pictures import PICTURES, SCREENS, SIZES, TRANSLATED, drawn, pages, runs  # noqa: F401  (the scenes)

asked = argparse.ArgumentParser()
asked.add_argument("names", nargs="*", default=[""])
asked.add_argument("--to", type=Path)
given = asked.parse_args()
english = language.chosen() == "en"
folder = SCREENS if english else SCREENS / language.chosen()
pictures = [p for name, p in PICTURES.items() if english or name in TRANSLATED]
sizes = (min(SIZES),) if given.to else SIZES

os.chdir(SCREENS.parent)
folder.mkdir(parents=True, exist_ok=True)
known = {one.file(size, folder) for one in pictures for size in SIZES}
for old in set(folder.glob("*.svg")) - known:
    old.unlink()
for one in pictures:
    if one.name.startswith(tuple(given.names)):
        for size in sizes:
            file = one.file(size, given.to or folder)
            file.write_text(asyncio.run(drawn(one, size)), encoding="utf-8")
            print(file)
