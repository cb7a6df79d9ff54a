"""One night at a time over all machines that share a store: a lease with a token, which is renewed or runs out."""

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Final
from uuid import uuid4

from nightschool.errors import Busy, LeaseLost, Unreachable
from nightschool.storage.store import Store

LEASE: Final = "_lease"
TERM: Final = timedelta(minutes=2)

logger = logging.getLogger("nightschool.storage")


@dataclass
class Lease:
    """A lease that this process holds.

    Attributes:
        token: How often the lease was taken over; a later holder has a larger one.
        tag: Of the object as this process wrote it last.
        until: When it runs out, by the store's clock.
        taken_over: Whether another holder let it run out.
        owner: Tells this holding from all others.
        fenced: Whether what an earlier holder may still be about to commit is refused by now.
        lost: Whether another process has taken it over.
    """

    store: Store
    token: int
    tag: str
    until: datetime
    taken_over: bool
    owner: str = ""
    fenced: bool = False
    lost: bool = False
    _turn: Lock = field(default_factory=Lock, repr=False)

    def require(self) -> None:
        """Check that it is still held, and renew it.

        Raises:
            LeaseLost: Another process has taken it over.
        """
        if self.lost or not self.renew():
            self.lost = True
            raise LeaseLost(
                f"the lease of {self.store.address} was lost",
                seen=f"token {self.token}",
                do="run the night again: another machine has gone on",
            )

    def renew(self) -> bool:
        """Let it run from now on; return whether it was still held."""
        with self._turn:
            until = self.store.now() + TERM
            tag = self.store.swap(LEASE, _content(self.token, until, self.owner), self.tag)
            if tag is None and (found := self.store.read(LEASE)) and json.loads(found[0]).get("owner") == self.owner:
                # An earlier renewal was written although its answer was an error.
                tag = self.store.swap(LEASE, _content(self.token, until, self.owner), found[1])
            if tag is not None:
                self.tag, self.until = tag, until
            return tag is not None


@contextmanager
def leased(store: Store, every: timedelta = TERM / 4) -> Iterator[Lease]:
    """Hold the lease of a store for the length of the block, and renew it meanwhile.

    Raises:
        Busy: Another process holds it.
    """
    lease = _take(store)
    ended = Event()
    renewing = Thread(target=_keep, args=(lease, ended, every.total_seconds()), daemon=True, name="lease")
    renewing.start()
    try:
        yield lease
    finally:
        ended.set()
        renewing.join()
        if not lease.lost:
            # Given back: the next one need not wait until it runs out. The token stays, and only grows. Where an
            # earlier holder is not fenced yet, it has run out instead, so that the next one does that.
            until = store.now() if lease.taken_over and not lease.fenced else None
            store.swap(LEASE, _content(lease.token, until, ""), lease.tag)


def _take(store: Store) -> Lease:
    now, owner = store.now(), uuid4().hex
    until = now + TERM
    found = store.read(LEASE)
    if found is None:
        if not store.create(LEASE, _content(1, until, owner)):
            raise _busy(store, store.read(LEASE))
        return Lease(store, 1, (store.read(LEASE) or (b"", ""))[1], until, taken_over=False, owner=owner)
    held = json.loads(found[0])
    runs_out = held["until"] and datetime.fromisoformat(held["until"])
    if runs_out and runs_out > now:
        raise _busy(store, found)
    token = held["token"] + 1
    tag = store.swap(LEASE, _content(token, until, owner), found[1])
    if tag is None:
        raise _busy(store, store.read(LEASE))
    return Lease(store, token, tag, until, taken_over=bool(runs_out), owner=owner)


def _keep(lease: Lease, ended: Event, seconds: float, wait: Callable[[Event, float], bool] = Event.wait) -> None:
    while not wait(ended, seconds):
        try:
            if not lease.renew():
                lease.lost = True
                return
        except Unreachable as error:
            logger.warning("the lease cannot be renewed: %s", error)


def _content(token: int, until: datetime | None, owner: str) -> bytes:
    holder = f"{socket.gethostname()}, process {os.getpid()}"
    ends = until and until.isoformat()
    return json.dumps({"token": token, "until": ends, "holder": holder, "owner": owner}).encode()


def _busy(store: Store, found: tuple[bytes, str] | None) -> Busy:
    held = json.loads(found[0]) if found else {}
    seen = f"{held.get('holder', 'another machine')}, until {held.get('until')}"
    return Busy(f"the lease of {store.address} is held", seen=seen, do="wait for that night to end")
