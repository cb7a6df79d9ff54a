import numpy as np
import polars as pl

from nightschool.simulator.content import draw_content
from nightschool.simulator.curriculum import REACH, REQUIRES, REQUIRES_TWO, draw_curriculum, in_order
from nightschool.simulator.vocabulary import DIFFICULTIES, DIFFICULTY, SUBTOPIC, SUBTOPIC_WORDS

N = 2_000
CONTENT = draw_content(N, np.random.default_rng(3))
CURRICULUM = draw_curriculum(CONTENT, np.random.default_rng(4))
NEEDS = [
    [int(each) - 1 for each in named.split(";")] if named else [] for named in CURRICULUM.declared["prerequisites"]
]


def test_each_topic_has_an_order_from_easy_to_hard() -> None:
    levels = CONTENT[DIFFICULTY].cast(pl.Enum(DIFFICULTIES)).to_physical().to_numpy()
    for topic in np.unique(CURRICULUM.topics):
        items = np.flatnonzero(CURRICULUM.topics == topic)
        order = items[np.argsort(CURRICULUM.places[items])]
        assert sorted(CURRICULUM.places[items]) == list(range(len(items)))
        assert (np.diff(levels[order].astype(int)) >= 0).all()


def test_prerequisites_lie_shortly_before_an_item_in_its_topic() -> None:
    for item, needs in enumerate(NEEDS):
        assert len(set(needs)) == len(needs)
        for each in needs:
            assert CURRICULUM.topics[each] == CURRICULUM.topics[item]
            assert 1 <= CURRICULUM.places[item] - CURRICULUM.places[each] <= REACH
    later = CURRICULUM.places > 0
    counts = np.array([len(needs) for needs in NEEDS])
    assert abs((counts[later] > 0).mean() - REQUIRES) < 0.05
    assert abs((counts[CURRICULUM.places > 1] > 1).mean() / REQUIRES - REQUIRES_TWO) < 0.05


def test_skills_are_of_the_subtopic() -> None:
    for subtopic, named in zip(CONTENT[SUBTOPIC], CURRICULUM.declared["skills"], strict=True):
        skills = named.split(";")
        assert len(set(skills)) == len(skills) <= 2
        assert {*skills} <= {*SUBTOPIC_WORDS[subtopic]}


def test_orderly_users_take_their_items_in_order_and_change_no_time() -> None:
    rng = np.random.default_rng(5)
    log = pl.DataFrame({"user_id": rng.integers(1, 40, 4_000), "content_id": rng.integers(1, 200, 4_000)})
    for share in (0.0, 0.5, 1.0):
        moved = in_order(log, CURRICULUM, share, np.random.default_rng(6))
        assert moved["user_id"].equals(log["user_id"])
        assert moved.sort("user_id", "content_id").equals(log.sort("user_id", "content_id"))
        orderly = [is_orderly(rows["content_id"].to_numpy() - 1) for _, rows in moved.group_by("user_id")]
        assert abs(np.mean(orderly) - share) < 0.25
    assert in_order(log, CURRICULUM, 0.0, rng).equals(log)
    assert in_order(log.clear(), CURRICULUM, 1.0, rng).is_empty()


def is_orderly(items: np.ndarray) -> bool:
    topics = CURRICULUM.topics[items]
    return all((np.diff(CURRICULUM.places[items[topics == topic]]) >= 0).all() for topic in np.unique(topics))


def test_a_single_item_requires_nothing() -> None:
    alone = draw_curriculum(draw_content(1, np.random.default_rng(1)), np.random.default_rng(2))
    assert alone.declared["prerequisites"].to_list() == [None]
