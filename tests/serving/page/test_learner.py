from serving.answers import ListRequest
from serving.page.learner import rows_of
from tests.serving.fakes import FakeService


def test_bars_tell_scores_apart() -> None:
    answer = FakeService().recommend(1, ListRequest(k=50))
    bars = [row.bar for row in rows_of(answer)]
    assert bars[0] == 1.0
    assert bars == sorted(bars, reverse=True)
    assert 0 < bars[-1] < 0.1
    alike = answer.model_copy(update={"items": [entry.model_copy(update={"score": 0.0}) for entry in answer.items]})
    assert {row.bar for row in rows_of(alike)} == {1.0}
    assert rows_of(answer.model_copy(update={"items": []})) == []


def test_ranks_in_another_list_stand_beside_the_entries() -> None:
    answer = FakeService().recommend(1, ListRequest(k=3))
    first = answer.items[0].item_id
    assert [row.elsewhere for row in rows_of(answer, {first: 7})] == [7, None, None]
