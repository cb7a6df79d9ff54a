"""Whose turn it is to change a home: one process of a machine, and where a store is shared, one machine."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nightschool.errors import NightschoolError
from nightschool.settings import HomePaths
from nightschool.storage.lease import LEASE, leased
from nightschool.storage.lock import home_lock, locked
from nightschool.storage.replica import Replica, replica_of


@contextmanager
def home_turn(paths: HomePaths) -> Iterator[None]:
    """Hold a home's lock for the length of the block, and the lease of its store.

    The home is brought up to date before, and what was changed is put into the store, however the block ends.

    Raises:
        Busy: Another process or machine changes it, or has taken over the lease meanwhile.
        Unreachable: The store does not answer.
    """
    with home_lock(paths.lock):
        replica = replica_of(paths)
        if replica is None:
            yield
            return
        with locked(paths.replica_turn), _writing(replica):
            yield


@contextmanager
def _writing(replica: Replica) -> Iterator[None]:
    if not (replica.store.entries("lake") or replica.store.read(LEASE)):
        # The first time: what cannot fence must not be trusted with releases.
        replica.store.require_conditional()
    with leased(replica.store) as lease:
        replica.lease = lease
        try:
            replica.pull()
            if lease.taken_over:
                # Who let the lease run out may still be about to commit: that commit must find its number taken.
                replica.fence()
            lease.fenced = True
            try:
                yield
            except BaseException:
                # What the block committed is shared all the same; why it ended counts more than whether that succeeds.
                with suppress(NightschoolError):
                    replica.push()
                raise
            replica.push()
        finally:
            replica.lease = None
