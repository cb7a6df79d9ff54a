import polars as pl

from nightschool.columns import DETAIL, EVENT, ITEM_ID, LIKED, RATING, REASON, SOURCE_ROW, TEXT, TIMESTAMP, USER_ID
from nightschool.data.manifest import Manifest
from nightschool.data.normalise import (
    FAULT,
    RELEASED,
    IdMaps,
    IdTypes,
    normalise_interactions,
    normalise_items,
    normalise_users,
)
from nightschool.data.parsing import split_csv, to_lines

UNMAPPED = IdMaps()
NUMBERS = IdTypes(pl.Int64(), pl.Int64())
COLUMNS = ["user", "item", "rating", "time", "liked", "event", "seconds"]
LOG = {
    "files": ["log"],
    "user": "user",
    "item": "item",
    "rating": {"column": "rating", "min": 1, "max": 5},
    "timestamp": {"column": "time", "unit": "s"},
    "liked": "liked",
    "event": "event",
    "duration": "seconds",
}


def raw(text: str, columns: list[str]) -> pl.DataFrame:
    rows = split_csv(to_lines(text.encode()), tuple(columns), ",")
    return rows.select(pl.int_range(1, rows.height + 1, eager=True).cast(pl.Int64).alias(SOURCE_ROW), pl.all())


def interactions(text: str, *, score: str = "implicit", maps: IdMaps = UNMAPPED, header: bool = True) -> pl.DataFrame:
    form = {"kind": "csv"} if header else {"kind": "csv", "header": False, "columns": COLUMNS}
    manifest = Manifest.model_validate({"name": "x", "score": score, "interactions": {**LOG, "format": form}})
    return normalise_interactions(raw(text, COLUMNS), manifest.interactions[0], manifest, NUMBERS, maps)


def reasons(frame: pl.DataFrame) -> list[str | None]:
    return frame[REASON].to_list()


def test_good_row_has_typed_values():
    frame = interactions("1,2,4.5,881250949,true,view,30\n")
    assert frame.select(USER_ID, ITEM_ID, RATING, LIKED, EVENT).row(0) == (1, 2, 4.5, True, "view")
    assert frame[TIMESTAMP][0].year == 1997
    assert reasons(frame) == [None]


def test_missing_optional_values_are_no_fault():
    assert reasons(interactions("1,2,,,,,\n")) == [None]


def test_each_fault_has_its_code_and_its_value():
    lines = [
        ",2,,,,,",
        "1,,,,,,",
        "x,2,,,,,",
        "1,007,,,,,",
        "1,2,great,,,,",
        "1,2,,noon,,,",
        "1,2,,,hm,,",
        "1,2,,,,,nan",
    ]
    frame = interactions("\n".join(lines))
    assert reasons(frame) == [
        "missing_user",
        "missing_item",
        "bad_user",
        "bad_item",
        "bad_rating",
        "bad_timestamp",
        "bad_liked",
        "bad_duration",
    ]
    assert frame[DETAIL].to_list() == [None, None, "x", "007", "great", "noon", "hm", "nan"]


def test_first_fault_of_a_row_is_its_reason():
    assert reasons(interactions(",,great,noon,,,\n")) == ["missing_user"]


def test_row_that_could_not_be_split_keeps_that_reason():
    assert reasons(interactions("1,2\n1,2,,,,,\n")) == ["wrong_field_count", None]


def test_ratings_must_be_there_where_they_are_learned():
    assert reasons(interactions("1,2,,,,,\n1,2,3,,,,\n", score="rating")) == ["missing_rating", None]


def test_events_must_have_a_weight_where_they_are_learned():
    frame = interactions("1,2,,,,,\n1,2,,,,stare,\n1,2,,,,view,\n", score="events")
    assert reasons(frame) == ["missing_event", "unknown_event", None]


def test_ids_are_translated():
    maps = IdMaps(item=pl.DataFrame({"source": ["7", "8"], "target": ["70", "80"]}))
    frame = interactions("1,8,,,,,\n1,9,,,,,\n", maps=maps)
    assert frame[ITEM_ID].to_list() == [80, None]
    assert reasons(frame) == [None, "unknown_item"]


def test_header_in_a_headless_file_is_told():
    named = interactions("user,item,rating,time,liked,event,seconds\n1,2,,,,,\n", header=False)
    other = interactions("UserId,MovieId,Stars,At,Liked,Event,Len\n1,2,,,,,\n", header=False)
    assert reasons(named) == reasons(other) == ["header_in_data", None]


def test_bad_first_row_of_a_headless_file_is_no_header():
    assert reasons(interactions("x1,2,,,,,\n", header=False)) == ["bad_user"]


def test_header_again_behind_a_header_is_a_bad_row():
    assert reasons(interactions("user,item,rating,time,liked,event,seconds\n")) == ["bad_user"]


def test_users_have_attributes_and_lists():
    part = Manifest.model_validate(
        {
            "name": "x",
            "score": "implicit",
            "interactions": LOG,
            "users": {"files": ["u"], "id": "id", "attributes": ["role"], "lists": {"likes": "|"}},
        }
    ).users
    frame = normalise_users(raw("1,Student,a|b\n2,,\n", ["id", "role", "likes"]), part, pl.Int64())
    assert frame.drop(FAULT).rows() == [(1, "Student", ["a", "b"]), (2, None, [])]


def items_part(**more: object):
    items = {"files": ["i"], "id": "id", **more}
    return Manifest.model_validate({"name": "x", "score": "implicit", "interactions": LOG, "items": items}).items


def test_items_have_text_categories_ordinals_flags_and_lists():
    part = items_part(
        title="name",
        text=["name", "about"],
        categories=["kind"],
        ordinals={"level": ["low", "high"]},
        flags={"topics": ["sql", "r"]},
        lists={"tags": ";"},
        available={"column": "since", "unit": "iso"},
    )
    columns = ["id", "name", "about", "kind", "level", "sql", "r", "tags", "since"]
    text = "1,Joins,for all,video,low,1,0,a;b,2024-01-01\n2,Plots,,,,1,1,,\n"
    frame = normalise_items(raw(text, columns), part, pl.Int64())
    assert frame.select("item_id", "title", TEXT, "kind", "level", "topics", "tags").rows() == [
        (1, "Joins", "Joins for all", "video", "low", ["sql"], ["a", "b"]),
        (2, "Plots", "Plots", None, None, ["sql", "r"], []),
    ]
    assert [value and value.year for value in frame[RELEASED]] == [2024, None]
    assert reasons(frame) == [None, None]


def test_items_faults_name_their_column():
    part = items_part(ordinals={"level": ["low"]}, flags=["sql"], available={"column": "since", "unit": "iso"})
    frame = normalise_items(raw("1,mid,,\n2,,7,\n3,,,soon\n", ["id", "level", "sql", "since"]), part, pl.Int64())
    assert reasons(frame) == ["bad_level", "bad_flags", "bad_available"]


def test_items_without_text_have_none():
    frame = normalise_items(raw("1\n", ["id"]), items_part(), pl.Int64())
    assert frame.select("title", TEXT).row(0) == (None, None)
