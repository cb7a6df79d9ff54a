import json

import polars as pl
import pytest

from expectations import validation
from nightschool.columns import AVAILABLE_AT, EVENT_ID, ITEMS, QUARANTINE, REASON, ROW, SOURCE_ROW, USERS
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import ConfigurationError, DataRefused
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ledger import Ledger
from nightschool.ingest.quarantine.retry import retry
from nightschool.storage.quarantine.table import RETRIED, settle
from tests.ingest.logs import NOW, ROWS, Home

PEOPLE = {"files": ["users.csv"], "id": "id", "attributes": ["team"]}
THINGS = {"files": ["items.csv"], "id": "id", "title": "title", "ordinals": {"level": ["low", "high"]}}
NOTHING = {
    **dict.fromkeys(("rows_in", "already_known", "accepted", "quarantined"), 0),
    "reasons": {},
}


def try_again(home: Home, *repairs: tuple[str, str, int, dict]) -> dict:
    """The report of a retry: of these rows (table, file, row, what it says now), or of all as they are."""
    frame = pl.DataFrame(
        [(*place, json.dumps(row)) for *place, row in repairs],
        {"table": pl.String, "source_file": pl.String, "source_row": pl.Int64, "row": pl.String},
        orient="row",
    )
    ledger = Ledger(home.lake, NOW)
    context = IngestContext(home.manifest, home.root, home.lake, ledger, validation, first_seen=NOW, now=NOW)
    report = retry(context, frame if repairs else None).to_dict()
    for counts in report.values():
        assert counts["rows_in"] == counts["already_known"] + counts["accepted"] + counts["quarantined"]
        assert counts["quarantined"] == sum(counts["reasons"].values())
    return report


def log_row(number: int, line: str, file: str = "log.csv") -> tuple[str, str, int, dict]:
    return ("interactions", file, number, dict(zip(("user", "item", "rating", "at"), line.split(","), strict=True)))


def lying(home: Home) -> list[tuple]:
    return home.lake.scan(QUARANTINE).sort("table", SOURCE_ROW).select("table", SOURCE_ROW, REASON).collect().rows()


@pytest.fixture
def log(tmp_path) -> Home:
    """Rows 4 and 5 of the log lie in quarantine."""
    home = Home(tmp_path)
    home.write([*ROWS, "1,9,9,2025-01-04", "1,9,4"])
    home.ingest()
    assert lying(home) == [("interactions", 4, "rating_out_of_range"), ("interactions", 5, "wrong_field_count")]
    return home


def test_repaired_row_comes_in_under_its_own_place_and_leaves(log):
    report = try_again(log, log_row(4, "1,9,4,2025-01-04"))
    assert report == {
        "interactions": {**NOTHING, "rows_in": 1, "accepted": 1},
        "users": NOTHING,
        "items": NOTHING,
    }
    assert log.rows().select("item_id", "rating", "source_file", SOURCE_ROW).row(3) == (9, 4.0, "log.csv", 4)
    assert lying(log) == [("interactions", 5, "wrong_field_count")]


def test_line_that_was_repaired_is_taken_apart(log):
    report = try_again(log, ("interactions", "log.csv", 5, {"line": "1,9,4,2025-01-05"}))
    assert report["interactions"]["accepted"] == 1
    assert log.rows()[SOURCE_ROW].to_list() == [1, 2, 3, 5]


def test_row_that_is_still_bad_stays_with_its_new_reason_and_its_repair(log):
    report = try_again(log, log_row(4, "1,,4,2025-01-04"), ("interactions", "log.csv", 5, {"line": "x"}))
    counts = report["interactions"]
    assert (counts["accepted"], counts["reasons"]) == (0, {"missing_item": 1, "wrong_field_count": 1})
    assert lying(log) == [("interactions", 4, "missing_item"), ("interactions", 5, "wrong_field_count")]
    assert json.loads(log.rows(QUARANTINE)[ROW][0])["item"] == ""


def test_rows_as_they_are_stay_where_nothing_changed(log):
    before = lying(log)
    report = try_again(log)
    assert report["interactions"] == {
        **NOTHING,
        "rows_in": 2,
        "quarantined": 2,
        "reasons": {"rating_out_of_range": 1, "wrong_field_count": 1},
    }
    assert lying(log) == before


def test_row_that_was_not_kept_stays_as_it_is(log):
    rows = log.lake.scan(QUARANTINE).with_columns(pl.when(pl.col(SOURCE_ROW) != 4).then(ROW).alias(ROW))
    log.lake.overwrite(QUARANTINE, rows.collect().lazy())
    counts = try_again(log)["interactions"]
    assert (counts["quarantined"], counts["accepted"]) == (2, 0)
    assert lying(log) == [("interactions", 4, "rating_out_of_range"), ("interactions", 5, "wrong_field_count")]


