"""Places that cannot be written, disks that are full, and who may read what is written."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support import RECIPES, amlwizard, environment, existing, recipe_of
from support.breadth import narrowed

from amlwizard.draft import Draft, DraftStore
from amlwizard.paths import private, write
from amlwizard.recipe import keep, read, save

RECIPE = str(RECIPES / "quickstart.yaml")


@pytest.mark.parametrize("below", ["", "inside"])
def test_a_state_folder_that_is_a_file_is_told(tmp_path: Path, below: str) -> None:
    home = tmp_path / "home"
    home.write_text("mine")
    ran = amlwizard(
        "plan", RECIPE, "--target", "sandbox", AMLWIZARD_HOME=str(home / below if below else home)
    )
    assert ran.code == 1
    assert "Traceback" not in ran.err and "did not foresee" not in ran.err
    assert "cannot be written" in " ".join(ran.err.split())
    assert "AMLWIZARD_HOME" in ran.err
    assert home.read_text() == "mine"


def with_a_limit(code: str, most: int) -> subprocess.CompletedProcess[str]:
    """Run Python code that cannot write files of more than `most` bytes, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.run(
        [sys.executable, "-B", "-c", f"import signal; signal.signal(signal.SIGXFSZ, 1)\n{code}"],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        env=environment({}),
    )


def test_a_full_disk_leaves_every_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    """Recipes, sessions, exports, reports and copies; one process tries them all."""
    old = {name: tmp_path / name for name in ("recipe", "one.json", "export", "report", "copy")}
    for path in old.values():
        path.write_text("old")
    draft = Draft(id="one", answers={"names": {"prefix": "x" * 200}})
    DraftStore(tmp_path).save(draft)
    save(recipe_of("quickstart"), old["recipe"])
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    ran = with_a_limit(
        "import sys\n"
        "from pathlib import Path\n"
        "from amlwizard.app import reporting\n"
        "from amlwizard.cli import main\n"
        "from amlwizard.draft import Draft, DraftStore\n"
        "from amlwizard.posture import Posture\n"
        "from amlwizard.recipe import load, save\n"
        f"old = {{name: Path(path) for name, path in { ({n: str(p) for n, p in old.items()})!r}.items()}}\n"
        f"recipe = load(Path({RECIPE!r}))\n"
        "def tried(what):\n"
        "    try:\n"
        "        what()\n"
        "    except Exception as error:\n"
        "        print(error, file=sys.stderr)\n"
        f"assert main(['export', {RECIPE!r}, '--force', '--to', 'bicep', '-o', str(old['export'])]) == 2\n"
        "assert main(['recipes', 'copy', 'quickstart', '--force', '-o', str(old['copy'])]) == 2\n"
        "tried(lambda: save(recipe, old['recipe']))\n"
        "tried(lambda: DraftStore(old['copy'].parent).save(Draft(id='one', answers={'a': 'b' * 200})))\n"
        "tried(lambda: reporting.write(old['report'], Posture('r', 'sandbox', 0.0, ()), recipe, []))\n",
        100,
    )
    assert ran.returncode == 0 and ran.stderr.count("File too large") == 5, ran.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    assert [kept.answers for kept in DraftStore(tmp_path).unfinished()] == [draft.answers]


def test_a_link_to_a_file_stays_one(tmp_path: Path) -> None:
    kept, link = tmp_path / "kept" / "recipe.yaml", tmp_path / "recipe.yaml"
    kept.parent.mkdir()
    kept.write_text("")
    link.symlink_to(kept)
    save(recipe_of("quickstart"), link)
    assert link.is_symlink() and kept.read_text().startswith("#")
    assert list(kept.parent.iterdir()) == [kept]


def test_a_pipe_is_written_to_and_stays_as_it_is(tmp_path: Path) -> None:
    """As are devices: /dev/null is no file to be replaced, and not ours to close to others."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o644)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, "text")
    assert os.read(reading, 10) == b"text"
    open(pipe, "w", opener=private).close()
    os.close(reading)
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("umask", narrowed((0o000, 0o077, 0o777), 0o000, 0o777))
def test_what_a_run_writes_is_its_owners_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        home = tmp_path / "deep" / "home"
        around = {"AMLWIZARD_HOME": str(home)}
        DraftStore(home / "sessions").save(Draft(id="one"))  # it makes the folders
        run = ("--until", "sign-in", "--capture", str(home / "capture.jsonl"))
        replayed = amlwizard("replay", RECIPE, "--target", "sandbox", *run, **around)
    finally:
        os.umask(before)
    assert replayed.code == 0, replayed.err
    written = {path.name for path in home.rglob("*") if path.is_file()}
    assert written >= {"journal.jsonl", "recipe.yaml", "capture.jsonl", "sandbox.json", "one.json"}
    assert home.parent.stat().st_mode & 0o777 == 0o700
    for path in home.rglob("*"):
        open_to = stat.S_IMODE(path.stat().st_mode)
        assert not open_to & 0o077, path
        assert open_to & 0o600 == 0o600, path


def test_what_is_kept_beside_a_recipe_is_its_owners(tmp_path: Path) -> None:
    """Notebooks, scripts and small data may be anything but public."""
    notebook = tmp_path / "train.py"
    notebook.write_text("import mlflow")
    reading = read(Path(RECIPE), {"training.notebook": str(notebook)})
    before = os.umask(0)
    try:
        keep(existing(reading.recipe), tmp_path / "run" / "recipe.yaml")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "run").iterdir()}
    assert modes == {"recipe.yaml": 0o600, "train.py": 0o600}
