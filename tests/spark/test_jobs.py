import pytest

from nightschool.errors import DataRefused
from nightschool.spark.jobs import on_executors, summed_on_executors


def halve(number: int) -> float:
    if number % 2:
        raise DataRefused("odd", seen=number)
    return number / 2


def test_results_come_in_the_order_of_the_numbers() -> None:
    assert on_executors(halve, [4, 0, 2], "halve") == [2.0, 0.0, 1.0]
    assert on_executors(halve, [], "halve") == []
    assert summed_on_executors(halve, [4, 0, 2], "halve") == 3.0


@pytest.mark.parametrize("run", [on_executors, summed_on_executors])
def test_what_a_task_refuses_is_refused(run) -> None:
    with pytest.raises(DataRefused, match="odd; saw 3"):
        run(halve, [0, 3, 2], "halve")


def test_a_defect_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        on_executors(lambda number: 1 // number, [1, 0], "divide")
