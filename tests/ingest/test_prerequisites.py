"""Prerequisites and skills come in as lists; cycles are refused by name, and ids that match no item are counted."""

from collections.abc import Mapping

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations import validation
from nightschool.columns import DETAIL, INTERACTIONS, ITEM_ID, ITEMS, QUARANTINE, REASON, SOURCE_ROW, WITHDRAWN
from nightschool.data.manifest.manifest import Items
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.entities import newest_of_each_id
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from nightschool.ingest.prerequisites import mark_cycles, without_cycles
from nightschool.ingest.quarantine.retry import retry
from tests.ingest.entities import MONDAY, TUESDAY, Home

WEDNESDAY = TUESDAY + (TUESDAY - MONDAY)
PART = Items.model_validate(
    {
        "files": ["items.csv"],
        "id": "id",
        "title": "title",
        "prerequisites": {"column": "needs", "separator": ";"},
        "skills": {"column": "builds", "separator": ";"},
    }
)


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path)
    home.manifest = home.manifest.model_copy(update={"items": PART})
    home.write("log.csv", "user,item\n1,a\n2,z\n")
    return home


def catalogue(home: Home, needs: Mapping[str, str], at=MONDAY) -> dict:
    """Ingest a catalogue of these items, and z, which needs nothing."""
    rows = "".join(f"{item},T {item},{named},\n" for item, named in {**needs, "z": ""}.items())
    home.write("items.csv", "id,title,needs,builds\n" + rows)
    return home.ingest(at)["items"]


def now(home: Home) -> dict[str, list[str]]:
    newest = newest_of_each_id(home.lake.scan(ITEMS).collect(), ITEM_ID)
    rows = newest.filter(~pl.col(WITHDRAWN).fill_null(value=False), pl.col(ITEM_ID) != "z")
    return dict(rows.select(ITEM_ID, "needs").sort(ITEM_ID).iter_rows())


def refused(home: Home) -> list[tuple]:
    rows = home.lake.scan(QUARANTINE).filter(pl.col("table") == "items").sort(SOURCE_ROW)
    return rows.select(REASON, DETAIL).collect().rows()


def notes(home: Home, at=MONDAY) -> tuple[str, ...]:
    context = IngestContext(home.manifest, home.root, home.lake, Ledger(home.lake, at), validation, at, at)
    return ingest(context).warnings


def test_lists_of_ids_and_skills(home):
    home.write("items.csv", "id,title,needs,builds\na,A,,sql; joins \nb,B,a;c,\nc,C,a,\n")
    home.ingest()
    assert now(home) == {"a": [], "b": ["a", "c"], "c": ["a"]}
    assert home.lake.scan(ITEMS).sort(ITEM_ID).collect()["builds"].to_list() == [["sql", "joins"], [], []]
    assert home.manifest.item_columns.lists == ()
    assert (home.manifest.item_columns.prerequisites, home.manifest.item_columns.skills) == ("needs", "builds")


def test_column_that_is_a_list_of_labels_too(home):
    home.describe("items", lists={"builds": "|"})
    home.write("items.csv", "id,title,needs,builds\na,A,,sql|joins\n")
    home.ingest()
    assert home.lake.scan(ITEMS).collect()["builds"].to_list() == [["sql", "joins"]]
    assert home.manifest.item_columns.lists == ("builds",)


def test_prerequisites_of_a_cycle_are_set_aside_and_the_items_come_in(home):
    report = catalogue(home, {"a": "b", "b": "c", "c": "a", "d": "a", "e": "e", "f": ""})
    assert (report["accepted"], report["reasons"]) == (7, {"prerequisite_cycle": 4})
    assert refused(home) == [
        ("prerequisite_cycle", "a → b → c → a"),
        ("prerequisite_cycle", "a → b → c → a"),
        ("prerequisite_cycle", "a → b → c → a"),
        ("prerequisite_cycle", "e → e"),
    ]
    assert now(home) == {"a": [], "b": [], "c": [], "d": ["a"], "e": [], "f": []}


def test_delivery_that_closes_a_cycle_with_older_rows(home):
    catalogue(home, {"a": "", "b": "a", "c": "b"})
    assert catalogue(home, {"a": "c", "b": "a", "c": "b"}, TUESDAY)["reasons"] == {"prerequisite_cycle": 3}
    assert refused(home)[0] == ("prerequisite_cycle", "a → c → b → a")
    assert now(home) == {"a": [], "b": [], "c": []}
    assert catalogue(home, {"a": "", "b": "a", "c": "b", "d": "c"}, WEDNESDAY)["accepted"] == 3
    assert refused(home) == []


def test_partial_delivery_that_closes_a_cycle(home):
    home.describe("items", files=("items*.csv",), complete=False)
    catalogue(home, {"a": "", "b": "a"})
    home.write("items-2.csv", "id,title,needs,builds\na,A,b,\nx,X,,\n")
    home.ingest(TUESDAY)
    assert refused(home) == [("prerequisite_cycle", "a → b → a")]
    assert now(home) == {"a": [], "b": ["a"], "x": []}


