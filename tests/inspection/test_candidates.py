import pytest

from nightschool.inspection.candidates import find_candidates
from nightschool.inspection.looks import families_of, look_at
from tests.inspection.conftest import NOW, lines, ratings

HEADER = "user_id,item_id,rating,time"


@pytest.fixture
def candidates_of(put):
    def candidates(**files):
        names = {name.replace("__", "-") + ".csv": text for name, text in files.items()}
        return find_candidates(families_of([look_at(put(name, text)) for name, text in names.items()]), NOW)

    return candidates


def names(candidate):
    return candidate.family.file_names


def test_the_richest_log_comes_first(candidates_of):
    rows = ratings()
    bare = lines("user_id,item_id", *(",".join(row.split(",")[:2]) for row in rows))
    first, second = candidates_of(a=bare, b=lines(HEADER, *rows), c=lines("id,title", "1,x y"))
    assert (names(first), names(second)) == (["b.csv"], ["a.csv"])


def test_the_largest_of_equals_comes_first(candidates_of):
    rows = ratings()
    first, second = candidates_of(part=lines(HEADER, *rows[:20]), whole=lines(HEADER, *rows))
    assert (names(first), names(second)) == (["whole.csv"], ["part.csv"])


def test_a_holdout_comes_last(candidates_of):
    rows = ratings()
    *_, last = candidates_of(train=lines(HEADER, *rows[:20]), test=lines(HEADER, *rows[20:]))
    assert names(last) == ["test.csv"]
    assert last.family.is_holdout


def test_files_of_a_family_are_read_together(candidates_of):
    rows = ratings()
    (only,) = candidates_of(e__1=lines(HEADER, *rows[:24]), e__2=lines(HEADER, *rows[24:]))
    assert names(only) == ["e-1.csv", "e-2.csv"]
    assert only.left_out == {}


def test_files_that_do_not_fit_are_left_out_of_a_family(candidates_of):
    rows = ratings(12, 8)
    (only,) = candidates_of(
        e__1=lines(HEADER, *rows[:40]),
        e__2=lines(HEADER, *rows[20:60]),
        e__3=lines(HEADER, *(f"{row}000" for row in rows[60:70])),
        e__4=lines(HEADER, *map(_spelt, rows[70:80])),
        e__5=lines("user_id,item_id,rating,when", *rows[80:90]),
    )
    assert names(only) == ["e-1.csv"]
    assert only.left_out == {
        "e-2.csv": "repeats rows of e-1.csv",
        "e-3.csv": "its time is not written as in the other files",
        "e-4.csv": "its rating holds no numbers",
        "e-5.csv": "has no column time",
    }
    assert only.files == ["e-1.csv", "e-2.csv", "e-3.csv", "e-4.csv", "e-5.csv"]


def _spelt(row):
    user, item, rating, time = row.split(",")
    return f"{user},{item},{['one', 'two', 'three', 'four', 'five'][int(rating) - 1]},{time}"


def test_ids_that_start_anew_in_each_file_are_no_event_ids(candidates_of):
    rows = ratings()
    numbered = [f"{place},{row}" for place, row in enumerate(rows)]
    again = [f"{place},{row}" for place, row in enumerate(rows[24:])]
    (one,) = candidates_of(a__1=lines(f"id,{HEADER}", *numbered[:24]), a__2=lines(f"id,{HEADER}", *numbered[24:]))
    (two,) = candidates_of(b__1=lines(f"id,{HEADER}", *numbered[:24]), b__2=lines(f"id,{HEADER}", *again))
    assert one.log.event_id.name == "id"
    assert two.log.event_id is None
    assert "counts the rows of its file" in two.log.remarks["event_id"]


def test_a_column_that_numbers_the_rows_of_one_file_is_no_event_id(candidates_of):
    numbered = [f"{place},{row}" for place, row in enumerate(ratings(), start=1)]
    (one,) = candidates_of(a=lines(f"id,{HEADER}", *numbered))
    assert one.log.event_id is None
    later = [f"{place},{row}" for place, row in enumerate(ratings(), start=70_001)]
    (two,) = candidates_of(a=lines(f"id,{HEADER}", *later))
    assert two.log.event_id.name == "id"


def test_catalogue_alone_is_no_candidate(candidates_of):
    assert candidates_of(a=lines("course_id,title", "1,x y", "2,y z", "3,z x")) == []
