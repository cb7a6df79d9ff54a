from datetime import UTC, datetime, timedelta

import polars as pl

from serving.experiment_course import LOOKS, course

START = datetime(2026, 5, 1, tzinfo=UTC)
WINDOW = timedelta(hours=24)
ARMS, SHARES = ("control", "other"), (0.5, 0.5)


def outcomes(n: int, settled: bool = True) -> pl.DataFrame:
    """Users of two arms in turn, of whom every fifth of the control and every second of the other converts."""
    return pl.DataFrame(
        {
            "user_id": [str(user) for user in range(n)],
            "arm": [ARMS[user % 2] for user in range(n)],
            "first_shown_at": [START + timedelta(minutes=user) for user in range(n)],
            "settled": [settled] * n,
            "converted": [(user // 2) % (2 if user % 2 else 5) == 0 for user in range(n)],
            "rejected": [False] * n,
        },
        schema_overrides={"first_shown_at": pl.Datetime("us", "UTC"), "settled": pl.Boolean},
    )


def test_the_difference_is_followed_up_to_the_last_settled_user() -> None:
    found = course(outcomes(8_000), ARMS, SHARES, WINDOW)
    assert list(found) == ["other"]
    looks = found["other"]
    assert len(looks) == LOOKS
    assert looks[-1].at == START + timedelta(minutes=7_999) + WINDOW
    assert [look.at for look in looks] == sorted(look.at for look in looks)
    assert abs(looks[-1].value - 0.3) < 0.01
    assert looks[-1].low > 0
    assert looks[-1].high - looks[-1].low < looks[0].high - looks[0].low


def test_looks_with_too_few_users_are_left_out() -> None:
    assert course(outcomes(100), ARMS, SHARES, WINDOW) == {"other": []}
    assert 0 < len(course(outcomes(600), ARMS, SHARES, WINDOW)["other"]) < LOOKS


def test_nobody_settled_is_no_course() -> None:
    assert course(outcomes(1_000, settled=False), ARMS, SHARES, WINDOW) == {"other": []}
    assert course(outcomes(0), ARMS, SHARES, WINDOW) == {"other": []}
