import pytest
import sqlalchemy as sa

from nightschool.errors import Conflict, DataRefused
from nightschool.shown.impression_store import Impression, ImpressionStore
from tests.shown.given import seen


@pytest.fixture
def store(database: sa.Engine) -> ImpressionStore:
    return ImpressionStore(database)


def test_an_impression_counts_once_under_its_id(store: ImpressionStore, database: sa.Engine) -> None:
    first, second = Impression("1", "a", "u"), Impression("2", "a", None, places=[1, 3])
    assert store.append([first, second, first]) == [(1, False), (2, False), (1, True)]
    assert store.append([second, Impression("3", "b", "u")]) == [(2, True), (3, False)]
    assert store.append([]) == []
    with database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM impressions").scalar() == 3


@pytest.mark.parametrize(
    "other", [Impression("1", "b", "u"), Impression("1", "a", "v"), Impression("1", "a", "u", places=[1])]
)
def test_an_id_belongs_to_one_impression(store: ImpressionStore, other: Impression) -> None:
    store.append([Impression("1", "a", "u")])
    for sent in ([Impression("9", "a", "u"), other], [Impression("8", "a", "u"), Impression("8", "b", "u")]):
        with pytest.raises(Conflict, match="belongs to another impression"):
            store.append(sent)
    assert store.append([Impression("9", "a", "u")]) == [(2, False)]


def test_an_impression_that_comes_again_may_have_another_time(store: ImpressionStore) -> None:
    store.append([seen("a", 1)])
    assert store.append([seen("a", 1)._replace(at=None)]) == [(1, True)]


def test_text_that_no_database_keeps_is_refused(store: ImpressionStore) -> None:
    for each in (Impression("\0", "a", "u"), Impression("1", "\ud800", "u"), Impression("1", "a", "\0")):
        with pytest.raises(DataRefused, match="is no text that can be kept"):
            store.append([each])


def test_a_thousand_impressions_are_one_statement(store: ImpressionStore, database: sa.Engine) -> None:
    statements = []
    sa.event.listen(database, "before_cursor_execute", lambda *told: statements.append(told[2].split()[0]))
    stored = store.append([Impression(f"{n}", "a", "u") for n in range(1_000)])
    assert [sequence for sequence, _ in stored] == [*range(1, 1_001)]
    assert statements.count("INSERT") == 1


def test_a_user_is_forgotten(store: ImpressionStore) -> None:
    store.append([Impression("1", "a", "u"), Impression("2", "a", "v"), Impression("3", "a", None)])
    assert (store.forget("u"), store.forget("u"), store.forget("\0")) == (1, 0, 0)
    assert store.append([Impression("1", "a", "u")]) == [(4, False)]
