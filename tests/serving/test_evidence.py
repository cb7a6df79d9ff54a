from datetime import UTC, datetime

from serving.evidence import evidence_of
from serving.schemas.lists import Recommended
from serving.snapshot import Snapshot
from serving.user_state import Interaction, UserState
from tests.serving.conftest import Served

AT = datetime(2026, 3, 1, tzinfo=UTC)


def entry(snapshot: Snapshot, item: int, because: object) -> Recommended:
    fields = snapshot.catalogue.describe(snapshot.catalogue.ids[item])
    return Recommended.model_validate(
        {**fields, "rank": 1, "score": 1.0, "source": "ease", "reason": "r", "why": "w", "because_item_id": because}
    )


def state(*places: int) -> UserState:
    current = dict.fromkeys(places, Interaction(1.0, AT))
    return UserState(1, known=True, published=current, current=current, sent=())


def test_evidence_names_the_item_its_date_and_what_both_share(served: Served) -> None:
    snapshot = served.snapshot
    catalogue = snapshot.catalogue
    for item in range(20):
        because = item + 20
        found = evidence_of(snapshot, state(because), [entry(snapshot, item, catalogue.ids[because])])
        (told,) = found.values()
        one, other = (catalogue.describe(catalogue.ids[place])["labels"] for place in (item, because))
        assert (told.item.item_id, told.at) == (catalogue.ids[because], AT)
        rows = (catalogue.frame.row(place, named=True)["skills"] or [] for place in (item, because))
        skills = set.intersection(*map(set, rows))
        same = {one[name][0] for name in ("domain", "subtopic", "type") if one.get(name) == other.get(name)}
        assert set(told.labels) == {*skills, *same}
        assert set(told.labels[: len(skills)]) == skills
        assert all(word in catalogue.describe(catalogue.ids[item])["title"].lower() for word in told.words)
        assert told.shared == (*told.labels, *told.words)


def test_an_entry_that_follows_from_no_item_has_no_evidence(served: Served) -> None:
    assert evidence_of(served.snapshot, state(), [entry(served.snapshot, 0, None)]) == {}
    assert evidence_of(served.snapshot, state(), [entry(served.snapshot, 0, 10**9)]) == {}


def test_an_item_without_a_known_date_is_named_alone(served: Served) -> None:
    (told,) = evidence_of(
        served.snapshot, state(), [entry(served.snapshot, 0, served.snapshot.catalogue.ids[1])]
    ).values()
    assert told.at is None
