import json
from pathlib import Path

import polars as pl
import pytest

from nightschool.columns import RELEASE_TABLES
from tests.cli.conftest import BUSY_USER, N_ITEMS, ODD_TITLES, Published, Run, require_refusal

READERS = [
    ["releases", "list"],
    ["releases", "show", "x"],
    ["releases", "rollback", "x"],
    ["releases", "hold", "--reason", "x"],
    ["releases", "release-hold"],
    ["releases", "prune"],
    ["recommend", "--user", "1"],
    ["similar-items", "--item", "1"],
    ["export", "--table", "metrics", "--out", "x.csv"],
]


def test_list_of_a_known_user(reading: Published, run: Run) -> None:
    outcome = run("recommend", "--user", 2, "-k", 3, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    document = outcome.document
    assert (document["release_id"], document["user_id"], document["known"]) == (reading.release_id, "2", True)
    assert [item["rank"] for item in document["items"]] == [1, 2, 3]
    assert all(item["title"] and item["why"] for item in document["items"])
    assert all(item["reason"] in {"because_of_item", "similar_content", "popular"} for item in document["items"])
    shown = run("recommend", "--user", 2, "-k", 3).out
    assert f"For user 2, from release {reading.release_id}" in shown
    assert document["items"][0]["title"].split()[0] in shown


def test_what_to_study_next_is_shown_below_the_list(reading: Published, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "next_items.parquet"
    assert run("export", "--table", "next_items", "--out", out).code == 0
    follows = pl.read_parquet(out)
    answers = (
        (user, run("recommend", "--user", user, "-k", 3, "--json").document["study_next"]) for user in range(1, 30)
    )
    user, told = next((user, told) for user, told in answers if told is not None)
    own = follows.filter(pl.col("item_id") == told["after"]["item_id"])
    support = {item["item_id"]: item["support"] for item in told["items"]}
    assert support.items() <= dict(own.select("neighbor_id", "support").iter_rows()).items()
    text = run("recommend", "--user", user, "-k", 3).out
    assert "Study next, after" in text
    assert f"{told['items'][0]['share']:.0%} went on to it" in text


def test_odd_titles_come_through_a_night_unchanged(reading: Published, run: Run) -> None:
    items = run("recommend", "--user", 987654, "-k", 1000, "--json").document["items"]
    titles = {item["item_id"]: item["title"] for item in items}
    assert {item: titles.get(item) for item in ODD_TITLES} == ODD_TITLES
    shown = run("recommend", "--user", 987654, "-k", 1000)
    assert (shown.code, shown.err) == (0, "User 987654 is not known: this is everyone's list.\n")
    assert all(title in shown.out for title in ODD_TITLES.values())


def test_k_beyond_the_catalogue_shows_all_that_is_left(reading: Published, run: Run) -> None:
    items = run("recommend", "--user", 2, "-k", 1000, "--json").document["items"]
    assert 0 < len(items) < N_ITEMS
    assert [item["rank"] for item in items] == list(range(1, len(items) + 1))


def test_user_who_has_seen_everything_is_told_so(reading: Published, run: Run) -> None:
    outcome = run("recommend", "--user", BUSY_USER)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"User {BUSY_USER} has seen all that release {reading.release_id} could recommend" in outcome.out
    assert run("recommend", "--user", BUSY_USER, "--json").document["items"] == []


@pytest.mark.parametrize("user", ["987654", "-1"])
def test_unknown_user_gets_everyones_list(user: str, reading: Published, run: Run) -> None:
    outcome = run("recommend", "--user", user, "-k", 5, "--json")
    assert (outcome.code, outcome.document["known"]) == (0, False)
    assert outcome.err == f"User {user} is not known: this is everyone's list.\n"
    items = outcome.document["items"]
    assert len(items) == 5
    assert {item["why"] for item in items} == {"popular with everyone"}


def test_new_user_gets_the_list_of_their_audience(writing: Published, source: Path, tmp_path: Path, run: Run) -> None:
    for file in source.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    users = pl.read_csv(source / "users.csv")
    seniority = users["seniority"].mode()[0]
    newcomer = users.filter(pl.col("seniority") == seniority).head(1).with_columns(user_id=pl.lit(5000))
    pl.concat([users, newcomer], how="vertical_relaxed").write_csv(tmp_path / "users.csv")
    assert run("ingest", "--source-root", tmp_path, "--json").document["users"]["accepted"] == 1
    items = run("recommend", "--user", 5000, "-k", 5, "--json").document["items"]
    assert len(items) == 5
    assert {item["why"] for item in items} == {"popular with people like them"}


def test_similar_items(reading: Published, run: Run) -> None:
    document = run("similar-items", "--item", 3, "-k", 4, "--json").document
    assert [item["rank"] for item in document["items"]] == [1, 2, 3, 4]
    assert 3 not in {item["item_id"] for item in document["items"]}
    assert f"Like item 3, from release {reading.release_id}" in run("similar-items", "--item", 3).out


def test_similar_users(reading: Published, run: Run) -> None:
    document = run("similar-users", "--user", 2, "-k", 4, "--json").document
    assert [user["rank"] for user in document["users"]] == [1, 2, 3, 4] * 3
    assert {user["method"] for user in document["users"]} == {"combined", "co_engagement", "interests"}
    assert min(user["support"] for user in document["users"]) >= 2
    assert 2 not in {user["user_id"] for user in document["users"]}
    assert f"Like user 2, from release {reading.release_id}" in run("similar-users", "--user", 2).out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["recommend", "--user", "Ada"], ["User ids in this home are whole numbers", "'Ada'"]),
        (["recommend", "--user", "1_4"], ["User ids in this home are whole numbers", "'1_4'"]),
        (["recommend", "--user", "9" * 20], ["whole numbers of at most 64 bits", "'" + "9" * 20]),
        (["similar-items", "--item", "9999"], ["no such item", "'9999'"]),
        (["similar-items", "--item", "algebra"], ["Item ids in this home are whole numbers", "'algebra'"]),
        (["similar-users", "--user", "9999"], ["no similar users", "'9999'"]),
        (["recommend", "--user", "2", "--release", "x"], ["no such release", "'x'", "releases list"]),
        (["similar-items", "--item", "3", "--release", "x"], ["no such release", "'x'", "releases list"]),
        (["export", "--table", "metrics", "--out", "m.csv", "--release", "x"], ["no such release", "'x'"]),
    ],
    ids=lambda value: " ".join(value) if value[0].isalpha() else "",
)
def test_unknown_things_are_not_found(line: list[str], told: list[str], reading: Published, run: Run) -> None:
    require_refusal(run(*line), 5, *told)


