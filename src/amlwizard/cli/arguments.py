"""The arguments of every command, and their help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from amlwizard.cli.argument_parser import Formatter, Parser
from amlwizard.cli.options import Phase
from amlwizard.command_line import NAME
from amlwizard.language import LANGUAGES, _

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
PHASES = get_args(Phase)
JOBS = 4
WORK = ("train", "register")  # phases whose results are otherwise kept
EPILOG = _("""\
examples:
  %(prog)s                     start the wizard, or continue where you left off
  %(prog)s recipes list        see the recipes that you can begin with
  %(prog)s COMMAND --help      read what a command does, with examples

exit codes: 0 done, 1 a step or expectation failed, 2 invalid input, 3 sign-in failed, 130 cancelled""")


def parser(program: str = NAME) -> Parser:
    """The parser of all commands; `program` is what the user types to start amlwizard."""
    top = Parser(
        prog=program,
        description=_(
            "From nothing to a scored request on a network-secured Azure Machine Learning "
            "platform. Without a command, the wizard starts."
        ),
        epilog=EPILOG,
        formatter_class=Formatter,
    )
    top.add_argument("--version", action=_Version, help=_("show the version and exit"))
    top.add_argument("--recipe", metavar="FILE", help=_("start the wizard with a recipe's answers"))
    _cloud(top, required=False)
    _language(top)
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


def _add(commands: Commands, name: str, short: str, text: str, *examples: str) -> Parser:
    """Add a command: what the list of commands says of it, what its own help says, and arguments of
    commands that show how it is used."""
    lines = (f"  {_whole(example)}" for example in examples)
    added = commands.add_parser(
        name,
        help=short,
        description=text,
        epilog="\n".join([_("examples:") if len(examples) > 1 else _("example:"), *lines]),
        formatter_class=Formatter,
    )
    _language(added)
    return added


def _language(command: argparse.ArgumentParser) -> None:
    """The language, which is read before the other arguments (see `cli`)."""
    command.add_argument(
        "--lang",
        choices=LANGUAGES,
        default=argparse.SUPPRESS,
        help=_("the language of all texts (default: AMLWIZARD_LANG, else that of the locale)"),
    )


def _whole(example: str) -> str:
    return example if "%(prog)s" in example else f"%(prog)s {example}".rstrip()


def _ask(commands: Commands) -> None:
    ask = _add(
        commands,
        "ask",
        _("the wizard as questions, line by line"),
        _(
            "Asks for a recipe question by question, saves it, and builds it if you agree. For "
            "terminals that cannot draw the wizard, slow links and screen readers."
        ),
        "",
        "--plain -o my-recipe.yaml",
    )
    ask.add_argument("-o", "--output", metavar="FILE", help=_("save the recipe to this file"))
    _force(ask)
    ask.add_argument("--recipe", metavar="FILE", help=_("start with a recipe's answers"))
    _cloud(ask, required=False)
    ask.add_argument(
        "--plain",
        action="store_true",
        help=_("plain lines only: for slow links and screen readers"),
    )


def _check(commands: Commands) -> None:
    check = _add(
        commands,
        "check",
        _("find what is wrong with a recipe, without any cloud"),
        _(
            "Reads a recipe and lists everything in it that Azure would refuse, as far as that can "
            "be known without asking Azure. Exit code 2 if there are errors."
        ),
        "recipe.yaml",
        "recipe.yaml --set names.prefix=contoso --json",
    )
    _recipe(check)
    check.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="RULE",
        help=_('report errors of this rule as warnings ("all": of every rule)'),
    )
    check.add_argument("--json", action="store_true", help=_("print the findings as JSON"))


def _preflight(commands: Commands) -> None:
    preflight = _add(
        commands,
        "preflight",
        _("find what the cloud would refuse, before anything is created"),
        _(
            "Signs in, reads the subscription, and lists everything that would make a replay fail: "
            "names that are taken, quota, missing roles, overlapping ranges. Changes nothing."
        ),
        "recipe.yaml --target azure",
    )
    _recipe(preflight, target="required")
    preflight.add_argument("--json", action="store_true", help=_("print the findings as JSON"))


def _plan(commands: Commands) -> None:
    plan = _add(
        commands,
        "plan",
        _("show what a replay would do"),
        _(
            "Lists the steps of a replay and the same as Azure CLI commands. With --target, it "
            "signs in and compares each step with what exists. Changes nothing."
        ),
        "recipe.yaml",
        "recipe.yaml --target azure",
    )
    _recipe(plan, target="optional")
    plan.add_argument("--json", action="store_true", help=_("print the plan as JSON"))
    _verbose(plan, _("also show the id of every step, and the steps that it comes after"))


def _replay(commands: Commands) -> None:
    replay = _add(
        commands,
        "replay",
        _("build what a recipe says, without asking anything"),
        _(
            "Builds the platform of a recipe, trains and deploys its model, and sends the scoring "
            "request. What exists already is kept, so that the same command continues a run that "
            "failed. Of several recipes, none is built before all have been checked, and the exit "
            "code is the highest of theirs."
        ),
        "recipe.yaml --target sandbox",
        "recipe.yaml --target azure --yes",
        "team-a.yaml team-b.yaml --target sandbox --jobs 2",
    )
    replay.add_argument(
        "recipes", nargs="+", metavar="recipe", help=_("the recipe file, or several")
    )
    _changes(replay, target="required")
    replay.add_argument(
        "--jobs",
        type=_jobs,
        default=JOBS,
        metavar="N",
        help=_("how many of several recipes to build at a time (default: {jobs})", jobs=JOBS),
    )
    replay.add_argument("--until", choices=PHASES, help=_("stop after this phase"))
    replay.add_argument(
        "--rerun",
        action="append",
        default=[],
        choices=WORK,
        help=_("run this phase again even if its result exists"),
    )
    _building(replay)


def _resume(commands: Commands) -> None:
    resume = _add(
        commands,
        "resume",
        _("continue the last run that did not finish"),
        _(
            "Replays the recipe of the newest unfinished run, as it was when that run began; what "
            "that run has built is kept."
        ),
        "",
        "20260102-030405-abcdef",
    )
    resume.add_argument(
        "run",
        nargs="?",
        metavar="RUN",
        help=_("the id of the run to continue, as `runs` lists them"),
    )
    _cloud(resume, required=False)
    _building(resume)


def _building(command: argparse.ArgumentParser) -> None:
    """The options of commands that run a recipe."""
    command.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="RULE",
        help=_('continue despite what check or preflight finds under this rule ("all": under any)'),
    )
    command.add_argument(
        "--json", action="store_true", help=_("print events as lines of JSON on standard output")
    )
    command.add_argument(
        "--yes", action="store_true", help=_("confirm that it may cost money: required on Azure")
    )


def _key(commands: Commands) -> None:
    key = _add(
        commands,
        "key",
        _("print the key of a recipe's endpoint, for curl and other clients"),
        _(
            "Signs in, fetches a key of the endpoint that the recipe has built, and prints nothing "
            "else, so that a shell can keep it in a variable."
        ),
        "recipe.yaml --target sandbox",
        'KEY="$(%(prog)s recipe.yaml --target azure)"',
    )
    _recipe(key, target="required")


def _verify(commands: Commands) -> None:
    verify = _add(
        commands,
        "verify",
        _("check that a platform is as secure as its recipe promises"),
        _(
            "Checks every security promise of a recipe against the platform, from outside and from "
            "inside the VNET, and shows the evidence. Exit code 1 if a promise is not kept."
        ),
        "recipe.yaml --target azure",
        "recipe.yaml --target azure --html report.html",
    )
    _recipe(verify, target="required")
    verify.add_argument("--json", action="store_true", help=_("print the result as JSON"))
    verify.add_argument(
        "--html", metavar="FILE", help=_("also write a report: one HTML file that needs no other")
    )
    verify.add_argument(
        "--skip",
        action="append",
        default=[],
        choices=("inside", "outside"),
        help=_("skip the checks from this side of the VNET"),
    )
    _verbose(verify, _("also show the id of every promise"))


def _destroy(commands: Commands) -> None:
    destroy = _add(
        commands,
        "destroy",
        _("remove what a recipe has built"),
        _(
            "Removes the resources that carry the recipe's tag, in an order that works, after you "
            "have typed the name of the resource group. What others have made is left alone."
        ),
        "recipe.yaml --target azure --dry-run",
        "recipe.yaml --target azure --purge",
    )
    _recipe(destroy, target="required")
    destroy.add_argument(
        "--purge",
        action="store_true",
        help=_("also purge what would stay soft-deleted, so that its names are free again"),
    )
    destroy.add_argument(
        "--dry-run", action="store_true", help=_("show what would be removed, and stop")
    )
    destroy.add_argument("--yes", action="store_true", help=_("do not ask for confirmation"))
    destroy.add_argument(
        "--json", action="store_true", help=_("print events (or the plan) as lines of JSON")
    )
    _verbose(destroy, _("also show the id of every step, and the steps that it comes after"))


def _runs(commands: Commands) -> None:
    runs = _add(
        commands,
        "runs",
        _("list past runs, or the versions of a recipe's model"),
        _(
            "Lists the runs of this machine. With a recipe, lists the registered versions of its "
            "model, their metrics, and which of them serve."
        ),
        "",
        "recipe.yaml --target azure",
    )
    runs.add_argument("recipe", nargs="?", help=_("list the versions of this recipe's model"))
    _changes(runs, target="optional")
    runs.add_argument("--json", action="store_true", help=_("print the list as JSON"))
    runs.add_argument(
        "--delete", metavar="RUN", help=_("delete the record of this run; what it has built stays")
    )
    runs.add_argument("--yes", action="store_true", help=_("delete without asking"))


def _export(commands: Commands) -> None:
    export = _add(
        commands,
        "export",
        _("write a recipe as a script or template"),
        _(
            "Writes a recipe as a script or template that needs no amlwizard. What only a run can "
            "do, such as training, is listed in it."
        ),
        "recipe.yaml --to az -o build.sh",
        "recipe.yaml --to bicep > main.bicep",
    )
    _recipe(export)
    export.add_argument(
        "--to",
        choices=("az", "bicep", "arm-json"),
        required=True,
        help=_("az: a bash script of Azure CLI commands; bicep, arm-json: a template"),
    )
    export.add_argument(
        "-o", "--output", metavar="FILE", help=_("write to this file, not to the terminal")
    )
    _force(export)


def _demo(commands: Commands) -> None:
    demo = _add(
        commands,
        "demo",
        _("watch the wizard build a platform in the sandbox"),
        _(
            "Plays the wizard by itself, with captions: from an empty sandbox, from a recipe, or "
            "from the journal of a past run."
        ),
        "",
        "--record demo.cast",
        "--journal journal.jsonl --pace slow",
    )
    demo.add_argument("recipe", nargs="?", help=_("begin with a recipe's answers"))
    demo.add_argument(
        "--pace",
        choices=("slow", "normal", "fast"),
        default="normal",
        help=_("how long captions are shown (default: normal)"),
    )
    demo.add_argument(
        "--step",
        action="store_true",
        help=_("wait for a key at every caption, instead of some seconds"),
    )
    demo.add_argument(
        "--record", metavar="FILE", help=_("record it as an asciinema cast (asciicast version 2)")
    )
    demo.add_argument(
        "--journal", metavar="FILE", help=_("play the journal of a past run, without any cloud")
    )


def _recipes(commands: Commands) -> None:
    recipes = _add(
        commands,
        "recipes",
        _("list or copy the recipes that come with amlwizard"),
        _("Lists the recipes that come with amlwizard, or copies one for you to change."),
        "list",
        "copy quickstart -o my-recipe.yaml",
    )
    actions = recipes.add_subparsers(dest="within", metavar="COMMAND", required=True)
    _add(
        actions,
        "list",
        _("list their names, and what each builds"),
        _("Lists the recipes that come with amlwizard, and what each builds."),
        "",
    )
    copy = _add(
        actions,
        "copy",
        _("copy one"),
        _("Copies a recipe, and the files that it names, for you to change."),
        "quickstart",
        "private -o my-recipe.yaml",
    )
    copy.add_argument("name", metavar="NAME", help=_("its name, as `recipes list` has it"))
    copy.add_argument(
        "-o", "--output", metavar="FILE", help=_("copy it there (default: NAME.yaml)")
    )
    _force(copy)


def _doctor(commands: Commands) -> None:
    doctor = _add(
        commands,
        "doctor",
        _("check that this machine has what amlwizard needs"),
        _(
            "Checks the installation, the terminal, proxy and certificates, sign-in methods and "
            "the state folder. Contacts no cloud, and shows no secret."
        ),
        "",
    )
    doctor.add_argument("--json", action="store_true", help=_("print the checks as JSON"))


def _completion(commands: Commands) -> None:
    completion = _add(
        commands,
        "completion",
        _("print what a shell needs to complete commands"),
        _(
            "Prints a script that lets your shell complete commands, options, recipes and files. "
            "To use it in every shell, add the command of the example to the file that your shell "
            "reads when it starts, such as ~/.bashrc."
        ),
        'eval "$(%(prog)s bash)"',
        "fish | source",
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help=_("the shell"))


def _schema(commands: Commands) -> None:
    _add(
        commands,
        "schema",
        _("print the JSON schema of recipes"),
        _("Prints the JSON schema of recipes, with which editors complete and check them."),
        "> recipe.schema.json",
    )


def _sandbox(commands: Commands) -> None:
    sandbox = _add(
        commands,
        "sandbox",
        _("run the sandbox, a simulated Azure, by itself"),
        _(
            "Runs a simulated Azure on this machine until Ctrl-C, for amlwizard, az and the SDKs "
            "in other terminals. It prints the environment variables that they need."
        ),
        "",
        "--port 8443 --state sandbox.json",
    )
    sandbox.add_argument(
        "--port",
        type=_port,
        default=0,
        metavar="N",
        help=_("port of Azure Resource Manager and Entra (default: any free one)"),
    )
    sandbox.add_argument("--state", metavar="FILE", help=_("keep its state in this file"))
    _clock(sandbox)
    sandbox.add_argument(
        "--approve", action="store_true", help=_("approve every sign-in automatically")
    )
    sandbox.add_argument(
        "--capture", metavar="FILE", help=_("record every exchange, without secrets")
    )
    sandbox.add_argument(
        "--reset",
        action="store_true",
        help=_("delete the state of the embedded sandbox, which --target sandbox starts"),
    )
    within = sandbox.add_subparsers(dest="within", metavar="COMMAND")
    compare = _add(
        within,
        "compare",
        _("compare recorded answers of Azure with those of the sandbox"),
        _(
            "Sends the requests of a capture to a sandbox, and lists where Azure had answered "
            "otherwise."
        ),
        "capture.jsonl",
    )
    compare.add_argument(
        "captures", nargs="+", metavar="CAPTURE", help=_("a file that --capture has written")
    )
    compare.add_argument("--json", action="store_true", help=_("print the differences as JSON"))


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
        raise argparse.ArgumentTypeError(
            _("{text!r} is not a port: use 0 (any free port) to 65535", text=text)
        )
    return port


def _jobs(text: str) -> int:
    jobs = int(text) if text.isascii() and text.isdecimal() else 0
    if jobs < 1:
        raise argparse.ArgumentTypeError(
            _("{text!r} is not a number of jobs: use 1 or more", text=text)
        )
    return jobs


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(
            _("{text!r} is not a speed: use a number above 0, such as 60", text=text)
        )
    return speed


def _force(command: argparse.ArgumentParser) -> None:
    command.add_argument("--force", action="store_true", help=_("overwrite a file that exists"))


def _recipe(
    command: argparse.ArgumentParser, target: Literal["none", "optional", "required"] = "none"
) -> None:
    """The recipe that a command reads, the changes to it, and the cloud it may be about."""
    command.add_argument("recipe", help=_("the recipe file"))
    _changes(command, target)


def _changes(
    command: argparse.ArgumentParser, target: Literal["none", "optional", "required"]
) -> None:
    if target != "none":
        _cloud(command, required=target == "required")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        help=_("change a value of the recipe; may be repeated"),
    )


def _verbose(command: argparse.ArgumentParser, help: str) -> None:
    command.add_argument("-v", "--verbose", action="store_true", help=help)


def _cloud(command: argparse.ArgumentParser, required: bool) -> None:
    command.add_argument(
        "--target",
        choices=("sandbox", "azure"),
        required=required,
        help=_(
            "the cloud to use; sandbox: the one that AMLWIZARD_SANDBOX names, else an embedded one"
        ),
    )
    _clock(command)
    command.add_argument(
        "--approve",
        action=argparse.BooleanOptionalAction,
        default=None,
        help=_("approve sign-ins of the sandbox automatically (default: in the embedded one)"),
    )
    command.add_argument(
        "--capture",
        metavar="FILE",
        help=_("record every exchange with the cloud, without secrets: fit for a bug report"),
    )


def _clock(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--clock",
        choices=("instant", "polls", "real"),
        default="real",
        help=_("how long operations take in the sandbox (default: real)"),
    )
    command.add_argument(
        "--speed",
        type=_speed,
        default=60.0,
        metavar="N",
        help=_("divide the durations of the real clock by N (default: 60)"),
    )