def test_withdrawn_item_closes_no_cycle(home):
    catalogue(home, {"a": "b", "b": ""})
    catalogue(home, {"b": ""}, TUESDAY)
    assert catalogue(home, {"b": "a"}, WEDNESDAY)["accepted"] == 1


def test_interactions_do_not_wait_for_an_item_of_a_cycle(home):
    catalogue(home, {"a": "a", "b": ""})
    assert home.lake.scan(INTERACTIONS).collect()[ITEM_ID].sort().to_list() == ["a", "z"]


def test_repaired_row_comes_in_and_one_that_still_closes_a_cycle_does_not(home):
    catalogue(home, {"a": "b", "b": "a", "c": ""})
    context = IngestContext(
        home.manifest, home.root, home.lake, Ledger(home.lake, TUESDAY), validation, TUESDAY, TUESDAY
    )
    assert retry(context).tables["items"].reasons == {"prerequisite_cycle": 2}
    lying = home.lake.scan(QUARANTINE).filter(pl.col("table") == "items").sort(SOURCE_ROW).collect()
    repairs = lying.select("table", "source_file", SOURCE_ROW, pl.col("row").str.replace('"needs":"b"', '"needs":""'))
    assert retry(context, repairs).tables["items"].accepted == 1
    assert now(home) == {"a": [], "b": ["a"], "c": []}


def test_repaired_row_of_a_cycle_changes_the_prerequisites_alone(home):
    home.describe("items", files=("items*.csv",), complete=False)
    catalogue(home, {"a": "b", "b": "a", "c": ""})
    home.write("items-2.csv", "id,title,needs,builds\nb,B of today,,\n")
    home.ingest(TUESDAY)
    context = IngestContext(
        home.manifest, home.root, home.lake, Ledger(home.lake, WEDNESDAY), validation, WEDNESDAY, WEDNESDAY
    )
    lying = home.lake.scan(QUARANTINE).filter(pl.col("table") == "items").sort(SOURCE_ROW).collect()
    repairs = lying.select("table", "source_file", SOURCE_ROW, pl.col("row").str.replace('"needs":"b"', '"needs":""'))
    retry(context, repairs)
    assert now(home) == {"a": [], "b": ["a"], "c": []}
    rows = home.lake.scan(ITEMS).filter(pl.col(ITEM_ID) == "b").sort("available_at").collect()
    assert rows["title"][-1] == "B of today"


def test_ids_that_match_no_item_are_counted_until_the_item_comes(home):
    home.write("items.csv", "id,title,needs,builds\na,A,none;Algebra,\nb,B,a;c;Algebra;-,\n")
    (note,) = notes(home)
    assert note == "items: 3 of 4 prerequisites match no item, such as 'Algebra', 'c'; none is guessed"
    assert refused(home) == []
    home.write("items.csv", "id,title,needs,builds\na,A,,\nb,B,a;c,\nc,C,,\n")
    assert notes(home, TUESDAY) == ()


def test_file_without_the_columns_has_neither(home):
    home.write("items.csv", "id,title\na,A\n")
    assert notes(home) == (
        "items.csv has no column needs: its items have no prerequisites",
        "items.csv has no column builds: its items have no skills",
    )
    assert "needs" not in home.lake.scan(ITEMS).collect().columns
    assert notes(home, TUESDAY) == ()
    home.write("items.csv", "id,title,needs\na,A,\nb,B,a\n")
    assert notes(home, WEDNESDAY) == ("items.csv has no column builds: its items have no skills",)
    assert now(home) == {"a": [], "b": ["a"]}


GIVEN = st.dictionaries(st.integers(0, 5), st.lists(st.integers(0, 6), max_size=3), max_size=6)


@settings(deadline=None)
@given(GIVEN, GIVEN)
def test_what_comes_in_never_holds_a_cycle(first, second):
    state = frame({})
    for delivery in (first, second):
        rows = frame(delivery).with_columns(
            pl.lit(None, pl.String).alias(REASON), pl.lit(None, pl.String).alias(DETAIL)
        )
        marked = mark_cycles(rows, state, PART)
        good = pl.concat([marked.filter(pl.col(REASON).is_null()), without_cycles(marked, PART)]).drop(REASON, DETAIL)
        state = pl.concat([state.join(good, on=ITEM_ID, how="anti"), good])
        left = {item: {*needs} & {*state[ITEM_ID]} for item, needs in zip(state[ITEM_ID], ids(state), strict=True)}
        while free := {item for item, needs in left.items() if not needs & left.keys()}:
            left = {item: needs for item, needs in left.items() if item not in free}
        assert not left


def frame(needs: Mapping[int, list[int]]) -> pl.DataFrame:
    lists = [[str(each) for each in named] for named in needs.values()]
    columns = {ITEM_ID: pl.Series([*needs], dtype=pl.Int64), "needs": pl.Series(lists, dtype=pl.List(pl.String))}
    return pl.DataFrame(columns).with_columns(pl.lit(None, pl.Boolean).alias(WITHDRAWN))


def ids(state: pl.DataFrame) -> list[list[int]]:
    return [[int(each) for each in named] for named in state["needs"]]
