"""Gates of tonight's lists: the questions that they must pass before they are published, each declared once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, RANK, SCORE, USER_ID
from nightschool.contract import Dataset
from nightschool.errors import GateRefused
from nightschool.night.departed import present


@dataclass(frozen=True)
class Gate:
    """The answer of one gate: whether it passed, what was seen, what was demanded."""

    name: str
    passed: bool
    seen: str
    demanded: str

    def to_dict(self) -> dict[str, str | bool]:
        """Return the answer as JSON holds it."""
        return asdict(self)


def require(gates: Sequence[Gate]) -> None:
    """Raise unless every gate passed.

    Raises:
        GateRefused: Names the gates that failed.
    """
    failed = [f"{gate.name} (saw {gate.seen}, demanded {gate.demanded})" for gate in gates if not gate.passed]
    if failed:
        raise GateRefused(f"table gates said no: {'; '.join(failed)}", do="the last good release stays up")


@dataclass(frozen=True, eq=False)
class ProposedLists:
    """Tonight's lists before they are published, and what they are checked against.

    Attributes:
        lists: user_id, item_id, rank and score of every list.
        dataset: Everything known tonight; its `available` mask is the catalogue.
        k: Length of a full list.
        coverage_floor: Smallest share of the available items that the lists must show.
        broken_rules: Reasons of the data rules that the lists break.
        current: user_id, item_id, rank of the champion's lists, which gates may compare with; None on the first night.
        changed: The share of lists that changed without new events; None where there were none.
        churn_ceiling: The largest such share.
        shifts: Watched figures that are a warning for the first time, where such a one refuses.
        shown: How many items are in any list, where `lists` are not all of them; None: as many as in these.
    """

    lists: pl.DataFrame
    dataset: Dataset
    k: int
    coverage_floor: float
    broken_rules: Sequence[str] = ()
    current: pl.LazyFrame | None = None
    shifts: Sequence[str] = ()
    changed: float | None = None
    churn_ceiling: float = 1.0
    shown: int | None = None


class Answer(NamedTuple):
    """What a check of lists found."""

    passed: bool
    seen: str
    demanded: str


class TableGate(NamedTuple):
    """A question about tonight's lists; where one is not passed, nothing is published."""

    name: str
    asks: str
    check: Callable[[ProposedLists], Answer]


@dataclass(frozen=True)
class NoneOf:
    """Passes where a function counts no defects; those of users apart add up."""

    count: Callable[[ProposedLists], int]

    def __call__(self, proposed: ProposedLists) -> Answer:
        """Count the defects, and answer."""
        return self.answer(self.count(proposed))

    @staticmethod
    def answer(found: int) -> Answer:
        """Answer, given how many defects there are."""
        return Answer(found == 0, str(found), "0")


Defects = Mapping[str, int]
"""The name of a gate to how many defects it counted."""


def ask_table_gates(proposed: ProposedLists, defects: Defects | None = None) -> list[Gate]:
    """Answer every gate of `TABLE_GATES`, in its order.

    Args:
        proposed: Tonight's lists.
        defects: What `count_defects` found in all lists, where `proposed` holds some of them.
    """
    found = count_defects(proposed) if defects is None else defects
    return [
        Gate(gate.name, *(NoneOf.answer(found[gate.name]) if gate.name in found else gate.check(proposed)))
        for gate in TABLE_GATES
    ]


def count_defects(proposed: ProposedLists) -> Defects:
    """Count the defects of each gate that asks for none."""
    return {gate.name: gate.check.count(proposed) for gate in TABLE_GATES if isinstance(gate.check, NoneOf)}


def _count_nulls(proposed: ProposedLists) -> int:
    return int(proposed.lists.select(pl.sum_horizontal(pl.all().null_count())).item() or 0)


def _count_not_finite(proposed: ProposedLists) -> int:
    return proposed.lists.filter(~pl.col(SCORE).is_finite()).height


def _count_repeated(proposed: ProposedLists) -> int:
    return proposed.lists.height - proposed.lists.select(USER_ID, ITEM_ID).n_unique()


def _count_misranked(proposed: ProposedLists) -> int:
    """Count rows whose rank is not their place in the list, or whose score exceeds the one above."""
    ordered = proposed.lists.sort(USER_ID, RANK, maintain_order=True).with_columns(
        place=pl.int_range(1, pl.len() + 1).over(USER_ID), above=pl.col(SCORE).shift(1).over(USER_ID)
    )
    wrong = (pl.col(RANK) != pl.col("place")) | (pl.col("above") < pl.col(SCORE)).fill_null(False)
    return ordered.filter(wrong.fill_null(True)).height


