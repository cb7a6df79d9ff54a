"""Lists that were shown by chance while the test went on, and what recipes would have shown in their place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import polars as pl

from nightschool.columns import ITEM_ID, ITEM_INDEX, LIST_ID, RANK, TIMESTAMP, USER_ID, USER_INDEX
from nightschool.contract import Indices, Recommender, Split
from nightschool.evaluation.calibration import PLACE
from nightschool.evaluation.evaluate import rank
from nightschool.evaluation.figure_rows import LISTS, Figure, figure_rows
from nightschool.evaluation.off_policy.estimate import OffPolicy, OtherLists, estimate
from nightschool.evaluation.off_policy.examination import examination_by_place
from nightschool.evaluation.off_policy.logs import MOST_PLACES, SEEN_AT, Logs, Reward, read_logs
from nightschool.shown_table import SHOWN_AT

EXAMINATION: Final = "examination"
PER_LIST: Final[Mapping[Reward, str]] = {"click": "clicks_per_list", "completion": "completions_per_list"}
"""The metrics: of places, relative to the first; and of recipes, by what counts."""

_SPLIT: Final = "shown"
_MOST_LISTS: Final = 100_000
_SEED: Final = 18_012
_DEPTH: Final = 3 * MOST_PLACES
"""How deep recipes rank: what a user sees meanwhile leaves the list, and others move up."""


@dataclass(frozen=True, eq=False)
class LoggedLists:
    """Logged lists of the time after the test's beginning, which recipes that are fitted on what was before may rank.

    Tonight's published lists cannot be held against them: they leave out whatever users took from the logged ones.

    Attributes:
        logs: The logged lists, with clicks.
        policies: The same lists, by what counts.
        users: int32 [n] ascending, the users to rank.
        split: What the recipes are fitted on.
        megabytes: Memory that a dense block of scores may take.
    """

    logs: Logs
    policies: Mapping[Reward, OffPolicy]
    users: Indices
    split: Split
    megabytes: int

    @classmethod
    def find(
        cls, shown: pl.LazyFrame, events: pl.DataFrame, split: Split, test_from: datetime | None, megabytes: int
    ) -> Self | None:
        """Choose the lists that can tell; None where no list of the test's users was explored.

        Args:
            shown: The table of what was shown, as it was known at T.
            events: The night's events: user_index, item_index, timestamp.
            split: The test.
            test_from: When it begins; None where it has no common instant, and then no list can tell.
            megabytes: Memory that a dense block of scores may take.
        """
        if test_from is None:
            return None
        since = shown.filter(pl.col(SHOWN_AT) > test_from).collect()
        if since.is_empty():
            return None
        since = since.with_columns(pl.col(USER_ID, ITEM_ID).cast(pl.String))
        users = _some_of(since, _with_history(split))
        of_reward = {reward: read_logs(since, reward).of_users(users[USER_ID]) for reward in PER_LIST}
        logs = of_reward["click"]
        users = users.join(logs.lists.select(pl.col(USER_ID).unique()), on=USER_ID, how="semi").sort(USER_INDEX)
        if not logs.explored:
            return None
        seen = events.filter(pl.col(TIMESTAMP) > test_from).group_by(USER_INDEX, ITEM_INDEX)
        first = _with_ids(seen.agg(pl.col(TIMESTAMP).min().alias(SEEN_AT)), split)
        policies = {reward: OffPolicy(found, first) for reward, found in of_reward.items()}
        return cls(logs, policies, users[USER_INDEX].to_numpy(), split, megabytes)

    def of(self, fitted: Recommender) -> Mapping[Reward, OtherLists]:
        """Rank the items that a recommender, fitted on what was before the test, would have listed."""
        ranking = rank(fitted, self.users, self.split, _DEPTH, self.megabytes)
        rows, places = (ranking.items >= 0).nonzero()
        lists = pl.DataFrame(
            {USER_INDEX: self.users[rows], ITEM_INDEX: ranking.items[rows, places], RANK: (places + 1).astype("int32")}
        )
        named = _with_ids(lists, self.split)
        return {reward: policy.lists(named) for reward, policy in self.policies.items()}

    def examination_rows(self) -> pl.DataFrame:
        """Return the examination of each place, as rows of the metrics table without their release."""
        values, (low, high) = examination_by_place(self.logs)
        users = self.logs.lists[USER_ID].n_unique()
        figures = [
            Figure(EXAMINATION, values[n], None, users, f"{PLACE}:{n + 1:02d}", (low[n], high[n]))
            for n in range(self.logs.depth)
        ]
        return figure_rows(figures, LISTS, _SPLIT)


def logged_rows(lists: Mapping[Reward, OtherLists], role: str) -> pl.DataFrame:
    """Return what a role's lists would have got, as rows of the metrics table without their release.

    Args:
        lists: The lists, by what counts.
        role: Name for the column `model`.
    """
    found = {PER_LIST[reward]: estimate(each) for reward, each in lists.items()}
    figures = [
        Figure(metric, each.value, None, each.n_users, interval=(each.ci_low, each.ci_high))
        for metric, each in found.items()
    ]
    return figure_rows(figures, role, _SPLIT)


def _with_history(split: Split) -> pl.DataFrame:
    """Return the users whom recipes rank for: user_index, user_id."""
    users = split.fitted.interactions[USER_INDEX].unique().sort()
    return pl.DataFrame({USER_INDEX: users, USER_ID: split.fitted.user_ids.gather(users).cast(pl.String)})


def _some_of(shown: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """Keep the users of the lists; where there are more than 100,000 lists, a random part of them."""
    there = users.join(shown.select(pl.col(USER_ID).unique()), on=USER_ID, how="semi").sort(USER_INDEX)
    lists = shown[LIST_ID].n_unique()
    return there if lists <= _MOST_LISTS else there.sample(fraction=_MOST_LISTS / lists, seed=_SEED)


def _with_ids(pairs: pl.DataFrame, split: Split) -> pl.DataFrame:
    """Add the ids of users and items, as serving writes them."""
    users, items = split.fitted.user_ids, split.fitted.item_ids
    return pairs.with_columns(
        users.gather(pairs[USER_INDEX]).cast(pl.String).alias(USER_ID),
        items.gather(pairs[ITEM_INDEX]).cast(pl.String).alias(ITEM_ID),
    )
