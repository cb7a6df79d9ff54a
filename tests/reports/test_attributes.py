import numpy as np
import polars as pl

from nightschool.reports.attributes import Declared, attributes_section
from tests.reports.frames import events

USERS = pl.DataFrame({"user_id": np.arange(1, 51), "level": ["low", "high"] * 25, "name": [f"n{n}" for n in range(50)]})
ITEMS = pl.DataFrame({"item_id": np.arange(1, 21), "kind": ["a", "b", "c", "d"] * 5, "same": ["x"] * 20})


def told(frame: pl.DataFrame) -> list[str]:
    section = attributes_section(USERS, ITEMS, frame.lazy(), Declared(["level"]), Declared(["kind", "same"]))
    return [plot.sentence for plot in section.plots]


def test_attributes_are_drawn_and_pairs_that_chance_would_make_say_so() -> None:
    level, kind, *pairs = told(events())
    assert level.startswith("Users by level: high comes first with 50.0% [")
    assert kind.startswith("Items by kind: a comes first with 25.0% [")
    assert len(pairs) == 3
    assert any(
        one.startswith("level (user) and kind (item): no more goes together than chance would make") for one in pairs
    )


def test_a_pair_that_goes_together_is_shown_first() -> None:
    odd = (pl.col("user_id") % 2 == 1) == (pl.col("item_id") % 2 == 1)
    first = told(events().filter(odd | (pl.col("item_id") == 1)))[2]
    assert first.startswith("level (user) and kind (item): one tells ")
    assert " times as often as by chance." in first


def test_attributes_of_which_one_is_part_of_the_other_are_no_pair() -> None:
    low = events().filter((pl.col("user_id") % 2 == 1) == (pl.col("item_id") % 2 == 1))
    assert not [one for one in told(low)[2:] if one.startswith("level (user) and kind (item)")]


def test_without_attributes_that_is_said() -> None:
    section = attributes_section(USERS, ITEMS, events().lazy(), Declared(), Declared(["same"]))
    assert [plot.sentence for plot in section.plots] == []
    assert section.lead == ["No attribute with few values that many users share is declared."]


def test_what_few_users_share_is_neither_drawn_nor_said() -> None:
    users = USERS.with_columns(level=pl.Series(["low"] * 31 + ["rare"] * 19))
    rare = events().with_columns(
        event=pl.when(pl.col("user_id") > 31).then(pl.lit("liked")).otherwise(pl.lit("viewed"))
    )
    section = attributes_section(users, ITEMS, rare.lazy(), Declared(["level"]), Declared(["kind"]))
    assert len(section.plots) == 4
    for plot in section.plots:
        assert "rare" not in plot.drawing + plot.sentence.replace("rarer", "")
        assert "liked" not in plot.drawing


def test_lists_and_numbers_are_drawn_too() -> None:
    items = pl.DataFrame({"item_id": np.arange(2_000), "tags": [["a", "b"], ["a"]] * 1_000, "year": np.arange(2_000)})
    declared = Declared(lists=["tags"], numbers=["year"])
    tags, year = attributes_section(USERS, items, events().lazy(), Declared(numbers=["user_id"]), declared).plots
    assert tags.sentence.startswith("Items by tags: a comes first with 66.7% [")
    assert year.sentence == "Half of the items have year 999.5 or less, eight in ten 199.9 to 1,799."


def test_many_events_do_not_overflow() -> None:
    n = 120_000
    both = {"user_id": np.arange(n) % 50 + 1, "item_id": np.arange(n) % 2 + 1}
    frame = pl.LazyFrame(both).with_columns(event=pl.lit("viewed")).filter(pl.int_range(pl.len()) % 100 != 0)
    noise = pl.LazyFrame({"user_id": [1, 2], "item_id": [2, 1], "event": "viewed"})
    items = pl.DataFrame({"item_id": [1, 2], "kind": ["a", "b"]})
    section = attributes_section(
        USERS, items, pl.concat([frame] + [noise] * 30), Declared(["level"]), Declared(["kind"])
    )
    cells = section.plots[-1].sentence
    assert cells.startswith("level (user) and kind (item): one tells 9")
    assert cells.endswith(" 2.0 times as often as by chance.")