def _count_unknown_users(proposed: ProposedLists) -> int:
    users = proposed.dataset.user_ids.alias(USER_ID).to_frame()
    return proposed.lists.join(users, on=USER_ID, how="anti").height


def _count_unavailable(proposed: ProposedLists) -> int:
    dataset = proposed.dataset
    available = dataset.item_ids.alias(ITEM_ID).to_frame().filter(pl.Series(dataset.available))
    return proposed.lists.join(available, on=ITEM_ID, how="anti").height


def _count_seen(proposed: ProposedLists) -> int:
    dataset, history = proposed.dataset, proposed.dataset.history().tocoo()
    seen = pl.DataFrame({USER_ID: dataset.user_ids[history.row], ITEM_ID: dataset.item_ids[history.col]})
    return proposed.lists.join(seen, on=[USER_ID, ITEM_ID], how="semi").height


def _count_wrong_length(proposed: ProposedLists) -> int:
    """Count users whose list is not min(k, unseen available items) long; a missing list is of length zero.

    Users who have left must have none.
    """
    dataset = proposed.dataset
    history = dataset.history()
    history.data = np.ones_like(history.data)
    seen = history @ dataset.available.astype(np.float32)
    unseen = int(dataset.available.sum()) - np.rint(seen).astype(np.int64)
    lengths = np.minimum(proposed.k, unseen) * present(dataset)
    expected = pl.DataFrame({USER_ID: dataset.user_ids, "expected": lengths})
    listed = proposed.lists.group_by(USER_ID).agg(pl.len().cast(pl.Int64).alias("length"))
    found = expected.join(listed, on=USER_ID, how="left").with_columns(pl.col("length").fill_null(0))
    return found.filter(pl.col("length") != pl.col("expected")).height


def _check_coverage(proposed: ProposedLists) -> Answer:
    available = int(proposed.dataset.available.sum())
    shown = proposed.lists[ITEM_ID].n_unique() if proposed.shown is None else proposed.shown
    share = shown / available if available else 0.0
    return Answer(share >= proposed.coverage_floor, f"{share:.4f}", f"at least {proposed.coverage_floor:g}")


def _check_rules(proposed: ProposedLists) -> Answer:
    return Answer(not proposed.broken_rules, ", ".join(proposed.broken_rules) or "none", "none")


def _check_changed(proposed: ProposedLists) -> Answer:
    share = proposed.changed or 0.0
    return Answer(share <= proposed.churn_ceiling, f"{share:.4f}", f"at most {proposed.churn_ceiling:g}")


def _check_shifts(proposed: ProposedLists) -> Answer:
    return Answer(not proposed.shifts, "; ".join(proposed.shifts) or "none", "none")


TABLE_GATES: Final = (
    TableGate("null values", "Does no row of the lists hold a null?", NoneOf(_count_nulls)),
    TableGate("not finite scores", "Is every score a number, not NaN or infinite?", NoneOf(_count_not_finite)),
    TableGate("repeated items in a list", "Does no list hold an item twice?", NoneOf(_count_repeated)),
    TableGate("ranks out of order", "Are ranks 1, 2, 3, … with scores descending?", NoneOf(_count_misranked)),
    TableGate("users not known", "Is every user of the lists known at T?", NoneOf(_count_unknown_users)),
    TableGate("items not available", "Is every listed item available at T?", NoneOf(_count_unavailable)),
    TableGate("items the user has seen", "Does no list hold an item that its user has seen?", NoneOf(_count_seen)),
    TableGate(
        "users with a list of the wrong length",
        "Does each user have min(k, unseen available items) of them, and each user who has left none?",
        NoneOf(_count_wrong_length),
    ),
    TableGate(
        "catalogue coverage", "Do the lists show at least `coverage_floor` of the available items?", _check_coverage
    ),
    TableGate("expectations broken", "Do the lists satisfy the data rules for lists?", _check_rules),
    TableGate(
        "lists that changed without new events",
        "Did at most `churn_ceiling` of the lists change whose users did nothing since the release before?",
        _check_changed,
    ),
    TableGate(
        "figures outside of their limits",
        'With `shifts = "refuse"`: is no watched figure outside of its limits for a second night?',
        _check_shifts,
    ),
)
"""Every gate of the lists. A new one is a function and a line here, and its two frames in the tests."""
