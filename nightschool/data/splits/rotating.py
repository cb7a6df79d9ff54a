"""Validation cuts: the night's own first, then others made in the same way, to choose on more than one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np

from nightschool.contract import Mask, Split
from nightschool.data.dataset import EventLog
from nightschool.data.splits.protocols import NEEDS_ORDER, NEEDS_TIME, PROTOCOLS, instants, random_user
from nightschool.data.splits.splitting import TEST, TRAIN, VALIDATION, Cut, count_evaluable, validation_split

_DRAWN = 8  # cuts of a protocol that draws at random
_EARLIER = 4  # cuts of a protocol that follows time
_LEAST = 0.5  # share of the first cut's training rows and users that a cut needs to be one more of its kind


class _Part(NamedTuple):
    """The events to learn from and those held out, both bool [n_events], and the instant between them, if any."""

    fitted: Mask
    held_out: Mask
    at: datetime | None


class ValidationCuts(Sequence[Split]):
    """The cuts that recipes are chosen on, none of which holds a test event.

    The first is the night's validation. The others come before it in windows as long as its own where the cut follows
    time, so that each is fitted on what was known then; where events are held out at random, they are other draws of
    the same share. Splits are built when they are asked for; only the first is kept, for each holds a copy of the data.

    Args:
        log: The night's events.
        cut: How they are cut.
        seed: Seed of the draws.
    """

    def __init__(self, log: EventLog, cut: Cut, seed: int) -> None:
        self._log = log
        self._cut = cut
        self._seed = seed

    def __len__(self) -> int:
        return 1 + len(self._further)

    @overload
    def __getitem__(self, place: int) -> Split: ...
    @overload
    def __getitem__(self, place: slice) -> list[Split]: ...
    def __getitem__(self, place: int | slice) -> Split | list[Split]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        if place == 0:
            return self._first
        return self._log.split("validation", self._cut.protocol, *self._further[place - 1])

    @cached_property
    def _first(self) -> Split:
        return validation_split(self._log, self._cut)

    @cached_property
    def _further(self) -> list[_Part]:
        cut, log = self._cut, self._log
        if cut.validation_from is not None and cut.test_from is not None:
            parts = self._windows(cut.validation_from, cut.test_from - cut.validation_from)
        elif cut.protocol in NEEDS_ORDER:
            parts = self._peeled()
        elif cut.protocol in NEEDS_TIME:
            return []  # sessions before the last two are few
        else:
            return self._drawn()
        first = cut.part(TRAIN)
        least = first.sum() * _LEAST, count_evaluable(log, first, cut.part(VALIDATION)) * _LEAST
        found = []
        for part in parts:
            if part.fitted.sum() < least[0] or count_evaluable(log, part.fitted, part.held_out) < max(least[1], 1):
                break
            found.append(part)
        return found

    def _windows(self, validation_from: datetime, length: timedelta) -> list[_Part]:
        """Return windows of validation's length, the latest first; each is fitted on all that came before it."""
        times, parts = instants(self._log.events), []
        for place in range(1, _EARLIER):
            ends = validation_from - (place - 1) * length
            begins = ends - length
            before, until = (times <= _microseconds(instant) for instant in (begins, ends))
            parts.append(_Part(before & self._log.known, until & ~before & self._log.known, begins))
        return parts

    def _peeled(self) -> list[_Part]:
        """Return cuts that each hold out the last events of every user in what the cut before was fitted on."""
        left, parts = self._cut.part(TRAIN), []
        for _ in range(1, _EARLIER):
            held_out = PROTOCOLS[self._cut.protocol][1](self._log, left, self._seed)
            left = left & ~held_out
            parts.append(_Part(left, held_out, None))
        return parts

    def _drawn(self) -> list[_Part]:
        """Return other draws of what is held out."""
        open_events = ~self._cut.part(TEST)
        parts = []
        for place in range(1, _DRAWN):
            if self._cut.protocol in PROTOCOLS:
                held_out = PROTOCOLS[self._cut.protocol][1](self._log, open_events, self._seed + place)
            else:
                share = self._cut.part(VALIDATION).sum() / max(open_events.sum(), 1)
                held_out = random_user(self._log, open_events, self._seed + place, share=float(share))
            parts.append(_Part(open_events & ~held_out, held_out, None))
        return parts


def _microseconds(instant: datetime) -> np.int64:
    return np.datetime64(instant.replace(tzinfo=None), "us").astype(np.int64)
