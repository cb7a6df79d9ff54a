import polars as pl
import pytest

from nightschool.inspection.logs import guess_log
from nightschool.inspection.profiles import profile
from tests.inspection.conftest import NOW

N = 40


def columns(**values):
    """Profiles of forty rows; a value stands for a column of it, a list is repeated."""
    full = {
        name.replace("__", " "): pl.Series([given[row % len(given)] for row in range(N)])
        for name, given in values.items()
    }
    return [profile(name, column) for name, column in full.items()]


def log_of(invented=False, whole=True, **values):
    return guess_log(columns(**values), NOW, invented=invented, whole=whole)


USERS, ITEMS = [f"u{n}" for n in range(5)], [f"c{n}" for n in range(8)]
WHO = {"user_id": USERS, "course_id": ITEMS}
TIMES = [str(1_700_000_000 + n) for n in range(N)]


def test_names_tell_user_and_item_in_any_order():
    log = log_of(course_id=ITEMS, user_id=USERS)
    assert (log.user.name, log.item.name, log.named) == ("user_id", "course_id", 2)
    assert log.modes == ("implicit",)


def test_without_names_the_first_ids_are_user_and_item():
    log = log_of(invented=True, column_1=TIMES, column_2=USERS, column_3=ITEMS, column_4=["1", "5", "3"])
    assert (log.user.name, log.item.name, log.named) == ("column_2", "column_3", 0)
    assert (log.time.name, log.unit, log.rating.name) == ("column_1", "s", "column_4")


def test_a_name_that_only_mentions_an_item_is_enough():
    log = log_of(user_handle=USERS, assessment_tag=ITEMS, user_assessment_score=["0", "80", "134"])
    assert (log.user.name, log.item.name, log.rating.name) == ("user_handle", "assessment_tag", "user_assessment_score")


def test_an_id_beside_a_known_one_is_the_other():
    log = log_of(sid_uid=USERS, lesson=ITEMS)
    assert (log.user.name, log.item.name, log.named) == ("sid_uid", "lesson", 1)


@pytest.mark.parametrize("name", ["event_no", "eventNr", "Event Number", "activity_id"])
def test_numbers_of_events_that_come_again_are_items(name):
    log = log_of(user=USERS, **{name: ITEMS}, kind=["view", "buy"])
    assert (log.user.name, log.item.name, log.event.name, log.event_id) == ("user", name, "kind", None)


def test_types_of_events_and_ids_that_do_not_come_again_are_no_items():
    assert log_of(user=USERS, event=["view", "buy"], at=TIMES) is None
    assert log_of(user=USERS, event_id=[f"e{n}" for n in range(N)], at=TIMES) is None


@pytest.mark.parametrize(
    "values",
    [
        {"user_id": [f"u{n}" for n in range(N)], "country": ["AT", "DE"]},
        {"course_id": [f"c{n}" for n in range(N)], "title": ["x y"], "number of students": ["3", "9"]},
        {"user_id": [f"u{n}" for n in range(N)], "item_id": [f"c{n}" for n in range(N)]},
        {"course_id": ITEMS, "course_tags": ["a", "b", "c"]},
        {"user_id": [{"id": 1}], "course_id": ITEMS},
        {"user_id": [*USERS, None], "course_id": ITEMS},
    ],
)
def test_what_is_no_log(values):
    assert log_of(**values) is None


def test_ids_that_do_not_come_again_in_a_sample_may_do_so_later():
    once = [f"u{n}" for n in range(N)]
    assert log_of(user_id=once, item_id=ITEMS) is None
    assert log_of(whole=False, user_id=once, item_id=ITEMS) is not None


def test_sample_of_a_sorted_file_may_show_a_single_user():
    assert log_of(user_id=["u1"], item_id=ITEMS) is None
    assert log_of(whole=False, user_id=["u1"], item_id=ITEMS).user.name == "user_id"


@pytest.mark.parametrize(
    ("values", "modes"),
    [
        ({"rating": ["1", "5"], "seconds": ["3", "600"]}, ("rating", "engagement", "implicit")),
        ({"duration_seconds": ["3", "600"], "event": ["view", "like"]}, ("engagement", "events", "implicit")),
        ({"liked": ["true", "false"]}, ("engagement", "implicit")),
        ({"rating": ["0", "1"]}, ("engagement", "implicit")),
        ({"watch_seconds": [None, None, "600"], "action": ["view", "like"]}, ("events", "implicit")),
        ({"action": ["view"]}, ("implicit",)),
    ],
)
def test_modes_are_those_that_the_columns_allow_the_best_first(values, modes):
    assert log_of(**WHO, **values).modes == modes


@pytest.mark.parametrize(
    ("values", "role", "told"),
    [
        ({"rating": ["4,5", "3,0"]}, "rating", "decimal comma"),
        ({"rating": ["4 stars", "3 stars"]}, "rating", "no numbers"),
        ({"rating": ["4", "5", None]}, "rating", "missing in 32% of the rows"),
        ({"date": ["11.03.2024", "12.03.2024"]}, "timestamp", "dates such as '11.03.2024' could begin with the day"),
        ({"date_submitted": ["18", "22"]}, "timestamp", 'unit = "days"'),
        ({"date": ["2031-01-01"]}, "timestamp", "not the times of past events"),
        ({"duration_minutes": ["1", "20"]}, "duration", "another unit"),
        ({"duration": ["250000", "900000"]}, "duration", "from 250000 to 900000 are no seconds"),
        ({"duration": ["-1", "20"]}, "duration", "from -1 to 20 are no seconds"),
        ({"duration": ["1:20", "2:30"]}, "duration", "no numbers"),
    ],
)
def test_what_cannot_be_read_is_left_out_with_a_remark(values, role, told):
    log = log_of(**WHO, **values)
    assert told in log.remarks[role]
    assert log.modes == ("implicit",)
    assert log.time is None


def test_the_best_named_time_is_taken_and_others_are_offered():
    log = log_of(**WHO, registered=["2024-01-01"], created_at=["2024-01-02"])
    assert (log.time.name, log.unit, log.others["timestamp"]) == ("created_at", "iso", ("registered",))


def test_numbers_are_times_only_where_a_name_says_so():
    assert log_of(**WHO, phone=TIMES).time is None
    assert log_of(**WHO, ts=TIMES).time.name == "ts"


@pytest.mark.parametrize("name", ["event_id", "id", "uuid"])
def test_event_ids_differ_in_every_row(name):
    assert log_of(**WHO, **{name: TIMES}).event_id.name == name
    assert log_of(**WHO, **{name: TIMES[:-1]}).event_id is None


def test_weight_grows_with_what_is_known():
    bare, named = log_of(invented=True, column_1=USERS, column_2=ITEMS), log_of(**WHO)
    rich = log_of(**WHO, at=["2024-01-01"], rating=["1", "2"])
    assert bare.weight < named.weight < rich.weight


def test_swapped_exchanges_user_and_item():
    log = log_of(**WHO)
    assert (log.swapped().user, log.swapped().item) == (log.item, log.user)
