"""Fatigue: what remains of relevance after showings in vain, set or learned, on worlds where it is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from nightschool.shown.attribution import COLUMNS
from nightschool.shown.fatigue import MEMORY, MOST_SHOWN, Fatigue, learn_fatigue

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*given: dict[str, Any]) -> pl.DataFrame:
    blank = dict.fromkeys(COLUMNS)
    filled = [{**blank, "user_id": "u", "item_id": "i", "place": 1, "tuned": False, **row} for row in given]
    return pl.DataFrame(filled, COLUMNS)


def simulated(rng: np.random.Generator, rates: tuple[float, ...], places: tuple[float, ...]) -> pl.DataFrame:
    """Users who are shown one item daily until they click: rates by earlier showings, times the rate of the place."""
    given = []
    for user in range(12_000):
        for day in range(len(rates)):
            # The more often it was shown, the lower it stands: without the correction, fatigue looks stronger.
            place = min(int(rng.integers(len(places))) + day // 2, len(places) - 1)
            clicked = rng.random() < rates[day] * places[place]
            at = START + timedelta(days=day)
            given.append(
                {"user_id": str(user), "place": place + 1, "shown_at": at, "viewed_at": at if clicked else None}
            )
            if clicked:
                break
    return rows(*given)


def test_a_set_fatigue_falls_by_steps() -> None:
    fatigue = Fatigue.of_steps(3, 0.5, 14)
    assert fatigue.factors_of(np.array([0, 2, 3, 5, 6, 1_000])).tolist() == [1, 1, 0.5, 0.5, 0.25, 0.5**MOST_SHOWN]
    assert fatigue.days == 14


def test_the_learned_rate_falls_as_it_was_simulated_whatever_the_places() -> None:
    rates = (0.3, 0.24, 0.18, 0.18, 0.12)
    found = learn_fatigue(simulated(np.random.default_rng(1), rates, (1.0, 0.6, 0.3)))
    assert found.factors[:5] == pytest.approx([rate / 0.3 for rate in rates], abs=0.05)
    assert list(found.factors) == sorted(found.factors, reverse=True)
    assert found.shown[0] == 12_000
    assert found.shown[5:] == (0,) * (MOST_SHOWN - 4)


def test_where_nobody_tires_nothing_sinks() -> None:
    found = learn_fatigue(simulated(np.random.default_rng(2), (0.2,) * 5, (1.0, 0.5)))
    assert min(found.factors) > 0.93


def test_of_little_nothing_is_learned() -> None:
    assert learn_fatigue(rows()).factors == (1.0,) * (MOST_SHOWN + 1)
    few = rows(*({"shown_at": START + timedelta(days=day)} for day in range(5)))
    assert min(learn_fatigue(few).factors) > 0.99


def counted(*given: dict[str, Any]) -> list[int]:
    """How many showings there are after so many showings in vain."""
    return [*learn_fatigue(rows(*given)).shown]


def test_showings_count_from_the_last_click_and_within_the_memory() -> None:
    days = [timedelta(days=day) for day in range(6)]
    shown = [{"shown_at": START + day} for day in days]
    assert counted(*shown) == [1, 1, 1, 1, 1, 1, *[0] * 5]
    clicked = [{**row, "liked_at": START} if place == 2 else row for place, row in enumerate(shown)]
    assert counted(*clicked) == [2, 2, 2, *[0] * 8]
    late = [{"shown_at": START}, {"shown_at": START + MEMORY}, {"shown_at": START + MEMORY + days[1]}]
    assert counted(*late) == [2, 1, *[0] * 9]
    assert counted(shown[0], {**shown[1], "user_id": "v"}, {**shown[2], "item_id": "j"}) == [3, *[0] * 10]


def test_sessions_and_tuned_lists_are_left_out() -> None:
    assert counted({"shown_at": START, "user_id": None}, {"shown_at": START, "tuned": True}) == [0] * 11
