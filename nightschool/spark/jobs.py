"""Work on the parts of a log, one task of Spark a part; what it refuses, the driver refuses."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from nightschool.errors import NightschoolError
from nightschool.progress import watch
from nightschool.spark_session import spark_session, with_executors

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext

T = TypeVar("T")


class Summable(Protocol):
    """Adds up."""

    def __add__(self, other: Any, /) -> Any:
        """Return the sum."""


Sum = TypeVar("Sum", bound=Summable)


def on_executors(work: Callable[[int], T], numbers: Sequence[int], doing: str) -> list[T]:
    """Return what `work` returns for each number, in their order; each is a task, tried again where its worker died.

    Args:
        work: A function of a module, or a partial of one: executors import it. It must leave the same files however
            often it runs.
        numbers: What to call it with.
        doing: What is shown meanwhile.

    Raises:
        NightschoolError: A task raised it.
        Unavailable: Spark does not answer.
    """
    if not numbers:
        return []
    outcomes: list[Any] = []
    _run_job(lambda tasks: outcomes.extend(tasks.map(_Guarded(work)).collect()), numbers, doing)
    for outcome in outcomes:
        if isinstance(outcome, NightschoolError):
            raise outcome
    return cast("list[T]", outcomes)


def summed_on_executors(work: Callable[[int], Sum], numbers: Sequence[int], doing: str) -> Sum:
    """Return the sum of what `work` returns for each number, of which there is one at least; as `on_executors`."""
    outcomes: list[Any] = []

    def run(tasks: "RDD[int]") -> None:
        # Summed by executors: the results of all tasks together may be large.
        outcomes.append(tasks.map(_Guarded(work)).treeReduce(_add))

    _run_job(run, numbers, doing)
    if isinstance(outcomes[0], NightschoolError):
        raise outcomes[0]
    return cast("Sum", outcomes[0])


def _add(first: Any, second: Any) -> Any:
    """Add two results, unless one of them is an error."""
    return next((each for each in (first, second) if isinstance(each, NightschoolError)), None) or first + second


class _Guarded:
    """Calls a function, and returns the error that it raised on purpose: raised, Spark would try it again."""

    def __init__(self, work: Callable[[int], Any]) -> None:
        self._work = work

    def __call__(self, number: int) -> Any:
        try:
            return self._work(number)
        except NightschoolError as error:
            return error


def _run_job(run: Callable[["RDD[int]"], None], numbers: Sequence[int], doing: str) -> None:
    """Run something over an RDD with a partition a number, and show how many tasks are done."""
    steps = watch(range(len(numbers)), doing, len(numbers))
    next(steps)
    shown = 0

    def look(context: "SparkContext") -> None:
        nonlocal shown
        while shown < min(_n_done(context), len(numbers) - 1):
            next(steps)
            shown += 1

    context = spark_session().sparkContext
    with_executors(lambda: run(context.parallelize(list(numbers), len(numbers))), look)
    for _ in steps:
        pass


def _n_done(context: "SparkContext") -> int:
    """Count the tasks that are done of the running stage."""
    tracker = context.statusTracker()
    stages = [stage for job in tracker.getActiveJobsIds() for stage in _stages(tracker, job)]
    return max((stage.numCompletedTasks for stage in stages), default=0)


def _stages(tracker: Any, job: int) -> list[Any]:
    info = tracker.getJobInfo(job)
    found = [] if info is None else [tracker.getStageInfo(stage) for stage in info.stageIds]
    return [stage for stage in found if stage is not None]
