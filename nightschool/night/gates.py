"""Gates: yes-or-no questions that a release must pass before anyone sees it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, RANK, SCORE, USER_ID
from nightschool.contract import Dataset
from nightschool.errors import GateRefused
from nightschool.evaluation.compare import Comparison, compare, learnable
from nightschool.evaluation.evaluation import Evaluation
from nightschool.night.departed import present


@dataclass(frozen=True)
class Gate:
    """One verdict: what was asked, what was seen, what was demanded."""

    name: str
    passed: bool
    seen: str
    demanded: str

    def to_dict(self) -> dict[str, str | bool]:
        """The verdict as JSON holds it."""
        return asdict(self)


def require(gates: Sequence[Gate]) -> None:
    """Nothing, when every gate passed.

    Raises:
        GateRefused: Names the gates that said no.
    """
    failed = [f"{gate.name} (saw {gate.seen}, demanded {gate.demanded})" for gate in gates if not gate.passed]
    if failed:
        raise GateRefused(f"table gates said no: {'; '.join(failed)}", do="the last good release stays up")


def learnable_gate(challenger: Evaluation, popularity: Evaluation) -> Gate:
    """Whether a personalised recipe beats popularity: the data hold a preference to learn."""
    seen = _interval(compare(challenger, popularity))
    return Gate("learnable", learnable(challenger, popularity), seen, "lower bound of ndcg@10 over popularity > 0")


def superiority_gate(challenger: Evaluation, champion: Evaluation) -> Gate:
    """Whether the challenger is shown better than the champion."""
    over = compare(challenger, champion)
    return Gate("superior", over.verdict == "better", _interval(over), "lower bound of ndcg@10 over the champion > 0")


def floor_gate(chosen: Evaluation, popularity: Evaluation) -> Gate:
    """Whether the chosen recipe is not shown worse than popularity."""
    over = compare(chosen, popularity)
    return Gate("floor", over.verdict != "worse", _interval(over), "ndcg@10 not shown worse than popularity's")


def _interval(comparison: Comparison) -> str:
    return f"{comparison.difference:+.4f} [{comparison.ci_low:+.4f}, {comparison.ci_high:+.4f}]"


def table_gates(lists: pl.DataFrame, dataset: Dataset, *, k: int, coverage_floor: float) -> list[Gate]:
    """The verdicts on tonight's lists.

    Args:
        lists: user_id, item_id, rank, score of every list.
        dataset: Everything known tonight; its `available` mask is the catalogue.
        k: Length of a full list.
        coverage_floor: Smallest share of the available items that the lists must show.
    """
    return [
        _zero("null values", int(lists.select(pl.sum_horizontal(pl.all().null_count())).item() or 0)),
        _zero("not finite scores", lists.filter(~pl.col(SCORE).is_finite()).height),
        _zero("repeated items in a list", lists.height - lists.select(USER_ID, ITEM_ID).n_unique()),
        _zero("ranks out of order", _misranked(lists)),
        _zero("users not known", lists.join(_ids(dataset.user_ids, USER_ID), on=USER_ID, how="anti").height),
        _zero("items not available", lists.join(_available(dataset), on=ITEM_ID, how="anti").height),
        _zero("items the user has seen", lists.join(_seen(dataset), on=[USER_ID, ITEM_ID], how="semi").height),
        _zero("users with a list of the wrong length", _wrong_length(lists, dataset, k)),
        _coverage(lists, dataset, coverage_floor),
    ]


def _zero(name: str, count: int) -> Gate:
    return Gate(name, count == 0, str(count), "0")


def _ids(ids: pl.Series, name: str) -> pl.DataFrame:
    return ids.alias(name).to_frame()


def _available(dataset: Dataset) -> pl.DataFrame:
    return _ids(dataset.item_ids, ITEM_ID).filter(pl.Series(dataset.available))


def _seen(dataset: Dataset) -> pl.DataFrame:
    history = dataset.history().tocoo()
    return pl.DataFrame({USER_ID: dataset.user_ids[history.row], ITEM_ID: dataset.item_ids[history.col]})


def _misranked(lists: pl.DataFrame) -> int:
    """Rows whose rank is not their place in the list, or whose score exceeds the one above."""
    ordered = lists.sort(USER_ID, RANK, maintain_order=True).with_columns(
        place=pl.int_range(1, pl.len() + 1).over(USER_ID), above=pl.col(SCORE).shift(1).over(USER_ID)
    )
    wrong = (pl.col(RANK) != pl.col("place")) | (pl.col("above") < pl.col(SCORE)).fill_null(False)
    return ordered.filter(wrong.fill_null(True)).height


def _wrong_length(lists: pl.DataFrame, dataset: Dataset, k: int) -> int:
    """Count users whose list is not min(k, unseen available items) long; a missing list is of length zero.

    Users who have left must have none.
    """
    history = dataset.history()
    history.data = np.ones_like(history.data)
    seen = history @ dataset.available.astype(np.float32)
    unseen = int(dataset.available.sum()) - np.rint(seen).astype(np.int64)
    expected = pl.DataFrame({USER_ID: dataset.user_ids, "expected": np.minimum(k, unseen) * present(dataset)})
    lengths = lists.group_by(USER_ID).agg(pl.len().cast(pl.Int64).alias("length"))
    found = expected.join(lengths, on=USER_ID, how="left").with_columns(pl.col("length").fill_null(0))
    return found.filter(pl.col("length") != pl.col("expected")).height


def _coverage(lists: pl.DataFrame, dataset: Dataset, floor: float) -> Gate:
    available = int(dataset.available.sum())
    share = lists[ITEM_ID].n_unique() / available if available else 0.0
    return Gate("catalogue coverage", share >= floor, f"{share:.4f}", f"at least {floor:g}")
