"""What bad input gets: an exit code with one clear line, or a quarantined row with its reason."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nightschool import columns
from nightschool.application.home import open_home
from nightschool.storage.lock import home_lock
from tests.cli.conftest import Outcome, Run, require_refusal

MANIFEST = """
name = "tiny"
score = "rating"
[interactions]
files = ["ratings.csv"]
user = "user"
item = "item"
rating = { column = "rating", min = 1, max = 5 }
[interactions.format]
kind = "csv"
header = HEADER
columns = COLUMNS
[users]
files = ["users.csv"]
id = "user"
attributes = ["city"]
[items]
files = ["items.csv"]
id = "item"
title = "title"
"""
USERS = {user: f"{user},Kraków" for user in range(1, 6)}
ITEMS = {item: f"{item},Lesson {item}" for item in range(1, 7)}
RATINGS = [f"{user},{item},{1 + (user * item) % 5}" for user in USERS for item in ITEMS]


class Source:
    """Five users, six items and every rating, to be spoilt."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder = folder
        self.manifest = folder / "tiny.toml"
        self._run = run
        self.describe()
        self.write("users.csv", ["user,city", *USERS.values()])
        self.write("items.csv", ["item,title", *ITEMS.values()])
        self.write("ratings.csv", ["user,item,rating", *RATINGS])

    def describe(self, header: bool = True) -> None:
        columns = [] if header else ["user", "item", "rating"]
        text = MANIFEST.replace("HEADER", str(header).lower()).replace("COLUMNS", json.dumps(columns))
        self.manifest.write_text(text, encoding="utf-8")

    def write(self, name: str, lines: list[str], encoding: str = "utf-8") -> None:
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding=encoding)

    def append(self, name: str, *lines: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    def ingest(self) -> Outcome:
        return self._run("ingest", "--dataset", self.manifest, "--source-root", self.folder, "--json")

    def quarantined(self, table: str, reasons: dict[str, int]) -> list[dict[str, Any]]:
        """The table's quarantined rows, after an ingest that put just these aside and nothing else."""
        outcome = self.ingest()
        assert (outcome.code, outcome.err) == (0, "")
        assert {name: counts["reasons"] for name, counts in outcome.document.items() if counts["reasons"]} == {
            table: reasons
        }
        rows = open_home().lake.scan(columns.QUARANTINE).filter(pl.col("table") == table).collect()
        return sorted(rows.to_dicts(), key=lambda row: int(row["source_row"]))


@pytest.fixture
def source(tmp_path: Path, run: Run) -> Source:
    folder = tmp_path / "source"
    folder.mkdir()
    return Source(folder, run)


def test_good_input_is_taken_in(source: Source) -> None:
    outcome = source.ingest()
    none = {"already_known": 0, "quarantined": 0, "reasons": {}}
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.document == {
        "interactions": {"rows_in": 30, "accepted": 30, **none},
        "users": {"rows_in": 5, "accepted": 5, **none},
        "items": {"rows_in": 6, "accepted": 6, **none},
    }


# What refuses everything


def lose_a_file(source: Source) -> None:
    (source.folder / "ratings.csv").unlink()


def rename_a_column(source: Source) -> None:
    source.write("ratings.csv", ["user,course,rating", *RATINGS])


def change_the_separator(source: Source) -> None:
    source.write("ratings.csv", [line.replace(",", ";") for line in ["user,item,rating", *RATINGS]])


def change_the_separator_without_a_header(source: Source) -> None:
    source.describe(header=False)
    source.write("ratings.csv", [line.replace(",", ";") for line in RATINGS])


def empty_the_file(source: Source) -> None:
    source.write("ratings.csv", [])


def leave_the_header_alone(source: Source) -> None:
    source.write("ratings.csv", ["user,item,rating"])


def use_other_ids(source: Source) -> None:
    source.write("ratings.csv", ["user,item,rating", *(f"9{line}" for line in RATINGS)])


def use_another_scale(source: Source) -> None:
    source.write("ratings.csv", ["user,item,rating", *(f"{line}0" for line in RATINGS)])


def use_another_encoding(source: Source) -> None:
    source.write("items.csv", ["item,title", *ITEMS.values(), "7,Café"], encoding="latin-1")


@pytest.mark.parametrize(
    ("spoil", "code", "told"),
    [
        (lose_a_file, 5, ["no file ratings.csv", "--source-root"]),
        (rename_a_column, 3, ["ratings.csv has no column item", "user, course, rating", "check the manifest"]),
        (change_the_separator, 3, ["ratings.csv has no column", "user;item;rating", "separator"]),
        (change_the_separator_without_a_header, 3, ["3 columns", "1 fields", "separator (now ',')"]),
        (empty_the_file, 3, ["ratings.csv holds no rows", "check the file"]),
        (leave_the_header_alone, 3, ["ratings.csv holds no rows", "check the file"]),
        (use_other_ids, 3, ["interactions", "unknown_user 30", "check the manifest against the files"]),
        (use_another_scale, 3, ["interactions", "rating_out_of_range 30", "check the manifest against the files"]),
        (use_another_encoding, 3, ["items.csv is not utf-8", "e9", 'encoding = "latin-1"']),
    ],
)
def test_refused(spoil: Callable[[Source], None], code: int, told: list[str], source: Source) -> None:
    spoil(source)
    require_refusal(source.ingest(), code, *told)


def test_file_that_was_changed_in_place_is_set_aside(source: Source) -> None:
    assert source.ingest().code == 0
    source.write("ratings.csv", ["user,item,rating", *(f"{line[:-1]}{6 - int(line[-1])}" for line in RATINGS)])
    again = source.ingest()
    assert (again.code, again.document["interactions"]["set_aside"]) == (0, 30)
    assert "ratings.csv was left out (set aside)" in again.err
    assert "nightschool sources accept 'ratings.csv'" in again.err


def test_refused_batch_writes_nothing_and_binds_nobody(source: Source, tmp_path: Path, run: Run, home: Path) -> None:
    use_another_scale(source)
    assert source.ingest().code == 3
    assert not (home / "lake").exists()
    other = tmp_path / "other"
    other.mkdir()
    another = Source(other, run)
    another.manifest.write_text(another.manifest.read_text().replace('"tiny"', '"other"'))
    assert another.ingest().code == 0


# What is put aside with its reason


def test_header_in_the_data(source: Source) -> None:
    source.describe(header=False)
    (row,) = source.quarantined("interactions", {"header_in_data": 1})
    assert (row["source_file"], row["source_row"]) == ("ratings.csv", 1)
    assert json.loads(row["row"]) == {"user": "user", "item": "item", "rating": "rating"}


def test_extra_line(source: Source) -> None:
    source.append("ratings.csv", "", "31 rows in total")
    (row,) = source.quarantined("interactions", {"wrong_field_count": 1})
    assert (row["source_row"], row["detail"]) == (31, "1 fields where 3 are expected")
    assert json.loads(row["row"]) == {"line": "31 rows in total"}


def test_ids_that_do_not_join(source: Source) -> None:
    source.append("ratings.csv", "77,1,3", "1,88,3")
    rows = source.quarantined("interactions", {"unknown_item": 1, "unknown_user": 1})
    assert [(row["reason"], row["detail"]) for row in rows] == [("unknown_user", "77"), ("unknown_item", "88")]


def test_ratings_out_of_range(source: Source) -> None:
    source.append("ratings.csv", "1,1,0", "1,1,5.5", "1,1,good")
    rows = source.quarantined("interactions", {"bad_rating": 1, "rating_out_of_range": 2})
    assert [row["detail"] for row in rows] == ["0.0", "5.5", "good"]


def test_duplicate_user_ids(source: Source) -> None:
    source.append("users.csv", "3,Gdańsk")
    (row,) = source.quarantined("users", {"duplicate_id": 1})
    assert (row["source_row"], row["detail"]) == (6, "3")
    cities = open_home().lake.scan(columns.USERS).filter(pl.col("user_id") == 3).collect()["city"]
    assert cities.to_list() == ["Kraków"]


# The home


def test_busy_home(source: Source, home: Path, run: Run) -> None:
    assert source.ingest().code == 0
    bound = (home / "dataset.json").read_text()
    with home_lock(home / "lock"):
        for line in (["ingest"], ["retrain"], ["releases", "prune"], ["ingest", "--source-root", home]):
            require_refusal(run(*line), 6, f"home {home} is locked", "process", "wait for it to end")
    assert (home / "dataset.json").read_text() == bound


def test_busy_new_home_is_not_bound_by_the_second(source: Source, home: Path) -> None:
    with home_lock(home / "lock"):
        require_refusal(source.ingest(), 6, "is locked")
    assert not (home / "dataset.json").exists()


@pytest.mark.parametrize("command", ["ingest", "retrain", "evaluate"])
def test_home_of_another_dataset(command: str, source: Source, home: Path, run: Run) -> None:
    assert source.ingest().code == 0
    place = [] if command == "evaluate" else ["--source-root", source.folder]
    other = source.folder / "other.toml"
    other.write_text(source.manifest.read_text().replace('"tiny"', '"other"'))
    outcome = run(command, "--dataset", other, *place)
    require_refusal(outcome, 2, f"home {home} holds dataset 'tiny'", "other", "use another --home")


# What describes the data


@pytest.mark.parametrize("command", ["ingest", "retrain"])
def test_unknown_dataset(command: str, source: Source, run: Run) -> None:
    outcome = run(command, "--dataset", "nope", "--source-root", source.folder)
    require_refusal(outcome, 2, "no such manifest", "'nope'", "learning", "movielens-100k")


@pytest.mark.parametrize("command", ["ingest", "retrain"])
def test_new_home_needs_to_know_what_it_will_hold(command: str, source: Source, home: Path, run: Run) -> None:
    require_refusal(run(command), 2, f"home {home} is new", "give --dataset")
    require_refusal(run(command, "--dataset", "learning"), 2, f"home {home} is new", "give --source-root")
    nowhere = source.folder / "nowhere"
    require_refusal(run(command, "--dataset", "learning", "--source-root", nowhere), 5, nowhere, "--source-root")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = ", ["is not valid TOML", "correct the file"]),
        (MANIFEST.replace('user = "user"', ""), ["interactions.user", "the key is missing"]),
        (MANIFEST.replace("score =", "scores ="), ["score", "missing"]),
        (MANIFEST.replace('kind = "csv"', 'kind = "xml"'), ["'xml' is not known", "csv"]),
        (MANIFEST.replace("min = 1", "min = 9"), ["interactions.rating", "min must be below max"]),
    ],
)
def test_manifest_that_describes_nothing(text: str, told: list[str], source: Source) -> None:
    source.manifest.write_text(text.replace("HEADER", "true").replace("COLUMNS", "[]"))
    require_refusal(source.ingest(), 2, source.manifest, *told)
