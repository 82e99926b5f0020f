"""The comments of a recipe's file, carried over when it is rewritten."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

Lines = Mapping[str, int]
"""The lines, from 1, in which keys and items stand, by recipe path."""


@dataclass(frozen=True)
class _Comment:
    """A comment, and the path of what it stands above or, `beside`, in the line of; empty at the end."""

    text: str
    path: str
    beside: bool


def with_comments(text: str, at: Lines, old: str, was_at: Lines) -> str:
    """The text of a recipe with the comments of an older one, above or beside the same keys. Those of
    a key that is gone stand above what held it. `at` and `was_at` are the lines of both."""
    lines = text.splitlines()
    known = {line.strip() for line in lines if line.startswith("#")}  # written with every recipe
    above: dict[int, list[str]] = defaultdict(list)
    for comment in _comments(old.splitlines(), old, was_at):
        if comment.text in known:
            continue
        number = _line(comment.path, at, len(lines) + 1)
        if comment.beside and _has_room(number, comment.path, lines, at):
            lines[number - 1] += f"  {comment.text}"
        else:
            above[number].append(comment.text)
    return "".join(f"{line}\n" for line in _merged(lines, above))


def _comments(lines: list[str], text: str, at: Lines) -> Iterator[_Comment]:
    ends: dict[int, int] = {}
    inside: set[int] = set()  # of texts of several lines, where # is no comment
    for token in yaml.scan(text, yaml.SafeLoader):
        start, end = token.start_mark, token.end_mark
        if end.index > start.index:
            ends[end.line] = max(end.column, ends.get(end.line, 0))
            inside.update(range(start.line, end.line))
    paths: dict[int, str] = {}
    for path, line in at.items():
        paths.setdefault(line, path) if path else None
    for number, written in enumerate(lines):
        found = re.search(r"(?:^|\s)(#.*)", written[ends.get(number, 0) :])
        if found and number not in inside:
            beside = number in ends
            following = (n for n in sorted(paths) if n > number + 1 or (beside and n == number + 1))
            path = paths.get(next(following, 0), "")
            yield _Comment(found[1].rstrip(), path, beside and paths.get(number + 1) == path)


def _line(path: str, at: Lines, otherwise: int) -> int:
    while path and path not in at:
        path = path.rpartition(".")[0]
    return at[path] if path else otherwise


def _has_room(number: int, path: str, lines: list[str], at: Lines) -> bool:
    """Whether a comment may stand beside a key: alone, and not within a text of several lines."""
    if path not in at or number > len(lines) or at.get(path.rpartition(".")[0]) == number:
        return False
    alone = not re.search(r"\s#", lines[number - 1])
    following = lines[number] if number < len(lines) else ""
    return alone and (number + 1 in at.values() or not following or following.startswith("#"))


def _merged(lines: list[str], above: Mapping[int, list[str]]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        indent = line[: len(line) - len(line.lstrip())]
        yield from (f"{indent}{comment}" for comment in above.get(number, ()))
        yield line
    yield from above.get(len(lines) + 1, ())
