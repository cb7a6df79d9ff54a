from datetime import UTC, datetime

import polars as pl

from nightschool.columns import DETAIL, EVENT, ITEM_ID, LIKED, RATING, REASON, SOURCE_ROW, TEXT, TIMESTAMP, USER_ID
from nightschool.data.manifest.manifest import Items, Manifest, Users
from nightschool.data.normalization.normalise import (
    FAULT,
    IdMaps,
    IdTypes,
    normalise_interactions,
    normalise_items,
    normalise_users,
)
from nightschool.data.normalization.row_reader import RELEASED
from nightschool.data.readers.parsing import split_csv, to_lines

UNMAPPED = IdMaps()
VIEW = {"value": "view"}
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
        "1,2,,,,,long",
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
    assert frame[DETAIL].to_list() == [None, None, "x", "007", "great", "noon", "hm", "long"]


def test_first_fault_of_a_row_is_its_reason():
    assert reasons(interactions(",,great,noon,,,\n")) == ["missing_item"]


def test_row_that_could_not_be_split_keeps_that_reason():
    assert reasons(interactions("1,2\n1,2,,,,,\n")) == ["wrong_field_count", None]


def test_a_dislike_needs_no_rating():
    lines = ["1,2,,,,dislike,", "1,2,,,,hide,", "1,2,,,,view,", "1,2,,,,,"]
    assert reasons(interactions("\n".join(lines), score="rating")) == [None, None, "missing_rating", "missing_rating"]


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
    assert reasons(interactions("user,item,rating,time,liked,event,seconds\n")) == ["bad_item"]


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


def test_one_event_may_hold_for_a_whole_file():
    manifest = Manifest.model_validate(
        {"name": "x", "score": "events", "interactions": {"files": ["l"], "user": "u", "item": "i", "event": VIEW}}
    )
    frame = normalise_interactions(raw("1,2\n3,\n", ["u", "i"]), manifest.interactions[0], manifest, NUMBERS, UNMAPPED)
    assert frame[EVENT].to_list() == ["view", "view"]
    assert reasons(frame) == [None, "missing_item"]


def test_origins_are_looked_up_by_a_column_and_a_map():
    origin = {"column": "i", "dates": {"B": "2014-02-01"}, "map": {"file": "terms", "from": "id", "to": "term"}}
    log = {"files": ["l"], "user": "u", "item": "i", "timestamp": {"column": "t", "unit": "days", "origin": origin}}
    manifest = Manifest.model_validate({"name": "x", "score": "implicit", "interactions": log})
    maps = IdMaps(origin=pl.DataFrame({"source": ["7", "8"], "target": ["B", "C"]}))
    rows = raw("1,7,1\n1,8,1\n1,9,1\n1,7,\n", ["u", "i", "t"])
    frame = normalise_interactions(rows, manifest.interactions[0], manifest, NUMBERS, maps)
    assert frame[TIMESTAMP].to_list() == [datetime(2014, 2, 2, tzinfo=UTC), None, None, None]
    assert reasons(frame) == [None, "bad_timestamp", "bad_timestamp", None]


def test_codes_become_labels_and_numbers_are_found_in_text():
    part = Users(files=["u"], id="id", attributes=["job"], labels={"job": {"1": "artist"}}, numbers={"age": "number"})
    frame = normalise_users(raw("1,1,about 40\n2,9,\n3,,40-50\n4,,old\n", ["id", "job", "age"]), part, pl.Int64())
    assert frame["job"].to_list() == ["artist", None, None, None]
    assert frame["age"].to_list() == [40.0, None, None, None]
    assert (reasons(frame), frame["age"].dtype) == ([None, "bad_job", "bad_age", None], pl.Float64())


def test_items_have_numbers_and_dates_from_their_own_origins():
    since = {"column": "day", "unit": "days", "origin": {"column": "term", "dates": {"B": "2014-02-01"}}}
    part = Items(files=["i"], id="id", numbers={"length": "hours"}, available=since)
    columns = ["id", "length", "day", "term"]
    frame = normalise_items(raw("1,1h 30m,1,B\n2,Flexible,1,C\n3,2 modules,,\n", columns), part, pl.Int64())
    assert frame["length"].to_list() == [1.5, None, None]
    assert frame[RELEASED].to_list() == [datetime(2014, 2, 2, tzinfo=UTC), None, None]
    assert reasons(frame) == [None, "bad_available", "bad_length"]


