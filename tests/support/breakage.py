"""What a failed run must look like, whichever step failed."""

from __future__ import annotations

from support import Json, Ran


def closure(ran: Ran, *roots: str) -> set[str]:
    """Every step that depends on one of the roots, directly or indirectly."""
    steps = ran.of("run-started")[0]["steps"]
    found = set(roots)
    while True:
        more = {step["id"] for step in steps if found & set(step["after"])} - found
        if not more:
            return found - set(roots)
        found |= more


def failed(ran: Ran, root: str, code: int = 1) -> Json:
    """The final event of `root`, after asserting that it alone failed, that the steps after it are
    blocked by it, and that all others ended well."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    assert ran.events[-1]["exit_code"] == code
    consequences = closure(ran, root)
    assert ran.that_are("failed") == {root}
    assert ran.that_are("blocked") == consequences
    assert all(ran.final(step)["because"] == root for step in consequences)
    assert ran.that_are("done") | ran.that_are("kept") == set(ran.outcomes) - consequences - {root}
    assert not any(ran.of("step-started", step) for step in consequences)
    final = ran.final(root)
    assert final["what"] and final["fix"]
    assert final["what"] in ran.err
    return final
