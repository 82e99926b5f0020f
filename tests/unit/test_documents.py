"""What an update sends, and what is said of it, are one thing."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from amlwizard.steps.documents import update

ABSENT = object()
words = st.sampled_from(["a", "b", "c", "10.0.0.0/16", "10.1.0.0/16"])
scalars = st.one_of(words, st.booleans(), st.integers(0, 2))
names = st.lists(words, max_size=4, unique=True)


def things(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A list of things with names."""
    return names.flatmap(
        lambda known: st.tuples(*(inner for _ in known)).map(
            lambda parts: [
                {"name": name, "properties": part} for name, part in zip(known, parts, strict=True)
            ]
        )
    )


references = names.map(lambda known: [{"id": f"/x/{name.replace('/', '-')}"} for name in known])
# A key has the same kind of value in both documents, as it has in a schema.
documents = st.fixed_dictionaries(
    {},
    optional={
        "text": scalars,
        "prefixes": names,
        "rules": references,
        "things": things(
            st.fixed_dictionaries({}, optional={"size": scalars, "ranges": names, "zones": names})
        ),
        "inner": st.fixed_dictionaries({}, optional={"text": scalars, "servers": names}),
    },
)


def apart(old: Any, new: Any, path: str = "") -> set[str]:
    """Every path at which two documents differ: an oracle that knows nothing of updates."""
    if isinstance(old, dict) and isinstance(new, dict):
        return set().union(
            *(
                apart(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}.{key}".lstrip("."))
                for key in {*old, *new}
            )
        )
    if isinstance(old, list) or isinstance(new, list):
        before, after = ({known(item): item for item in side} for side in lists(old, new))
        return set().union(
            *(
                apart(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}.{key}")
                for key in {*before, *after}
            )
        )
    return set() if old == new and type(old) is type(new) else {path}


def lists(*sides: Any) -> list[list[Any]]:
    return [[] if side is ABSENT else side for side in sides]


def known(item: Any) -> str:
    if isinstance(item, dict):
        return str(item.get("name") or item["id"].rpartition("/")[2])
    return str(item)


def said(lines: tuple[str, ...]) -> set[str]:
    return {line.partition(": ")[0] for line in lines}


@given(found=documents, wanted=documents, ours=st.booleans())
def test_what_is_said_is_what_the_body_changes(found: Any, wanted: Any, ours: bool) -> None:
    change = update(copy.deepcopy(found), wanted, ours=ours)
    changed = apart(found, change.body)
    # A thing that was not there is said once, however much is in it.
    assert all(
        any(f"{path}.".startswith(f"{s}.") for s in said(change.differences)) for path in changed
    )
    assert all(
        any(f"{path}.".startswith(f"{s}.") for path in changed) for s in said(change.differences)
    )


@given(found=documents, wanted=documents)
def test_of_others_nothing_goes(found: Any, wanted: Any) -> None:
    body = update(found, wanted).body
    for key in ("prefixes", "rules", "things"):
        assert {known(i) for i in found.get(key, [])} <= {known(i) for i in body.get(key, [])}


@given(found=documents, wanted=documents, ours=st.booleans())
def test_an_update_is_an_end(found: Any, wanted: Any, ours: bool) -> None:
    body = update(found, wanted, ours=ours).body
    assert update(body, wanted, ours=ours).differences == ()


def test_of_ours_values_go_and_are_told() -> None:
    found = {"space": {"prefixes": ["10.0.0.0/16", "10.1.0.0/16"]}, "subnets": [{"name": "theirs"}]}
    wanted = {"space": {"prefixes": ["10.0.0.0/16"]}, "subnets": [{"name": "mine"}]}
    change = update(found, wanted, ours=True)
    assert change.differences == (
        "space.prefixes.10.1.0.0/16: no longer wanted",
        "subnets.mine: missing",
    )
    assert change.body == {
        "space": {"prefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "theirs"}, {"name": "mine"}],
    }
