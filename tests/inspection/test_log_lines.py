import pytest

from nightschool.inspection.candidates import find_candidates
from nightschool.inspection.log_lines import log_lines, signal_lines, weight_lines
from nightschool.inspection.looks import families_of, look_at
from tests.inspection.conftest import NOW, lines


@pytest.fixture
def log_of(put):
    """The family and the log of one file, or of several named by number."""

    def log(*texts):
        looks = [look_at(put(f"log-{number}.csv", text)) for number, text in enumerate(texts)]
        (candidate,) = find_candidates(families_of(looks), NOW)
        return candidate.family, candidate.log

    return log


def keys(found):
    return {".".join(line.key): line.value for line in found if not line.only_offered}


PAIRS = [(user, item) for user in range(4) for item in range(5)]


def test_ratings(log_of):
    rows = [f"{user},{item},{1 + item % 4},{1_700_000_000 + 60 * user + item}" for user, item in PAIRS]
    family, log = log_of(lines("learner,course,rating,ts", *rows))
    assert keys(signal_lines(family, log)) == {"score": "rating", "relevant.rating_min": 4, "history": True}
    assert keys(log_lines(family, log)) == {
        "user": "learner",
        "item": "course",
        "rating.column": "rating",
        "rating.min": 1,
        "rating.max": 5,
        "timestamp.column": "ts",
        "timestamp.unit": "s",
    }
    assert weight_lines(family, log) == []


def test_scale_holds_the_ratings_of_all_files(log_of):
    texts = [
        lines("user,item,rating", *(f"{u},{n}{i},{top}" if i else f"{u},{n}{i},2" for u, i in PAIRS))
        for n, top in ((1, 4), (2, 9))
    ]
    family, log = log_of(*texts)
    assert keys(log_lines(family, log))["rating.max"] == 10


def test_halves_are_seen(log_of):
    family, log = log_of(lines("user,item,rating", *(f"{user},{item},{item + 0.5}" for user, item in PAIRS)))
    assert keys(log_lines(family, log))["rating.min"] == 0.5
    assert keys(signal_lines(family, log))["relevant.rating_min"] == 3.5


def test_engagement(log_of):
    rows = [f"{user},{item},{60 * item},{item % 2},2024-01-0{1 + item}" for user, item in PAIRS]
    family, log = log_of(lines("user,item,duration,liked,date", *rows))
    assert keys(signal_lines(family, log)) == {"score": "engagement", "history": True}
    assert keys(log_lines(family, log))["duration"] == "duration"
    assert keys(log_lines(family, log))["liked"] == "liked"


def test_events_have_a_weight_for_every_unknown_type_of_any_file(log_of):
    one = lines("user,item,event,n", *(f"{user},{item},{('view', 'finish')[item % 2]},1" for user, item in PAIRS))
    two = lines("user,item,event,n", *(f"{user},{item},{('share', 'dislike')[item % 2]},2" for user, item in PAIRS))
    family, log = log_of(one, two)
    assert keys(signal_lines(family, log)) == {"score": "events", "history": False}
    weights = weight_lines(family, log)
    assert {line.key[0]: line.value for line in weights} == {"finish": 10, "share": 5}
    assert all(line.why.startswith("set this") for line in weights)


def test_alternatives_are_offered(log_of):
    rows = [f"{user},x{user},{item},view,2024-01-01,2024-01-02" for user, item in PAIRS]
    family, log = log_of(lines("user_id,customer_id,item,event,date,time", *rows))
    offered = [(line.key, line.value) for line in log_lines(family, log) if line.only_offered]
    assert offered == [(("user",), "customer_id"), (("timestamp", "column"), "time")]


def test_adjacency_tells_by_place(put):
    family = families_of([look_at(put("log.txt", lines("0 5 6", "1 5", "2 6 7 8")))])
    (candidate,) = find_candidates(family, NOW)
    user, item = log_lines(candidate.family, candidate.log)
    assert (user.value, user.why) == ("user", "first on its line; 3 different ids in 6 rows")
    assert (item.value, item.why) == ("item", "after the first; 4 different ids in 6 rows")
