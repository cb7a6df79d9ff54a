"""Where the data are cut into train, validation and test: the night's own choice, and the named protocols."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

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


def choose_cut(log: EventLog, *, seed: int, window: Window = Window()) -> Cut:
    """Choose the night's cut: temporal and global if the data allow it, else temporal per user, else random per user.

    Raises:
        DataRefused: The log has no events.
    """
    if not log.known.any():
        raise DataRefused("There is nothing to split", seen=0, do="ingest interactions first")
    if not log.has_time and log.ordered:
        why = (
            "the data have an order and no time: each user's last 20 % is the test, and the models know other people's "
            "later events, so every verdict is weaker"
        )
        return _divide(log, "temporal-user", seed, window, (why,))
    if not log.has_time:
        why = "the data have no time: pairs are held out at random, so the models know events later than the test's"
        return _divide(log, "random-user", seed, window, (why,))
    cut = _temporal(log, window)
    if cut is not None:
        return cut
    why = (
        f"no common instant leaves {window.min_users} known users a test of {window.days} days or more within "
        f"{window.max_test_share:.0%} of the rows: each user's last 20 % is the test, and the models know other "
        "people's later events, so every verdict is weaker"
    )
    return _divide(log, "temporal-user", seed, window, (why,))


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
        return _divide(log, protocol, seed, window, ())
    cut = _temporal(log, window)
    if cut is None:
        raise ConfigurationError(
            f"no instant leaves {window.min_users} known users a temporal test", do="use --protocol temporal-user"
        )
    return cut


def count_evaluable(log: EventLog, fitted: Mask, held_out: Mask) -> int:
    """Count users with events in `fitted` and a relevant pair in `held_out` that `fitted` does not hold."""
    pairs = [USER_INDEX, ITEM_INDEX]
    events = log.events.select(*pairs, RELEVANT)
    history = events.filter(pl.Series(fitted))
    hits = events.filter(pl.Series(held_out) & events[RELEVANT])
    return hits.join(history, on=pairs, how="anti").join(history, on=USER_INDEX, how="semi")[USER_INDEX].n_unique()


def _temporal(log: EventLog, window: Window) -> Cut | None:
    times = instants(log.events)
    length = _window_length(log, times, window)
    if length is None:
        return None
    test_from = int(times[log.known].max()) - length * _DAY
    validation_from = test_from - length * _DAY
    labels = (times > validation_from).astype(np.int8) + (times > test_from).astype(np.int8)
    labels[~log.known] = TEST
    cut = Cut(labels, "temporal", _instant(validation_from), _instant(test_from))
    return cut if count_evaluable(log, cut.part(TRAIN), cut.part(VALIDATION)) else None


def _window_length(log: EventLog, times: NDArray[np.int64], window: Window) -> int | None:
    """Return the fewest days that give the test enough users; None if that takes too many rows or all of the past."""
    times = times[log.known]
    timed = np.sort(times[times > np.iinfo(np.int64).min])
    newest = int(timed[-1])
    longest = (newest - int(timed[0])) // (2 * _DAY)
    days = np.arange(window.days, longest + 1)
    test_from = newest - days * _DAY
    first, last = _first_and_last_discovery(log, times)
    # A user counts who is there before the instant and finds a new relevant item after it; first ≤ last always.
    users = np.searchsorted(first, test_from, side="right") - np.searchsorted(last, test_from, side="right")
    shares = (len(timed) - np.searchsorted(timed, test_from, side="right")) / len(times)
    enough = np.flatnonzero((users >= window.min_users) & (shares <= window.max_test_share))
    return int(days[enough[0]]) if len(enough) else None


def _first_and_last_discovery(log: EventLog, times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return sorted times of each user's first event and last first interaction with a relevant item."""
    events = log.events.filter(pl.Series(log.known)).select(USER_INDEX, ITEM_INDEX, RELEVANT, time=pl.Series(times))
    first_seen = events.group_by(USER_INDEX, ITEM_INDEX).agg(pl.col("time").min(), pl.col(RELEVANT).any())
    users = first_seen.group_by(USER_INDEX).agg(
        first=pl.col("time").min(), last=pl.col("time").filter(pl.col(RELEVANT)).max()
    )
    users = users.drop_nulls("last")
    return np.sort(users["first"].to_numpy()), np.sort(users["last"].to_numpy())


def _divide(log: EventLog, protocol: str, seed: int, window: Window, warnings: tuple[str, ...]) -> Cut:
    hold_out_test, hold_out_validation = PROTOCOLS[protocol]
    if protocol == "next-session":
        hold_out_test = hold_out_validation = partial(last_session, minutes=window.session_minutes)
    held_out = hold_out_test(log, log.known, seed)
    if protocol == "next-session" and not held_out.any():
        gap = f"{window.session_minutes:g} minutes"
        raise DataRefused("no user has two sessions", seen=f"no gap above {gap}", do="give a shorter --session-minutes")
    test = held_out | ~log.known
    return _assemble(log, protocol, (test, hold_out_validation(log, ~test, seed)), window, warnings)


def _given(log: EventLog, seed: int, window: Window) -> Cut:
    if not log.n_given:
        raise ConfigurationError("The manifest has no [test]", do="add a [test] table or use another protocol")
    pairs = log.events.select(USER_INDEX, ITEM_INDEX)
    known = pl.Series(log.known)
    overlap = pairs.filter(~known).join(pairs.filter(known), on=[USER_INDEX, ITEM_INDEX], how="semi").height
    if overlap:
        raise DataRefused("The given test repeats pairs of the interactions", seen=overlap, do="remove them from one")
    validation = random_user(log, log.known, seed, share=log.n_given / log.events.height)
    return _assemble(log, "given", (~log.known, validation), window, ())


def _assemble(
    log: EventLog, protocol: str, held_out: tuple[Mask, Mask], window: Window, warnings: tuple[str, ...]
) -> Cut:
    test, validation = held_out
    labels = np.where(test, TEST, np.where(validation, VALIDATION, TRAIN)).astype(np.int8)
    users = count_evaluable(log, ~test, test)
    if users >= window.min_users:
        return Cut(labels, protocol, warnings=warnings)
    few = f"too few users to tell: {users} with relevant test items, {window.min_users} needed"
    return Cut(labels, protocol, warnings=(*warnings, few), underpowered=True)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