def test_next_ingest_knows_rows_that_were_retried(log):
    try_again(log, log_row(4, "1,9,4,2025-01-04"))
    again = log.ingest().interactions
    assert (again.already_known, again.accepted) == (5, 0)
    log.write([*ROWS, "1,9,9,2025-01-04", "1,9,4", "2,9,4,2025-01-06"])
    assert log.ingest().interactions.accepted == 1
    assert log.rows()[SOURCE_ROW].to_list() == [1, 2, 3, 4, 6]


def test_row_that_is_not_in_quarantine_is_refused_and_named(log):
    for strange in (log_row(3, ROWS[2]), log_row(4, ROWS[2], "other.csv"), ("users", "log.csv", 4, {})):
        place = f"{strange[0]} {strange[1]} row {strange[2]}"
        with pytest.raises(DataRefused, match=f"1 repaired rows are not in quarantine; saw '{place}'"):
            try_again(log, log_row(4, "1,9,4,2025-01-04"), strange)
    assert log.rows().height == 3
    assert len(lying(log)) == 2


def test_rows_of_a_log_that_the_manifest_describes_anew_are_refused(log):
    log.manifest = Manifest.model_validate(
        {
            **log.manifest.model_dump(),
            "interactions": {"files": ["log.csv"], "user": "item", "item": "user"},
            "score": "implicit",
        }
    )
    with pytest.raises(ConfigurationError, match=r"\[interactions\] is no longer what log\.csv"):
        try_again(log, log_row(4, "1,9,4,2025-01-04"))


def test_users_that_arrived_late_let_their_interactions_in(tmp_path):
    home = Home(tmp_path, users=PEOPLE)
    home.write(["1,red"], "users.csv", "id,team\n")
    home.write([*ROWS, "3,7,9,2025-01-05"])
    home.ingest()
    assert lying(home) == [("interactions", 3, "unknown_user"), ("interactions", 4, "rating_out_of_range")]
    home.write(["1,red", "2,blue"], "users.csv", "id,team\n")
    home.ingest()
    assert home.report.released == 1
    counts = try_again(home)["interactions"]
    assert (counts["accepted"], counts["reasons"]) == (0, {"rating_out_of_range": 1})
    assert home.rows()[SOURCE_ROW].to_list() == [1, 2, 3]


def test_event_that_got_a_weight_comes_in(tmp_path):
    log = {"event": "event", "rating": None}
    home = Home(tmp_path, interactions=log, score="events")
    home.write(["1,7,2025-01-01,view", "1,8,2025-01-02,nod"], header="user,item,at,event\n")
    home.ingest()
    assert lying(home) == [("interactions", 2, "unknown_event")]
    home.manifest = Home(tmp_path, interactions=log, score="events", event_weights={"nod": 1.0}).manifest
    assert try_again(home)["interactions"]["accepted"] == 1


def test_event_with_a_known_id_stays_a_repeat(tmp_path):
    home = Home(tmp_path, interactions={"event_id": "id"})
    header = "id,user,item,rating,at\n"
    home.write(["e1,1,7,4,2025-01-01", "e1,1,7,4,2025-01-01", "e2,1,8,9,2025-01-02"], header=header)
    home.ingest()
    repaired = {"id": "e2", "user": "1", "item": "8", "rating": "5", "at": "2025-01-02"}
    counts = try_again(home, ("interactions", "log.csv", 3, repaired))["interactions"]
    assert counts["accepted"] == 1
    assert lying(home) == []
    assert home.rows()[EVENT_ID].to_list() == ["e1", "e2"]


@pytest.fixture
def shop(tmp_path) -> Home:
    """Users 1 and 2; a user without an id; two more rows for item 7, one of them bad; a bad change to item 8."""
    home = Home(tmp_path, users=PEOPLE, items=THINGS)
    home.write(["1,red", "2,blue", ",green"], "users.csv", "id,team\n")
    home.write(["7,A,low", "8,B,low"], "items.csv", "id,title,level\n")
    home.write(ROWS)
    home.ingest()
    home.write(["7,A,low", "7,Other,high", "8,B,new"], "items.csv", "id,title,level\n")
    home.ingest()
    assert lying(home) == [("items", 2, "duplicate_id"), ("items", 3, "bad_level"), ("users", 3, "missing_user")]
    return home


