"""The arguments of every command, and their help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from amlwizard.cli.options import Phase
from amlwizard.language import LANGUAGES

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
PHASES = get_args(Phase)
JOBS = 4
WORK = ("train", "register")  # phases whose results are otherwise kept
EPILOG = "exit codes: 0 done, 1 a step or expectation failed, 2 invalid input, 3 sign-in failed, 130 cancelled"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="amlwizard",
        description="From nothing to a scored request on a network-secured Azure Machine Learning "
        "platform.",
        epilog=EPILOG,
    )
    top.add_argument("--version", action=_Version, help="show the version and exit")
    top.add_argument(
        "--lang",
        choices=LANGUAGES,
        help="the language of every text; otherwise AMLWIZARD_LANG or the locale says it",
    )
    top.add_argument("--recipe", metavar="FILE", help="start the wizard with a recipe's answers")
    _cloud(top, required=False)
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for add in (
        _ask,
        _check,
        _preflight,
        _plan,
        _replay,
        _resume,
        _runs,
        _key,
        _verify,
        _destroy,
        _export,
        _demo,
        _recipes,
        _doctor,
        _completion,
        _schema,
        _sandbox,
    ):
        add(commands)
    return top


def _ask(commands: Commands) -> None:
    ask = commands.add_parser("ask", help="the wizard by questions, for any terminal")
    ask.add_argument("-o", "--output", metavar="FILE", help="save the recipe there")
    ask.add_argument("--recipe", metavar="FILE", help="start with a recipe's answers")
    _cloud(ask, required=False)
    ask.add_argument(
        "--plain", action="store_true", help="plain lines: for slow links and screen readers"
    )


def _check(commands: Commands) -> None:
    check = commands.add_parser("check", help="every finding about a recipe, without any cloud")
    _recipe(check)
    check.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="RULE",
        help="take what this rule finds as a warning (all: what any does)",
    )
    check.add_argument("--json", action="store_true", help="findings as JSON")


def _preflight(commands: Commands) -> None:
    preflight = commands.add_parser(
        "preflight", help="what the cloud would refuse, before anything is written"
    )
    _recipe(preflight, target="required")
    preflight.add_argument("--json", action="store_true", help="findings as JSON")


def _plan(commands: Commands) -> None:
    plan = commands.add_parser("plan", help="what a replay would do")
    _recipe(plan, target="optional")
    plan.add_argument("--json", action="store_true", help="the plan as JSON")
    _verbose(plan, "also show the id of every step, and the steps that it comes after")


def _replay(commands: Commands) -> None:
    replay = commands.add_parser(
        "replay",
        help="do what a recipe says, without asking anything",
        epilog="Of several recipes, none writes before all were looked at, and the exit code is the "
        "highest of theirs.",
    )
    replay.add_argument("recipes", nargs="+", metavar="recipe")
    _changes(replay, target="required")
    replay.add_argument(
        "--jobs",
        type=_jobs,
        default=JOBS,
        metavar="N",
        help=f"of several recipes, replay so many at a time (default: {JOBS})",
    )
    replay.add_argument("--until", choices=PHASES, help="stop after this phase")
    replay.add_argument(
        "--rerun", action="append", default=[], choices=WORK, help="do this phase's work anew"
    )
    _building(replay)


def _resume(commands: Commands) -> None:
    resume = commands.add_parser(
        "resume", help="go on with the last run that did not come to its end"
    )
    resume.add_argument("run", nargs="?", metavar="RUN", help="the id of another run")
    _cloud(resume, required=False)
    _building(resume)


def _building(command: argparse.ArgumentParser) -> None:
    """The options of commands that run a recipe."""
    command.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="RULE",
        help="go on in spite of what check or preflight finds under this rule (all: under any)",
    )
    command.add_argument("--json", action="store_true", help="events as JSON lines on stdout")
    command.add_argument("--yes", action="store_true", help="really build on Azure")


def _key(commands: Commands) -> None:
    key = commands.add_parser(
        "key", help="print the key of a recipe's endpoint, for curl and other clients"
    )
    _recipe(key, target="required")


def _verify(commands: Commands) -> None:
    verify = commands.add_parser(
        "verify", help="whether a platform keeps what its recipe promises, with the evidence"
    )
    _recipe(verify, target="required")
    verify.add_argument("--json", action="store_true", help="the posture as JSON")
    _verbose(verify, "also show the id of every promise")
    verify.add_argument("--html", metavar="FILE", help="write it as a page of its own")
    verify.add_argument(
        "--skip",
        action="append",
        default=[],
        choices=("inside", "outside"),
        help="leave out the evidence of a side that cannot be looked from",
    )


def _destroy(commands: Commands) -> None:
    destroy = commands.add_parser(
        "destroy", help="remove what a recipe made: only what carries its tag"
    )
    _recipe(destroy, target="required")
    destroy.add_argument(
        "--purge", action="store_true", help="leave nothing soft-deleted: free the names at once"
    )
    _verbose(destroy, "also show the id of every step, and the steps that it comes after")
    destroy.add_argument("--dry-run", action="store_true", help="show what goes, and stop")
    destroy.add_argument("--yes", action="store_true", help="do not ask")
    destroy.add_argument("--json", action="store_true", help="events (or the plan) as JSON lines")


def _verbose(command: argparse.ArgumentParser, help: str) -> None:
    command.add_argument("-v", "--verbose", action="store_true", help=help)


def _runs(commands: Commands) -> None:
    runs = commands.add_parser(
        "runs", help="what was run here; or the versions of a recipe's model, and what serves them"
    )
    runs.add_argument("recipe", nargs="?", help="list the versions of this recipe's model")
    _changes(runs, target="optional")
    runs.add_argument("--json", action="store_true", help="all of it as JSON")


def _export(commands: Commands) -> None:
    export = commands.add_parser("export", help="a recipe as a script or template of its own")
    _recipe(export)
    export.add_argument("--to", choices=("az", "bicep", "arm-json"), required=True)
    export.add_argument("-o", "--output", metavar="FILE", help="write there instead of printing")


def _demo(commands: Commands) -> None:
    demo = commands.add_parser("demo", help="watch the wizard walk through the sandbox by itself")
    demo.add_argument("recipe", nargs="?", help="begin with a recipe's answers")
    demo.add_argument("--pace", choices=("slow", "normal", "fast"), default="normal")
    demo.add_argument("--step", action="store_true", help="a key press goes on, no pause does")
    demo.add_argument("--record", metavar="FILE", help="write it as an asciinema cast (version 2)")
    demo.add_argument(
        "--journal", metavar="FILE", help="play a recorded run instead, without any cloud"
    )


def _recipes(commands: Commands) -> None:
    recipes = commands.add_parser("recipes", help="the recipes that come with amlwizard")
    actions = recipes.add_subparsers(dest="within", metavar="COMMAND", required=True)
    actions.add_parser("list", help="their names, and what each builds")
    copy = actions.add_parser("copy", help="copy one, to change it")
    copy.add_argument("name", metavar="NAME")
    copy.add_argument("-o", "--output", metavar="FILE", help="copy it there (default: NAME.yaml)")
    copy.add_argument("--force", action="store_true", help="overwrite a file that exists")


def _doctor(commands: Commands) -> None:
    doctor = commands.add_parser("doctor", help="whether this machine has what amlwizard needs")
    doctor.add_argument("--json", action="store_true", help="all of it as JSON")


def _completion(commands: Commands) -> None:
    completion = commands.add_parser(
        "completion",
        help="complete commands and options in a shell, such as: "
        'eval "$(amlwizard completion bash)"',
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))


def _schema(commands: Commands) -> None:
    commands.add_parser("schema", help="the JSON schema of a recipe")


def _sandbox(commands: Commands) -> None:
    sandbox = commands.add_parser("sandbox", help="run the sandbox cloud alone")
    sandbox.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help="port of ARM and Entra (default: a free one)",
    )
    sandbox.add_argument("--state", metavar="FILE", help="keep its state in a file")
    _clock(sandbox)
    sandbox.add_argument("--approve", action="store_true", help="agree to every sign-in")
    sandbox.add_argument("--capture", metavar="FILE", help="record every exchange, redacted")
    sandbox.add_argument(
        "--reset", action="store_true", help="empty the one that --target sandbox starts"
    )
    within = sandbox.add_subparsers(dest="within", metavar="COMMAND")
    compare = within.add_parser(
        "compare",
        help="put the requests of a capture to a sandbox, and list where Azure answered otherwise",
    )
    compare.add_argument("captures", nargs="+", metavar="CAPTURE")
    compare.add_argument("--json", action="store_true", help="all of it as JSON")


class _Version(argparse.Action):
    """Looks up the version only when it is requested, not at every start."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"amlwizard {version('amlwizard')}")
        parser.exit()


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 (a free one) to 65535")
    return port


