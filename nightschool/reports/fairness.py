"""Who is served better or worse, and which kinds of items are shown more or less than they are chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import altair as alt
import polars as pl

from nightschool.charts.theme import BLUE, GREY, ORANGE, WIDTH, Chart
from nightschool.columns import CI_HIGH, CI_LOW, METRIC, SEGMENT, VALUE
from nightschool.evaluation.gaps import Gap
from nightschool.night.monitoring.exposure import CHOSEN, EXPOSURE, OFFERED
from nightschool.reports.document import Plot, Rows, Section
from nightschool.storage.release import GAPS

_WORDS = {EXPOSURE: "of the places of lists", CHOSEN: "of what users chose", OFFERED: "of the catalogue"}
_SHOWN = 20
_SAME = 0.001


def fairness_section(gates: Mapping[str, Any], metrics: pl.DataFrame) -> Section:
    """Draw how segments of users are served, and how much of the lists each kind of items gets.

    Args:
        gates: What the release stores of its gates.
        metrics: The release's rows of the metrics table.
    """
    gaps = [Gap(**gap) for gap in gates.get(GAPS, ())]
    shares = metrics.filter(pl.col(METRIC).is_in([*_WORDS]))
    lead = [] if gaps else ["Too few users have held-out choices to compare segments of them."]
    plots = [Plot.of(_differences(gaps), _served(gaps))] if gaps else []
    plots += [_exposure(str(kind), part) for (kind,), part in shares.group_by(_KIND, maintain_order=True)]
    return Section("Who is served, and what is shown", lead, plots, [_table(gaps)] if gaps else [])


_KIND = pl.col(SEGMENT).str.extract(r"^([^:]*):", 1)


def _differences(gaps: Sequence[Gap]) -> Chart:
    surest = sorted(gaps, key=lambda gap: (gap.p_value, -abs(gap.difference)))[:_SHOWN]
    frame = pl.DataFrame([asdict(gap) for gap in sorted(surest, key=lambda gap: -gap.difference)])
    colour = alt.condition(alt.datum.shown, alt.value(ORANGE), alt.value(BLUE))
    base = alt.Chart(frame).encode(
        y=alt.Y("segment:N", sort=None, title=None, axis=alt.Axis(labelLimit=320)), color=colour
    )
    over = alt.X("ci_low:Q", title="ndcg@10 less that of the other segments of its kind, 95 % interval")
    zero = alt.Chart(pl.DataFrame({"zero": [0.0]})).mark_rule(color=GREY, strokeDash=[4, 4]).encode(x="zero:Q")
    return alt.layer(
        zero,
        base.mark_rule(strokeWidth=2).encode(x=over, x2="ci_high:Q"),
        base.mark_point(filled=True, size=60).encode(x="difference:Q"),
    ).properties(width=WIDTH, height=alt.Step(22))


def _served(gaps: Sequence[Gap]) -> str:
    shown = sorted((gap for gap in gaps if gap.shown), key=lambda gap: gap.difference)
    tested = f"{len(gaps)} segments were compared, with Holm's adjustment"
    if not shown:
        return f"No segment is shown to be served better or worse than the others of its kind; {tested}."
    ends = [shown[0]] if shown[0].difference == shown[-1].difference else [shown[0], shown[-1]]
    named = "; ".join(f"{gap.segment} {gap.difference:+.4f} [{gap.ci_low:+.4f}, {gap.ci_high:+.4f}]" for gap in ends)
    return f"{len(shown)} of them are shown to be served otherwise than the others (orange): {named}. {tested}."


def _table(gaps: Sequence[Gap]) -> Rows:
    columns = ["segment", "users", "difference", "95 % interval", "p, adjusted"]
    rows = [
        (
            gap.segment,
            f"{gap.n_users:,}",
            f"{gap.difference:+.4f}",
            f"{gap.ci_low:+.4f} – {gap.ci_high:+.4f}",
            f"{gap.p_value:.3f}",
        )
        for gap in gaps
    ]
    return Rows("ndcg@10 on the test against the other segments of a kind", columns, rows)


def _exposure(kind: str, shares: pl.DataFrame) -> Plot:
    """Draw the three shares of each value of a kind."""
    frame = shares.select(
        pl.col(SEGMENT).str.strip_prefix(f"{kind}:").alias("value of the kind"),
        pl.col(METRIC).replace(_WORDS).alias("share"),
        VALUE,
    )
    order = shares.filter(pl.col(METRIC) == CHOSEN).sort(VALUE, SEGMENT, descending=[True, False])[SEGMENT]
    names = order.str.strip_prefix(f"{kind}:").to_list()
    scale = alt.Scale(domain=[*_WORDS.values()])
    chart = (
        alt.Chart(frame)
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X(f"{VALUE}:Q", title=f"share by {kind}", axis=alt.Axis(format="%")),
            y=alt.Y("value of the kind:N", sort=names, title=None, axis=alt.Axis(labelLimit=320)),
            color=alt.Color("share:N", scale=scale, title=None),
            shape=alt.Shape("share:N", scale=scale, title=None),
        )
        .properties(width=WIDTH - 120, height=alt.Step(24))
    )
    return Plot.of(chart, _moved(kind, shares))


def _moved(kind: str, shares: pl.DataFrame) -> str:
    """Say which value gets most places more, or fewer, than it is chosen."""
    wide = {metric: shares.filter(pl.col(METRIC) == metric) for metric in _WORDS}
    both = wide[EXPOSURE].join(wide[CHOSEN].select(SEGMENT, chosen=VALUE), on=SEGMENT)
    both = both.with_columns(more=pl.col(VALUE) - pl.col("chosen"))
    row = both.sort(pl.col("more").abs(), descending=True).row(0, named=True)
    if abs(row["more"]) < _SAME:
        return f"By {kind}, lists show what users chose, within {_SAME:.1%}."
    name, low, high = row[SEGMENT].removeprefix(f"{kind}:"), row[CI_LOW], row[CI_HIGH]
    interval = f" [{low:.1%}, {high:.1%}]" if low is not None else ""
    said = f"By {kind}, {name} differs most: {row[VALUE]:.1%}{interval} of the places, {row['chosen']:.1%} of what"
    chance = low is not None and low <= row["chosen"] <= high
    return f"{said} users chose{'; that may be chance' if chance else ''}."