def test_repaired_users_and_items_come_in(shop):
    report = try_again(
        shop,
        ("users", "users.csv", 3, {"id": "3", "team": "green"}),
        ("items", "items.csv", 3, {"id": "8", "title": "B", "level": "high"}),
        ("items", "items.csv", 2, {"id": "9", "title": "Other", "level": "high"}),
    )
    assert (report["users"]["accepted"], report["items"]["accepted"]) == (1, 2)
    assert lying(shop) == []
    assert shop.rows(USERS).filter(pl.col("user_id") == 3)["team"].to_list() == ["green"]
    items = shop.lake.scan(ITEMS).sort("item_id", AVAILABLE_AT).select("item_id", "level").collect()
    assert items.rows() == [(7, "low"), (8, "low"), (8, "high"), (9, "high")]


def test_second_row_of_an_id_does_not_take_the_place_of_the_first(shop):
    report = try_again(shop)
    assert report["items"]["reasons"] == {"bad_level": 1, "duplicate_id": 1}
    assert shop.lake.scan(ITEMS).filter(pl.col("item_id") == 7).collect()["title"].to_list() == ["A"]


def test_repair_that_says_what_is_known_leaves_too(shop):
    report = try_again(shop, ("items", "items.csv", 3, {"id": "8", "title": "B", "level": "low"}))
    assert report["items"] == {**NOTHING, "rows_in": 1, "already_known": 1}
    assert ("items", 3, "bad_level") not in lying(shop)


def test_interaction_may_name_a_user_that_comes_in_with_it(shop):
    shop.write([*ROWS, "3,7,4,2025-01-04"])
    shop.ingest()
    report = try_again(shop, ("users", "users.csv", 3, {"id": "3", "team": "green"}), log_row(4, "3,7,4,2025-01-04"))
    assert (report["users"]["accepted"], report["interactions"]["accepted"]) == (1, 1)


REPAIRS = (
    ("users", "users.csv", 3, {"id": "3", "team": "green"}),
    ("items", "items.csv", 2, {"id": "9", "title": "Other", "level": "high"}),
    log_row(4, "3,9,4,2025-01-04"),
)


def kill_after(steps: int, shop: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry that dies; its steps: marks the rows, appends items, users, interactions, removes the marked rows."""
    shop.write([*ROWS, "3,9,9,2025-01-04"])
    shop.ingest()
    left = Countdown(steps)
    with monkeypatch.context() as patch:
        for name in ("append", "overwrite"):
            patch.setattr(shop.lake, name, left.before(getattr(shop.lake, name)))
        with pytest.raises(KeyboardInterrupt):
            try_again(shop, *REPAIRS)


def require_whole(shop: Home) -> None:
    assert shop.rows()[SOURCE_ROW].to_list() == [1, 2, 3, 4]
    assert shop.rows(USERS)["user_id"].sort().to_list() == [1, 2, 3]
    assert shop.lake.scan(ITEMS).collect()["item_id"].sort().to_list() == [7, 8, 9]
    assert lying(shop) == [("items", 3, "bad_level")]


@pytest.mark.faults
@pytest.mark.parametrize("steps", range(5))
def test_retry_that_was_killed_is_finished_by_the_same_repairs(shop, monkeypatch, steps):
    kill_after(steps, shop, monkeypatch)
    report = try_again(shop, *REPAIRS)
    assert sum(counts["rows_in"] for counts in report.values()) == 3
    require_whole(shop)


@pytest.mark.faults
@pytest.mark.parametrize("steps", range(1, 5))
def test_retry_that_was_killed_is_finished_without_its_file(shop, monkeypatch, steps):
    kill_after(steps, shop, monkeypatch)
    try_again(shop)
    require_whole(shop)


@pytest.mark.parametrize("steps", range(1, 5))
def test_what_the_tables_hold_leaves_the_quarantine_without_another_retry(shop, monkeypatch, steps):
    kill_after(steps, shop, monkeypatch)
    marked = {("items", 2, RETRIED), ("users", 3, RETRIED), ("interactions", 4, RETRIED)}
    assert marked < {*lying(shop)}
    settle(shop.lake)
    assert len(marked & {*lying(shop)}) == 4 - steps
    try_again(shop)
    require_whole(shop)


def test_retry_that_was_killed_before_it_began_changed_nothing(shop, monkeypatch):
    before = lying(shop)
    kill_after(0, shop, monkeypatch)
    assert {*before} == {*lying(shop)} - {("interactions", 4, "rating_out_of_range")}
    assert not (shop.root / "incoming").exists()


class Countdown:
    """Kills whoever takes a step too many."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def before(self, step):
        def counted(*arguments):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            step(*arguments)

        return counted
