import pytest

from nightschool.errors import NotFound
from nightschool.inspection.survey import NOT_USED, survey
from tests.inspection.conftest import NOW, lines, ratings

HEADER = "user_id,item_id,rating,time"
ROWS = ratings(30, 20)
ITEMS = lines("item_id,title", *(f"{n},Part {n} of it" for n in range(1, 21)))
USERS = lines("user_id,country", *(f"{n},{'AT' if n % 2 else 'DE'}" for n in range(1, 31)))


@pytest.fixture
def uses(put, folder):
    """What each file of a folder is read as, and why."""

    def look(files):
        for name, content in files.items():
            put(name, content)
        found = survey(folder, NOW)
        return found, {finding.file: (finding.use, finding.why) for finding in found.findings}

    return look


def test_every_file_is_told_of(uses):
    found, told = uses(
        {
            "ratings.csv": lines(HEADER, *ROWS),
            "items.csv": ITEMS,
            "users.csv": USERS,
            "README.txt": "Some words.\nAnd others, as they come.\n",
            "empty.csv": "",
        }
    )
    assert told == {
        "README.txt": (NOT_USED, "is no table: no separator cuts its lines into the same number of fields"),
        "empty.csv": (NOT_USED, "is empty"),
        "items.csv": ("items", "item_id holds the items of 100% of the interactions"),
        "ratings.csv": ("interactions", "user_id and item_id, scored as rating"),
        "users.csv": ("users", "user_id holds the users of 100% of the interactions"),
    }
    ratings_finding = next(finding for finding in found.findings if finding.file == "ratings.csv")
    assert (ratings_finding.kind, ratings_finding.rows, ratings_finding.whole) == ("csv", 600, True)


def test_splits_of_the_log_are_not_read_beside_it(uses):
    splits = {f"u{n}.{part}": lines(*rows) for n in (1, 2) for part, rows in _split(n)}
    found, told = uses({"u.data": lines(*ROWS), **splits})
    assert found.main.files == ["u.data"]
    assert {told[name] for name in splits} == {(NOT_USED, "100% of its rows are in u.data too")}
    assert found.holdout is None


def _split(n):
    test = ROWS[100 * n : 100 * n + 120]
    return ("base", [row for row in ROWS if row not in test]), ("test", test)


def test_holdout_is_offered(uses):
    found, told = uses({"train.csv": lines(HEADER, *ROWS[:400]), "test.csv": lines(HEADER, *ROWS[400:])})
    assert found.holdout is not None
    assert found.holdout.name == "test.csv"
    assert told["test.csv"] == (NOT_USED, "a hold-out, by its name")


def test_other_logs_are_told_of(uses):
    grades = lines(
        "user_id,course,grade", *(f"{user},{course},{course}" for user in range(1, 9) for course in range(4))
    )
    _, told = uses({"log.csv": lines(HEADER, *ROWS), "grades.csv": grades, "more.csv": lines(HEADER, *_later())})
    assert told["grades.csv"][1].startswith("could be interactions too (user_id and course)")
    assert told["more.csv"] == (NOT_USED, "like log.csv, but named otherwise: add it to files if it belongs there")


def _later():
    return [f"{row[:-10]}{int(row[-10:]) + 9999}" for row in ROWS[:300]]


def test_names_are_told_without_what_a_terminal_obeys(uses):
    _, told = uses({"log.csv": lines(HEADER, *ROWS), "\x1b[31m.csv": "", "C:x.csv": ITEMS})
    assert told["\\u001b[31m.csv"] == (NOT_USED, "is empty")
    assert told["C:x.csv"] == (NOT_USED, "a manifest cannot hold its name: rename it")


def test_folder_without_interactions_says_what_is_missing(put, folder):
    put("courses.csv", lines("course_id,title", "1,x y", "2,y z", "3,z x"))
    for n in range(6):
        put(f"empty-{n}.csv", "")
    with pytest.raises(NotFound) as caught:
        survey(folder, NOW)
    told = str(caught.value)
    assert "No file below" in told
    assert "courses.csv: 3 rows, no two columns of ids of users and items" in told
    assert "and 2 more" in told
    assert "user_id,item_id,timestamp" in told


def test_log_that_turns_unreadable_beyond_the_sample_is_left_to_the_ingest(uses, monkeypatch):
    monkeypatch.setattr("nightschool.data.readers.heads.BLOCK_BYTES", 4000)
    log = lines(HEADER, *ROWS).encode() + b"1,1,\xff,1\n"
    _, told = uses({"log.csv": log, "copy.csv": lines(HEADER, *ROWS[:300])})
    assert told["log.csv"][0] == "interactions"
    assert told["copy.csv"][0] == NOT_USED


def test_pairs_that_nothing_tells_apart_are_noted(uses):
    again = [f"{n % 4},{n % 5}" for n in range(60)]
    found, _ = uses({"log.csv": lines("user_id,item_id", *again)})
    (note,) = found.notes
    assert note.startswith("67% of the interactions repeat a pair of user and item and nothing tells them apart")
    told = lines(
        "user_id,item_id,action", *(f"{row},view" for row in again[::2]), *(f"{row},like" for row in again[1::2])
    )
    assert uses({"log.csv": told})[0].notes == []
    dated = lines("user_id,item_id,date", *(f"{row},2024-01-01" for row in again))
    assert uses({"log.csv": dated})[0].notes == []
    assert uses({"log.csv": lines("user_id,item_id", *again[:20])})[0].notes == []


def test_a_log_is_read_with_its_rotated_parts(uses):
    parts = {"log.csv": lines(HEADER, *ROWS[:300]), "log.csv-20240101": lines(HEADER, *ROWS[300:])}
    found, told = uses(parts)
    assert {use for use, _ in told.values()} == {"interactions"}
    assert found.main.family.name == "log.csv*"


def test_ids_that_do_not_come_again_are_told(uses):
    with pytest.raises(NotFound, match=r"log\.csv: 50 rows, its users or items do not come again"):
        uses({"log.csv": lines("user,item", *(f"{n},{n}" for n in range(50)))})
