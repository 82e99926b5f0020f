"""The posture as a self-contained HTML page: no script, and no font or image from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby

from amlwizard.language import _, _n, chosen
from amlwizard.posture import SOURCE_WORDS, Posture, PromiseLine
from amlwizard.recipe import Recipe
from amlwizard.report.charts import scatter, timeline
from amlwizard.report.drawing import draw
from amlwizard.report.record import RunRecord
from amlwizard.step_titles import PHASE_TITLES, cut

MARKS = {"ok": "✓", "broken": "✗", "unknown": "?"}


def page(posture: Posture, recipe: Recipe, record: RunRecord) -> str:
    """The HTML of a posture. `recipe` gives the drawing its names and ranges, `record` what the
    journals contain about its runs."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("amlwizard.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"_": _, "_n": _n}
    environment.filters["cut"] = cut
    return environment.get_template("page.html.j2").render(
        language=chosen(),
        posture=posture,
        areas=_areas(posture.lines),
        marks=MARKS,
        sources=SOURCE_WORDS,
        phases=PHASE_TITLES,
        when=datetime.fromtimestamp(posture.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        network=draw(recipe, posture),
        lineage=record.lineage,
        fit=record.fit,
        plot=scatter(record.fit) if record.fit else None,
        bars=timeline(record.timings) if record.timings else None,
        run=record.run,
    )


def _areas(lines: Sequence[PromiseLine]) -> list[tuple[str, list[PromiseLine]]]:
    return [(area, list(group)) for area, group in groupby(lines, key=lambda line: line.area)]
