"""A bash script of Azure CLI commands that does what a replay does, up to the training.

Commands of the bare CLI are taken from the steps. For what needs an extension of the CLI, or has
no command, the step's document is PUT with `az rest`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import groupby

from rich.cells import cell_len

from amlwizard.export.source import PHASES, Source
from amlwizard.language import _
from amlwizard.plan import Step
from amlwizard.plan.placeholders import for_shell, placeholders, shell_name
from amlwizard.recipe import Recipe

# Command groups that the bare CLI does not have, and a command that lacks an option for part of its
# document: how many nodes an upgrade adds.
REPLACED = (
    "az databricks", "az ml", "az k8s-extension", "az monitor app-insights", "az network bastion",
    "az aks create",
)  # fmt: skip
# Refused for a while after an identity was created, until it has propagated.
HASTY = ("az role assignment",)
WIDTH = 100
HELPERS = r"""
# Create or update a resource and wait until it is ready. Its body is read from standard input.
put() { # ID API-VERSION
  local url="$1?api-version=$2" state body
  body=$(cat)
  retry send "$url" "$body"
  while true; do
    state=$(az rest --method get --url "$url" --query properties.provisioningState --output tsv)
    case "$state" in
      Succeeded | "") return ;;
      Failed | Canceled) echo "$1: $state" >&2; return 1 ;;
    esac
    sleep "$PAUSE"
  done
}

# The body is passed by standard input: it may hold a key, and other users can see command lines.
send() { # URL BODY
  az rest --method put --url "$1" --body @- --output none <<< "$2"
}

# Run a command and retry if it fails: a new identity takes a moment to be known everywhere.
retry() {
  local attempt
  for attempt in 1 2 3 4 5 6; do
    "$@" && return
    echo "attempt $attempt failed: $*" >&2
    sleep "$PAUSE"
  done
  "$@"
}

# Print one property of a resource.
value() { # ID API-VERSION PATH
  az rest --method get --url "$1?api-version=$2" --query "$3" --output tsv
}
"""


def script(recipe: Recipe) -> str:
    """The script of a recipe, with the remaining work as comments at its end."""
    return "\n".join(_Script(Source(recipe)).lines()) + "\n"


class _Script:
    def __init__(self, source: Source) -> None:
        self.source, self.recipe = source, source.recipe
        documents = [[source.body(step), *step.az] for step in source.resources]
        self.wanted = placeholders(documents)

    def lines(self) -> Iterator[str]:
        yield "#!/usr/bin/env bash"
        yield _comment(self.source.about)
        needs = _(
            "Requires bash and the Azure CLI, signed in with az login. No CLI extension is needed."
        )
        yield f"#\n# {needs}"
        yield "set -euo pipefail\n"
        yield from self._variables()
        yield HELPERS
        yield _headline(_("Resource providers"))
        yield from self.source.providers.az
        yield ""
        for phase, steps in groupby(self.source.resources, key=lambda step: step.phase):
            yield _headline(PHASES[phase])
            for step in steps:
                yield from self._step(step)
        yield from (_comment(line) for line in self.source.to_do)

    def _variables(self) -> Iterator[str]:
        given = self.recipe.sign_in
        if given.subscription:
            yield _default("SUBSCRIPTION", given.subscription)
        else:
            yield 'SUBSCRIPTION="${SUBSCRIPTION:-$(az account show --query id --output tsv)}"'
        yield 'az account set --subscription "$SUBSCRIPTION"'
        if ("sign-in", "tenant") in self.wanted:
            yield 'TENANT="$(az account show --query tenantId --output tsv)"'
        yield _default("LOCATION", given.region)
        yield _default("GROUP", self.recipe.names.resource_group)
        yield 'GROUP_ID="/subscriptions/$SUBSCRIPTION/resourceGroups/$GROUP"'
        pause = _("seconds between polls, and between attempts")
        yield f'PAUSE="${{PAUSE:-20}}" # {pause}'
        for field, path in self.source.tls.items():
            yield _default(field.upper(), path)

    def _step(self, step: Step) -> Iterator[str]:
        assert step.resource
        yield _comment(step.title)
        if step.az and not step.az[0].startswith(REPLACED):
            for command in step.az:
                words = " ".join(self._word(word) for word in shlex.split(command))
                yield _wrapped(f"retry {words}" if command.startswith(HASTY) else words)
        else:
            yield from (
                _comment(_("Equivalent to: {command}", command=for_shell(c))) for c in step.az
            )
            yield f"put {self._quoted(step.resource.id)} {step.resource.api_version} <<JSON"
            body = json.dumps(self.source.body(step), indent=2, ensure_ascii=False)
            yield self._filled(re.sub(r"([\\`$])", r"\\\1", body))
            yield "JSON"
        for output, path in step.resource.outputs.items():
            if output != "id" and (step.id, output) in self.wanted:
                address = f"{self._quoted(step.resource.id)} {step.resource.api_version}"
                yield f'{shell_name(step.id, output)}="$(value {address} {path})"'
        yield ""

    def _word(self, word: str) -> str:
        """A word of a command, quoted, or the variable of the script that has its value."""
        if word == self.recipe.names.resource_group:
            return '"$GROUP"'
        if word == self.recipe.sign_in.region:
            return '"$LOCATION"'
        return shlex.quote(word) if self._filled(word) == word else self._quoted(word)

    def _quoted(self, text: str) -> str:
        escaped = re.sub(r"([\\`$\"])", r"\\\1", text)
        return f'"{self._filled(escaped)}"'

    def _filled(self, text: str) -> str:
        """Text with placeholders as shell variables; ids of resources are written out."""
        for step, output in placeholders(text):
            if output == "id":
                text = text.replace(f"{{{step}.id}}", self.source.resource(step).id)
        for field in self.source.tls:
            read = f"$(base64 < \"${field.upper()}\" | tr -d '\\n')"
            text = text.replace(f"{{tls.{field}}}", read)
        group = self.source.resources[0].resource
        assert group
        text = re.sub(re.escape(group.id) + r"(?=[/\"]|$)", "$GROUP_ID", text)
        region = re.escape(self.recipe.sign_in.region)
        return for_shell(re.sub(rf'": "{region}(?=["\.])', '": "$LOCATION', text))


def _default(name: str, value: str) -> str:
    """An assignment that an environment variable of that name overrides."""
    if re.fullmatch(r"[\w./:@-]+", value):
        return f'{name}="${{{name}:-{value}}}"'
    home = '"$HOME"' if value.startswith("~/") else ""
    rest = value.removeprefix("~") if home else value
    return f'[ -n "${{{name}:-}}" ] || {name}={home}{shlex.quote(rest)}'


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in text.splitlines())


def _headline(text: str) -> str:
    begun = f"# ---- {text} "
    return begun + "-" * (WIDTH - cell_len(begun)) + "\n"


def _wrapped(command: str) -> str:
    """A command, on several lines if one would be too long."""
    lines, line = [], ""
    for part in re.split(r" (?=--?[a-z])", command):
        if line and len(line) + len(part) > WIDTH - 4:
            lines.append(line)
            line = ""
        line = f"{line} {part}" if line else part
    return " \\\n  ".join([*lines, line])
