import logging
from datetime import UTC, datetime, timedelta, timezone
from logging.handlers import BufferingHandler
from pathlib import Path

import polars as pl
import pytest

from nightschool.application.home import open_home
from nightschool.cli.night import parse_instant
from nightschool.columns import INTERACTIONS, RECOMMENDATIONS
from nightschool.errors import ConfigurationError
from nightschool.settings import Settings
from nightschool.storage.lock import home_lock
from serving.schemas.common import ExternalId
from tests.cli.conftest import N_INTERACTIONS, N_ITEMS, N_USERS, NIGHT, Published, Run, require_refusal
from tests.serving.client import Api
from tests.serving.sent import history

AFTER = ("3 events", "5 events")
QUIET = {"already_known": 0, "quarantined": 0, "reasons": {}}
ASSIGNMENTS = [part for assignment in NIGHT for part in ("--set", assignment)]


# simulate


def test_simulate_writes_what_the_learning_manifest_reads(run: Run, tmp_path: Path) -> None:
    outcome = run("simulate", "--out", tmp_path / "new", "--users", 20, "--items", 30, "--interactions", 100)
    assert (outcome.code, outcome.err) == (0, "")
    assert "20 users, 30 items, 100 engagements (latent)" in outcome.out
    assert {file.name for file in (tmp_path / "new").iterdir()} >= {"users.csv", "content.csv", "engagements.csv"}


def test_simulate_refuses_an_unknown_mode(run: Run, tmp_path: Path) -> None:
    require_refusal(run("simulate", "--out", tmp_path, "--mode", "magic"), 2, "'mode'", "'magic'", "'independent'")


# ingest


def test_ingest_again_adds_nothing_and_needs_no_options(run: Run, source: Path) -> None:
    first = run("ingest", "--dataset", "learning", "--source-root", source)
    assert (first.code, first.err) == (0, "")
    assert f"{N_INTERACTIONS + N_ITEMS:,}" in first.out
    again = run("ingest", "--json").document
    assert {name: counts["already_known"] for name, counts in again.items()} == {
        "interactions": N_INTERACTIONS + N_ITEMS,
        "users": N_USERS,
        "items": N_ITEMS,
    }
    assert all(counts["accepted"] == counts["quarantined"] == 0 for counts in again.values())


