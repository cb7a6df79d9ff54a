"""Where the data are cut into train, validation and test: the night's own choice, and the named protocols."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightschool.columns import ITEM_INDEX, RELEVANT, USER_INDEX
from nightschool.contract import Mask, Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.protocols import (
    NEEDS_ORDER,
    NEEDS_TIME,
    PROTOCOLS,
    SESSION_MINUTES,
    STRICT,
    instants,
    last_session,
    random_user,
)
from nightschool.data.splits.timeline import Ends, Timeline
from nightschool.errors import ConfigurationError, DataRefused

TRAIN, VALIDATION, TEST = 0, 1, 2
MIN_USERS = 200

_CUT_ELSEWHERE = frozenset({"k-fold", "leave-items", "leave-users"})
_DAY = 86_400_000_000  # microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """How long the windows of a temporal cut are.

    Attributes:
        days: Shortest length of validation and of test.
        min_users: Known users with relevant test items that a test needs; the windows grow together until it has them.
        max_test_share: Largest share of the rows that the test may take.
        session_minutes: The gap between two events of a user that ends a session.
    """

    days: int = 28
    min_users: int = MIN_USERS
    max_test_share: float = 0.2
    session_minutes: float = SESSION_MINUTES


@dataclass(frozen=True, eq=False)
class Cut:
    """Each event's part, and how the parts came about.

    Attributes:
        labels: int8[n_events], 0 train, 1 validation, 2 test.
        protocol: The name of the protocol.
        validation_from: The instant after which validation begins; None where the parts overlap in time.
        test_from: The instant after which the test begins; likewise.
        warnings: What weakens every verdict drawn from this cut.
        underpowered: Whether the test has too few users to tell anything.
    """

    labels: NDArray[np.int8]
    protocol: str
    validation_from: datetime | None = None
    test_from: datetime | None = None
    warnings: tuple[str, ...] = ()
    underpowered: bool = False

    def part(self, *labels: int) -> Mask:
        """Return the events with one of the labels, bool[n_events]."""
        return np.isin(self.labels, labels)


def validation_split(log: EventLog, cut: Cut) -> Split:
    """Split into train to learn from, and validation held out."""
    return log.split("validation", cut.protocol, cut.part(TRAIN), cut.part(VALIDATION), cut.validation_from)


def test_split(log: EventLog, cut: Cut) -> Split:
    """Split into train and validation to learn from, and the test held out.

    On a strict protocol the pairs of validation are read as history, and not learned from.
    """
    split = log.split("test", cut.protocol, cut.part(TRAIN, VALIDATION), cut.part(TEST), cut.test_from)
    if cut.protocol not in STRICT:
        return split
    fitted, pair = split.fitted, [USER_INDEX, ITEM_INDEX]
    read = log.rows(cut.part(VALIDATION)).select(*pair, read=pl.lit(value=True)).unique()
    marked = fitted.interactions.join(read, on=pair, how="left", maintain_order="left")
    learned = marked["read"].is_null().to_numpy() & (True if fitted.learned is None else fitted.learned)
    return replace(split, fitted=replace(fitted, learned=learned))


class Evaluable(NamedTuple):
    """Users with a history and a relevant pair held out for validation and for the test; those apart add up."""

    validation: int
    test: int


@dataclass(frozen=True)
class Plan:
    """How a log is cut, before anything is labelled.

    Attributes:
        protocol: The name of the protocol.
        days: The length of validation and of test, where a common instant cuts; None elsewhere.
        newest: The time of the newest event, in microseconds; None likewise.
        warnings: What weakens every verdict drawn from this cut.
    """

    protocol: str
    days: int | None = None
    newest: int | None = None
    warnings: tuple[str, ...] = ()

    def label(self, log: EventLog, seed: int) -> Cut:
        """Label the events of a log, or of some of its users."""
        if self.days is None or self.newest is None:
            test, validation = _hold_out(log, self.protocol, seed, Window())
            return Cut(_labels(test, validation), self.protocol, warnings=self.warnings)
        test_from = self.newest - self.days * _DAY
        validation_from = test_from - self.days * _DAY
        times = instants(log.events)
        labels = (times > validation_from).astype(np.int8) + (times > test_from).astype(np.int8)
        labels[~log.known] = TEST
        return Cut(labels, self.protocol, _instant(validation_from), _instant(test_from), self.warnings)


def choose_cut(log: EventLog, *, seed: int, window: Window = Window()) -> Cut:
    """Choose the night's cut: temporal and global if the data allow it, else temporal per user, else random per user.

    Raises:
        DataRefused: The log has no events.
    """
    ends = Ends.of(log)

    def count(plan: Plan) -> Evaluable:
        return count_evaluable_parts(log, plan.label(log, seed))

    plan, found = choose_plan(ends, log.ordered, lambda: Timeline.of(log, ends), count, window)
    return weigh(plan.label(log, seed), found, window)


def choose_plan(
    ends: Ends,
    ordered: bool,
    timeline: Callable[[], Timeline],
    count: Callable[[Plan], Evaluable],
    window: Window = Window(),
) -> tuple[Plan, Evaluable]:
    """Choose the night's cut from what adds up over users, and count the users whom it can evaluate.

    Args:
        ends: The ends of all events.
        ordered: Whether events without times stand in the order of time.
        timeline: Counts how events and users lie in time; asked where they have times.
        count: Counts the users whom a plan can evaluate.
        window: How long the windows of a temporal cut are.

    Raises:
        DataRefused: There are no events.
    """
    if not ends.events:
        raise DataRefused("There is nothing to split", seen=0, do="ingest interactions first")
    if ends.has_time:
        days = timeline().window(window.days, window.min_users, window.max_test_share)
        plan = Plan("temporal", days, ends.newest)
        found = count(plan) if days is not None else Evaluable(0, 0)
        if found.validation:
            return plan, found
        why = (
            f"no common instant leaves {window.min_users} known users a test of {window.days} days or more within "
            f"{window.max_test_share:.0%} of the rows: each user's last 20 % is the test, and the models know other "
            "people's later events, so every verdict is weaker"
        )
        plan = Plan("temporal-user", warnings=(why,))
    elif ordered:
        why = (
            "the data have an order and no time: each user's last 20 % is the test, and the models know other people's "
            "later events, so every verdict is weaker"
        )
        plan = Plan("temporal-user", warnings=(why,))
    else:
        why = "the data have no time: pairs are held out at random, so the models know events later than the test's"
        plan = Plan("random-user", warnings=(why,))
    return plan, count(plan)


def weigh(cut: Cut, found: Evaluable, window: Window) -> Cut:
    """Mark a cut whose test has too few users to tell anything."""
    if found.test >= window.min_users or cut.test_from is not None:
        return cut
    few = f"too few users to tell: {found.test} with relevant test items, {window.min_users} needed"
    return replace(cut, warnings=(*cut.warnings, few), underpowered=True)


def named_cut(log: EventLog, protocol: str, *, seed: int, window: Window = Window()) -> Cut:
    """Cut by a protocol of `evaluate`; validation is cut from the rest the way the test was cut.

    Raises:
        ConfigurationError: The protocol is unknown, or the data do not allow it.
        DataRefused: The given test overlaps the interactions.
    """
    known = {"temporal", "given", *PROTOCOLS}
    if protocol not in known:
        raise ConfigurationError(
            "unknown protocol", seen=protocol, do=f"use one of {', '.join(sorted(known | _CUT_ELSEWHERE))}"
        )
    is_placed = log.has_time or (log.ordered and protocol in NEEDS_ORDER)
    if protocol in NEEDS_TIME | NEEDS_ORDER and not is_placed:
        raise ConfigurationError(
            f"Protocol {protocol!r} needs timestamps, and the data have none",
            do="use temporal-user" if log.ordered else "use random-user",
        )
    if protocol == "given":
        return _given(log, seed, window)
    if protocol != "temporal":
        return _divide(log, protocol, seed, window)
    cut = _temporal(log, window)
    if cut is None:
        raise ConfigurationError(
            f"no instant leaves {window.min_users} known users a temporal test", do="use --protocol temporal-user"
        )
    return cut


def count_evaluable_parts(log: EventLog, cut: Cut) -> Evaluable:
    """Count the users whom validation and test can evaluate."""
    return Evaluable(
        count_evaluable(log, cut.part(TRAIN), cut.part(VALIDATION)),
        count_evaluable(log, cut.part(TRAIN, VALIDATION), cut.part(TEST)),
    )


def count_evaluable(log: EventLog, fitted: Mask, held_out: Mask) -> int:
    """Count users with events in `fitted` and a relevant pair in `held_out` that `fitted` does not hold."""
    pairs = [USER_INDEX, ITEM_INDEX]
    events = log.events.select(*pairs, RELEVANT)
    history = events.filter(pl.Series(fitted))
    hits = events.filter(pl.Series(held_out) & events[RELEVANT])
    return hits.join(history, on=pairs, how="anti").join(history, on=USER_INDEX, how="semi")[USER_INDEX].n_unique()


def _temporal(log: EventLog, window: Window) -> Cut | None:
    ends = Ends.of(log)
    days = Timeline.of(log, ends).window(window.days, window.min_users, window.max_test_share)
    if days is None:
        return None
    cut = Plan("temporal", days, ends.newest).label(log, 0)
    return cut if count_evaluable_parts(log, cut).validation else None


def _divide(log: EventLog, protocol: str, seed: int, window: Window) -> Cut:
    held_out = _hold_out(log, protocol, seed, window)
    return _assemble(log, protocol, held_out, window)


def _hold_out(log: EventLog, protocol: str, seed: int, window: Window) -> tuple[Mask, Mask]:
    """Return the events of the test and those of validation."""
    hold_out_test, hold_out_validation = PROTOCOLS[protocol]
    if protocol == "next-session":
        hold_out_test = hold_out_validation = partial(last_session, minutes=window.session_minutes)
    held_out = hold_out_test(log, log.known, seed)
    if protocol == "next-session" and not held_out.any():
        gap = f"{window.session_minutes:g} minutes"
        raise DataRefused("no user has two sessions", seen=f"no gap above {gap}", do="give a shorter --session-minutes")
    test = held_out | ~log.known
    return test, hold_out_validation(log, ~test, seed)


def _given(log: EventLog, seed: int, window: Window) -> Cut:
    if not log.n_given:
        raise ConfigurationError("The manifest has no [test]", do="add a [test] table or use another protocol")
    pairs = log.events.select(USER_INDEX, ITEM_INDEX)
    known = pl.Series(log.known)
    overlap = pairs.filter(~known).join(pairs.filter(known), on=[USER_INDEX, ITEM_INDEX], how="semi").height
    if overlap:
        raise DataRefused("The given test repeats pairs of the interactions", seen=overlap, do="remove them from one")
    validation = random_user(log, log.known, seed, share=log.n_given / log.events.height)
    return _assemble(log, "given", (~log.known, validation), window)


def _assemble(log: EventLog, protocol: str, held_out: tuple[Mask, Mask], window: Window) -> Cut:
    cut = Cut(_labels(*held_out), protocol)
    return weigh(cut, count_evaluable_parts(log, cut), window)


def _labels(test: Mask, validation: Mask) -> NDArray[np.int8]:
    return np.where(test, TEST, np.where(validation, VALIDATION, TRAIN)).astype(np.int8)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
