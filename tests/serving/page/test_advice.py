import pytest

from serving.page.advice import advice_of
from serving.problem_types import ProblemType


@pytest.mark.parametrize("kind", ProblemType, ids=lambda kind: kind.slug)
def test_every_kind_of_refusal_tells_people_what_to_do(kind: ProblemType) -> None:
    advice = advice_of(kind.status)
    assert advice.heading[0].isupper()
    assert not advice.heading.endswith(".")
    assert advice.remedy.endswith(".")
    assert advice.again == (kind.status in {429, 500, 503})
    assert advice.key == (kind.status in {401, 403})