def test_movielens_comes_in_by_its_manifest_alone(run: Run, data_root: Path) -> None:
    outcome = run("ingest", "--dataset", "movielens-100k", "--source-root", data_root / "movielens-100k", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.document == {
        "interactions": {"rows_in": 100_000, "accepted": 100_000, **QUIET},
        "users": {"rows_in": 943, "accepted": 943, **QUIET},
        "items": {"rows_in": 1_682, "accepted": 1_682, **QUIET},
    }


def test_mooccubex_comes_in_by_its_manifest_alone(run: Run, data_root: Path) -> None:
    outcome = run("ingest", "--dataset", "mooccubex", "--source-root", data_root / "mooccubex", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.document == {
        "interactions": {"rows_in": 698_260, "accepted": 698_260, **QUIET},
        "users": {"rows_in": 11_943, "accepted": 11_943, **QUIET},
        "items": {"rows_in": 2_297, "accepted": 2_297, **QUIET},
    }


# retrain


def test_retrain_prints_one_document_with_the_whole_night(published: Published) -> None:
    night = published.night.document
    assert (night["status"], night["release_id"]) == ("published", published.release_id)
    assert night["rows"]["interactions"]["accepted"] == N_INTERACTIONS + N_ITEMS
    tried = [candidate["name"] for candidate in night["candidates"]]
    assert [name for name in tried if not name.startswith("blend(")] == ["popularity", "ease", "content"]
    assert len(tried) <= 4
    assert [point["alpha"] for point in night["sweep"]] == [0.0, 0.5, 1.0]
    assert all(gate["passed"] for gate in night["gates"] if gate["name"] != "learnable")
    assert len(night["learner"]["items"]) == 5
    bots = next(effect for effect in night["signals"] if effect["rule"] == "suspected bots")
    assert (bots["setting"], bots["users"]) == ("viewed: more than 2 and 20% within 5 s", 2)


def test_retrain_logs_stages_and_no_librarys_small_talk(published: Published) -> None:
    lines = published.night.err.splitlines()
    assert lines
    assert [line for line in lines if "nightschool." not in line] == []


def test_the_same_night_again_was_already_published(writing: Published, prefect_api: str, run: Run) -> None:
    outcome = run("retrain", "--json", *ASSIGNMENTS)
    assert outcome.code == 0
    assert outcome.document["status"] == "already published"
    assert outcome.document["release_id"] == writing.release_id
    assert "was already published from the same data" in run("retrain", *ASSIGNMENTS).out


def test_what_was_taken_back_is_not_learned_from_whenever_a_night_read_it(
    writing: Published, prefect_api: str, run: Run
) -> None:
    with Api(Settings()).open() as api:
        user = next(user for user in api.users if len(history(api.snapshot, user)) < N_ITEMS // 2)
        kept, before, after = [item for item in range(1, N_ITEMS + 1) if item not in history(api.snapshot, user)][:3]
        ids = [taken["event_id"] for taken in api.send(user, "complete", kept, before, after).json()["events"]]

        def learned_without(taken_back: str) -> set[ExternalId]:
            assert api.request("DELETE", f"/v1/events/{taken_back}").status_code == 200
            night = run("retrain", "--json", *ASSIGNMENTS)
            assert night.code == 0, night.err
            api.service.refresh()
            assert night.document["release_id"] == api.snapshot.release.release_id
            return {*history(api.snapshot, user)} & {kept, before, after}

        assert learned_without(ids[1]) == {kept, after}
        assert learned_without(ids[2]) == {kept}


def test_night_on_hold_is_refused(writing: Published, prefect_api: str, run: Run) -> None:
    assert run("releases", "hold", "--reason", "exam week").code == 0
    require_refusal(run("retrain", *ASSIGNMENTS), 4, "on hold", "'exam week'", "releases release-hold")


def test_night_before_all_data_or_in_the_future_is_refused(writing: Published, prefect_api: str, run: Run) -> None:
    outcome = run("retrain", "--as-of", "2001-01-01", *ASSIGNMENTS)
    require_refusal(outcome, 3, "no interaction was known then", "2001-01-01", "later --as-of")
    outcome = run("retrain", "--as-of", "2999-01-01", *ASSIGNMENTS)
    require_refusal(outcome, 2, "T lies in the future", "2999-01-01", "has passed")


def test_bad_data_end_a_night_with_one_line(
    source: Path, prefect_api: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in source.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "engagements.csv").write_text("user_id,course\n1,2\n", encoding="utf-8")
    printed = BufferingHandler(capacity=1000)
    monkeypatch.setattr(logging.getLogger(), "handlers", [printed])
    outcome = run("retrain", "--dataset", "learning", "--source-root", tmp_path, "--json")
    require_refusal(outcome, 3, "engagements.csv has no column content_id", "'columns user_id, course'")
    assert [record for record in printed.buffer if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("k=0", ["'k'", "saw 0", "greater than or equal to 1"]),
        ("k", ["--set takes key=value", "'k'"]),
        ("volume=11", ["no such configuration key", "'volume'", "window_days"]),
        ("tune=never", ["'tune'", "'never'", "'weekly' or 'now'"]),
        ("max_test_share=0.9", ["'max_test_share'", "0.9"]),
    ],
)
@pytest.mark.parametrize("command", ["retrain", "evaluate"])
def test_bad_assignment_is_told_before_anything_is_done(
    command: str, assignment: str, told: list[str], run: Run, home: Path
) -> None:
    require_refusal(run(command, "--set", assignment), 2, *told)
    assert not home.exists()


def test_bad_configuration_file_is_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "night.toml"
    require_refusal(run("retrain", "--config", file), 2, "no such configuration file", file)
    file.write_text("k = ")
    require_refusal(run("retrain", "--config", file), 2, f"{file} is not TOML", "correct the file")
    file.write_text("volume = 11")
    require_refusal(run("retrain", "--config", file), 2, "volume", "saw 11")


def test_instants() -> None:
    assert parse_instant(None) is None
    assert parse_instant("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC)
    assert parse_instant("2026-03-01T02:00:00Z") == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert parse_instant("2026-03-01T02:00+01:00") == datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=1)))
    with pytest.raises(ConfigurationError, match="not an instant; saw 'yesterday'; write 2026-03-01"):
        parse_instant("yesterday")


# evaluate


