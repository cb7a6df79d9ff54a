import numpy as np
import polars as pl

from nightschool.data.manifest.manifest import load_manifest
from nightschool.reports.activity import activity_section
from tests.reports.frames import events

MANIFEST = load_manifest("learning")


def told(frame: pl.DataFrame) -> list[str]:
    return [plot.sentence for plot in activity_section(frame.lazy(), MANIFEST).plots]


def test_every_plot_says_what_it_shows_with_a_number() -> None:
    frame = events()
    week, _, tail, *_ = told(frame)[1:]
    assert (
        activity_section(frame.lazy(), MANIFEST)
        .lead[0]
        .startswith("2,000 interactions of 50 users with 20 items: 40.0 a user.")
    )
    assert told(frame)[0].startswith("36 ± 2 events a day over 56 days; most, ")
    assert " at 9:00, " in week
    assert "no more than chance" not in week
    assert "the busiest tenth of the users has " in tail
    assert len(told(frame)) == 11


def test_what_chance_would_make_is_not_shown_as_a_pattern() -> None:
    even = events(n=400).with_columns(pl.col("timestamp").dt.truncate("1d") + pl.duration(hours=pl.int_range(400) % 24))
    assert told(even)[1].endswith(": no more than chance would make.")
    assert told(events())[-3].endswith("no difference is shown.")


def test_likes_that_go_with_the_duration_are_shown() -> None:
    seconds = np.geomspace(1, 10_000, 2_000)
    frame = events(duration_seconds=seconds, liked=np.arange(2_000) > 1_500)
    assert told(frame)[-3] == "0.0% of the shortest tenth are liked and 100.0% of the longest: the intervals are apart."


def test_without_times_durations_and_likes_the_rest_is_drawn() -> None:
    frame = events(rating=np.tile([1.0, 5.0], 1_000)).with_columns(
        pl.lit(None, frame_type).alias(name)
        for name, frame_type in (
            ("timestamp", pl.Datetime("us", "UTC")),
            ("duration_seconds", pl.Float64),
            ("liked", pl.Boolean),
            ("event", pl.String),
        )
    )
    assert [sentence.split()[0] for sentence in told(frame)] == ["The", "Half", "Half", "65.2%", "2,000"]
    assert told(frame)[-1] == "2,000 ratings with a mean of 3.000 ± 0.088."


def test_a_table_without_rows_is_said() -> None:
    section = activity_section(events()[:0].lazy(), MANIFEST)
    assert (section.lead, section.plots) == (["There are no interactions yet."], ())


def test_dates_without_a_time_of_day_have_days_alone() -> None:
    dates = events().with_columns(pl.col("timestamp").dt.truncate("1d"))
    assert told(dates)[1].startswith("Most happens on ")
    assert told(dates)[1].endswith("] of the events, where an even day has 14.3%.")
