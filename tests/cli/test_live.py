"""A platform that is played for two days, whole nights included."""

from pathlib import Path

from tests.cli.conftest import Run, require_refusal, spawn


def test_two_days_are_played_and_the_lists_are_better_than_chance(home: Path, prefect_api: str, tmp_path: Path) -> None:
    size = ("--users", 300, "--items", 80, "--interactions", 6_000, "--nights", 2, "--visits", 60)
    quick = ("--set", "minutes=0", "--set", 'models=["popularity", "ease"]', "--set", "min_users=20")
    played = spawn("--home", home, "simulate", "--live", "--out", tmp_path / "source", "--json", *size, *quick)
    assert played.code == 0, played.err
    told = played.document
    assert [day["day"] for day in told["days"]] == [1, 2]
    assert told["played"]["satisfaction"] > 0.3
    assert 0 < told["played"]["coverage"] <= 1


def test_people_without_preferences_cannot_be_played(run: Run, tmp_path: Path) -> None:
    refused = run("simulate", "--live", "--out", tmp_path, "--mode", "independent")
    require_refusal(refused, 2, "--live needs people with preferences", "'independent'")