def _jobs(text: str) -> int:
    jobs = int(text) if text.isascii() and text.isdecimal() else 0
    if jobs < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of jobs: give 1 or more")
    return jobs


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no speed: give a number above 0, such as 60")
    return speed


def _recipe(
    command: argparse.ArgumentParser, target: Literal["none", "optional", "required"] = "none"
) -> None:
    """The recipe that a command reads, the changes to it, and the cloud it may be about."""
    command.add_argument("recipe")
    _changes(command, target)


def _changes(
    command: argparse.ArgumentParser, target: Literal["none", "optional", "required"]
) -> None:
    if target != "none":
        _cloud(command, required=target == "required")
    command.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", help="change a value of the recipe"
    )


def _cloud(command: argparse.ArgumentParser, required: bool) -> None:
    command.add_argument(
        "--target",
        choices=("sandbox", "azure"),
        required=required,
        help="the cloud; sandbox: the one that AMLWIZARD_SANDBOX names, else an embedded one",
    )
    _clock(command)
    command.add_argument(
        "--approve",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="play the person who agrees to the sandbox's sign-in (default: in the embedded one)",
    )
    command.add_argument(
        "--capture",
        metavar="FILE",
        help="record every exchange with the cloud, redacted: fit for a bug report",
    )


def _clock(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--clock",
        choices=("instant", "polls", "real"),
        default="real",
        help="how long things take in the sandbox (default: real)",
    )
    command.add_argument(
        "--speed",
        type=_speed,
        default=60.0,
        metavar="N",
        help="divide real durations by N (default: 60)",
    )