@pytest.mark.parametrize("table", RELEASE_TABLES, ids=lambda table: table.name)
def test_every_table_of_a_release_is_exported(table, reading: Published, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    outcome = run("export", "--table", table.name, "--out", file)
    assert (outcome.code, outcome.err) == (0, "")
    frame = pl.read_parquet(file)
    assert f"{frame.height:,} rows of {table.name}, release {reading.release_id}" in outcome.out
    assert {*table.columns} <= {*frame.columns}
    assert frame.equals(frame.sort(table.key))


def test_export_as_csv(reading: Published, run: Run, tmp_path: Path) -> None:
    assert run("export", "--table", "recommendations", "--out", tmp_path / "lists.csv").code == 0
    frame = pl.read_csv(tmp_path / "lists.csv")
    assert frame.columns[:3] == ["user_id", "item_id", "rank"]
    assert set(frame["release_id"]) == {reading.release_id}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--table", "grades", "--out", "x.csv"], ["no such table", "'grades'", "recommendations, candidate_scores"]),
        (["--table", "metrics", "--out", "x.xlsx"], ["unknown file type", "'.xlsx'", ".parquet or .csv"]),
        (
            ["--table", "metrics", "--out", "no/such/x.csv"],
            ["the folder of --out does not exist", "'no/such'", "create it"],
        ),
    ],
    ids=" ".join,
)
def test_export_tells_what_it_cannot_write(options: list[str], told: list[str], reading: Published, run: Run) -> None:
    require_refusal(run("export", *options), 2, *told)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_export_tells_when_it_cannot_write(suffix: str, reading: Published, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    require_refusal(run("export", "--table", "metrics", "--out", folder), 2, f"cannot write {folder}", "another --out")


@pytest.mark.parametrize("line", READERS, ids=" ".join)
def test_empty_home_is_not_found_and_stays_empty(line: list[str], run: Run, home: Path) -> None:
    require_refusal(run(*line), 5, f"home {home} holds no dataset yet", "nightschool ingest")
    assert not home.exists()


@pytest.mark.parametrize("line", READERS[6:], ids=" ".join)
def test_home_without_a_release_asks_for_a_night(line: list[str], run: Run, source: Path) -> None:
    assert run("ingest", "--dataset", "learning", "--source-root", source).code == 0
    require_refusal(run(*line), 5, "no release is published yet", "nightschool retrain")


def test_all_that_is_stored_about_a_user_is_one_document(reading: Published, run: Run, tmp_path: Path) -> None:
    shown = run("export", "--user", 2)
    assert (shown.code, shown.document["user_id"]) == (0, 2)
    assert {"users", "interactions", "recommendations"} <= shown.document["tables"].keys()
    out = tmp_path / "user.json"
    assert run("export", "--user", 2, "--out", out, "--json").document == {"user_id": 2, "out": str(out)}
    assert (json.loads(out.read_text()), out.stat().st_mode & 0o777) == (shown.document, 0o600)
    require_refusal(run("export", "--user", 2, "--out", out), 2, "the file exists already")
    require_refusal(run("export", "--user", "nobody"), 5, "User ids in this home are whole numbers")


def test_an_export_is_of_a_table_or_of_a_user(reading: Published, run: Run, tmp_path: Path) -> None:
    require_refusal(run("export"), 2, "export takes either --table or --user")
    require_refusal(run("export", "--user", 2, "--table", "metrics"), 2, "export takes either --table or --user")
    require_refusal(run("export", "--table", "metrics"), 2, "no file to write to")
    require_refusal(run("export", "--user", 2, "--out", tmp_path / "x.csv"), 2, "end the name in .json")


def test_a_list_in_a_context_is_that_of_the_service(reading: Published, run: Run) -> None:
    plain = run("recommend", "--user", 2, "--json").document
    outcome = run("recommend", "--user", 2, "--context", "hour=8", "--json")
    assert outcome.err.startswith("context.hour changes nothing")
    told = ["item_id", "rank", "source", "reason"]
    assert [[item[name] for name in told] for item in outcome.document["items"]] == [
        [item[name] for name in told] for item in plain["items"]
    ]
    require_refusal(run("recommend", "--user", 2, "--context", "mobile"), 2, "NAME=VALUE")
    require_refusal(run("recommend", "--user", 2, "--context", "device=mobile"), 2, "use one of hour, weekday")
