"""Checks commands with the Azure CLI's own parser, without running them. Runs in the Python in
which the CLI is installed: reads a JSON list of argument lists from standard input, and writes the
refused commands with their errors to standard output."""

from __future__ import annotations

import contextlib
import io
import json
import sys

from azure.cli.core import get_default_cli
from azure.cli.core.azclierror import AzCLIError


def refusal(arguments: list[str]) -> str:
    """The parser's error for a command; empty if it accepts it."""
    cli = get_default_cli()
    invocation = cli.invocation_cls(
        cli_ctx=cli, parser_cls=cli.parser_cls,
        commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls,
    )  # fmt: skip
    cli.invocation = invocation
    loader = invocation.commands_loader
    loader.load_command_table(arguments)
    command = invocation._rudimentary_get_command(arguments)
    if command not in loader.command_table:
        return f"no such command: {command}"
    cli.invocation.data["command_string"] = command
    loader.command_name = command
    loader.load_arguments(command)
    loader.cli_ctx.data["command"] = command
    loader.command_table = {command: loader.command_table[command]}
    invocation.parser.cli_ctx = cli
    invocation.parser.load_command_table(loader)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            invocation.parser.parse_args(arguments)
    except AzCLIError as refused:
        return str(refused)
    except SystemExit as end:
        return said.getvalue() if end.code else ""
    return ""


def main() -> None:
    refused = {" ".join(a): said for a in json.load(sys.stdin) if (said := refusal(a[1:]))}
    json.dump(refused, sys.stdout)


if __name__ == "__main__":
    main()