def test_evaluate_compares_on_what_was_ingested(reading: Published, run: Run) -> None:
    line = ("evaluate", "--models", "ease, content", "--protocol", "temporal-user", "--set", "alpha_steps=1")
    outcome = run(*line, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    document = outcome.document
    assert (document["dataset"], document["protocol"], document["k"]) == ("learning", "temporal-user", 10)
    assert [row["name"] for row in document["models"][:3]] == ["popularity", "ease", "content"]
    assert document["models"][0]["over_popularity"] == [0.0, 0.0, 0.0]
    assert "ease" in run(*line).out


def test_evaluating_does_not_wait_for_a_night(reading: Published, run: Run) -> None:
    with home_lock(reading.home / "lock"):
        assert run("evaluate", "--models", "popularity", "--protocol", "random-user", "--json").code == 0


def test_evaluate_measures_users_and_items_that_were_held_out_whole(reading: Published, run: Run) -> None:
    line = ("evaluate", "--models", "ease,content,svd", "--set", "alpha_steps=1", "--set", "minutes=0")
    users = run(*line, "--protocol", "leave-users", "--json").document
    assert [table["name"] for table in users["tables"]] == [f"new users after {n}" for n in ("1 event", *AFTER)]
    assert all({"popularity", "ease", "content"} <= {m["name"] for m in t["models"]} for t in users["tables"])
    assert all("fold in" in table["failures"]["svd"] for table in users["tables"])
    assert 20 < users["tables"][0]["n_users"] <= N_USERS / 5
    assert "users are few" in users["warnings"][0]
    told = run(*line, "--protocol", "leave-items")
    assert told.err == ""
    for each in ("new items among themselves", "new items in the whole catalogue", "diversity@10", "miscalibration@10"):
        assert each in told.out


def test_evaluate_measures_predicted_ratings_on_folds(reading: Published, run: Run) -> None:
    line = ("evaluate", "--models", "svd,nmf", "--protocol", "k-fold", "--seed", 0, "--set", "svd.epochs=3")
    outcome = run(*line, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    document = outcome.document
    assert (document["dataset"], document["protocol"], document["folds"]) == ("learning", "k-fold", 5)
    assert [(row["name"], row["params"]) for row in document["models"]] == [("svd", {"epochs": 3}), ("nmf", {})]
    assert all(len(row["by_fold"]["rmse"]) == 5 and not row["in_context"] for row in document["models"])
    assert document["best_by_segment"][0]["segment"] == "all"
    printed = run(*line).out
    assert f"{document['models'][0]['metrics']['rmse'][0]:.4f}" in printed
    assert "activity:regular" in printed
    assert "context" in printed
    assert "knew when the rating was given" not in printed


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--protocol", "fair"], 2, ["unknown protocol", "'fair'", "temporal-user"]),
        (["--models", "oracle", "--protocol", "random-user"], 2, ["no such model", "'oracle'", "ease"]),
        (["--models", "ease", "--protocol", "k-fold"], 2, ["'k-fold' measures predicted ratings", "'ease'", "svd"]),
        (["--relevant", "some"], 2, ["--relevant", "'some'", "all or manifest"]),
        (["--protocol", "random-user", "--set", "bot_ceiling=0"], 3, ["suspected bots", "bot_ceiling=0", "bot_share"]),
        (["--protocol", "given"], 2, ["has no [test]", "another protocol"]),
        (["--dataset", "mooccubex"], 2, ["holds dataset 'learning'", "'mooccubex'", "another --home"]),
        (["--release", "x"], 2, ["given test only", "'temporal'", "--protocol given"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_evaluate_tells_what_it_cannot_do(
    options: list[str], code: int, told: list[str], reading: Published, run: Run
) -> None:
    require_refusal(run("evaluate", *options), code, *told)


def test_evaluate_needs_data(run: Run, home: Path, source: Path, tmp_path: Path) -> None:
    require_refusal(run("evaluate"), 5, f"home {home} holds no dataset yet", "nightschool ingest")
    for file in source.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "engagements.csv").write_text("user_id\n1\n")
    assert run("ingest", "--dataset", "learning", "--source-root", tmp_path).code == 3
    (tmp_path / "truth.parquet").touch()
    protocols = [["evaluate", "--protocol", name] for name in ("temporal", "given", "k-fold", "leave-users")]
    for command in [*protocols, ["oracle", "--truth", tmp_path / "truth.parquet"]]:
        require_refusal(run(*command), 5, "holds no interactions yet", "nightschool ingest")


# What a night leaves: the edges of a small catalogue


def test_lists_are_as_long_as_what_is_left_to_recommend(reading: Published) -> None:
    lake = open_home().lake
    seen = lake.scan(INTERACTIONS).group_by("user_id").agg(pl.col("item_id").n_unique().alias("seen")).collect()
    lists = lake.scan(RECOMMENDATIONS).group_by("user_id").agg(pl.len().cast(pl.Int64).alias("listed")).collect()
    both = seen.join(lists, on="user_id", how="left").with_columns(pl.col("listed").fill_null(0))
    assert both.height > 200
    assert (both["listed"] == N_ITEMS - both["seen"].cast(pl.Int64)).all()