def test_missing_values_as_text_are_no_faults_in_typed_columns():
    lines = [
        "1,2,NULL,\\N,N/A,view,NaN",
        "1,2,-,None,null,view,none",
        " 1\u00a0,2.0, 4 , 881250949 , true , view , 30 ",
    ]
    frame = interactions("\n".join(lines))
    assert reasons(frame) == [None] * 3
    assert frame.select(RATING, TIMESTAMP, LIKED).rows()[:2] == [(None, None, None)] * 2
    assert frame.select(USER_ID, ITEM_ID, RATING, LIKED, EVENT).row(2) == (1, 2, 4.0, True, "view")


def test_a_word_in_place_of_an_id_is_missing_and_a_rounded_one_mangled():
    frame = interactions("NULL,2,,,,,\n1,-,,,,,\n1.81534E+18,2,,,,,\n1,2E+17,,,,,\n,2,,,,,\n")
    assert reasons(frame) == ["missing_user", "missing_item", "mangled_id", "mangled_id", "missing_user"]
    assert frame[DETAIL].to_list() == ["NULL", "-", "1.81534E+18", "2E+17", None]


def test_listed_values_are_missing_everywhere_and_others_not_in_titles_and_attributes():
    part = {"files": ["f"], "id": "id", "title": "title", "categories": ["kind"], "missing": ["?", 0]}
    items = Items.model_validate(part)
    rows = normalise_items(raw("7,?,?\n0,None,0\n8,NULL,NULL\n9,-, Art \n", ["id", "title", "kind"]), items, pl.Int64())
    assert reasons(rows) == [None, "missing_item", None, None]
    assert rows["title"].to_list() == [None, "None", "NULL", "-"]
    assert rows["kind"].to_list() == [None, None, None, "Art"]
    users = Users.model_validate({"files": ["f"], "id": "id", "attributes": ["kind"], "labels": {"kind": {" a": "A"}}})
    assert normalise_users(raw("7, a\n", ["id", "kind"]), users, pl.Int64())["kind"].to_list() == ["A"]


def test_ratings_that_stand_for_none_are_no_faults():
    rating = {"column": "rating", "min": 1, "max": 10, "missing": [-1]}
    log = {**LOG, "rating": rating}
    manifest = Manifest.model_validate({"name": "x", "score": "rating", "interactions": log})
    rows = raw("1,2,-1,,,,\n1,3,-1.0,,,,\n1,4,7,,,,\n1,5,,,,,\n", COLUMNS)
    frame = normalise_interactions(rows, manifest.interactions[0], manifest, NUMBERS, UNMAPPED)
    assert frame[RATING].to_list() == [None, None, 7.0, None]
    assert reasons(frame) == [None, None, None, "missing_rating"]


def test_user_ids_may_be_folded():
    manifest = Manifest.model_validate({"name": "x", "score": "implicit", "fold_case": True, "interactions": LOG})
    types = IdTypes(pl.String(), pl.String())
    frame = normalise_interactions(
        raw("Ann@X.org,A,,,,,\n", COLUMNS), manifest.interactions[0], manifest, types, UNMAPPED
    )
    assert frame.select(USER_ID, ITEM_ID).row(0) == ("ann@x.org", "A")


def test_entities_in_titles_and_texts_are_letters():
    items = Items.model_validate({"files": ["f"], "id": "id", "title": "title", "text": ["title"]})
    rows = normalise_items(
        raw("7,Kimi&#039;s &quot;A &amp;amp; B&quot; &#x4e2d;\n8,R&D; AT&T\n", ["id", "title"]), items, pl.Int64()
    )
    assert rows["title"].to_list() == ['Kimi\'s "A &amp; B" 中', "R&D; AT&T"]
    assert rows["text"].to_list() == rows["title"].to_list()


def test_a_list_or_an_object_is_no_id_among_texts():
    log = {"files": ["log"], "user": "user", "item": "item"}
    manifest = Manifest.model_validate({"name": "x", "score": "implicit", "interactions": log})
    rows = raw('"{""id"": 5}",a\nx,[1]\nx,a\n', ["user", "item"])
    texts = IdTypes(pl.String(), pl.String())
    frame = normalise_interactions(rows, manifest.interactions[0], manifest, texts, UNMAPPED)
    assert reasons(frame) == ["bad_user", "bad_item", None]
