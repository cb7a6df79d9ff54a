"""Events of several requests in one transaction: waiting for the disk is most of what storing an event costs."""

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Lock

from nightschool.errors import Conflict
from nightschool.storage.events import Appended, EventStore, Sent, require_texts


class GroupCommit:
    """Appends events for several threads: one of them commits what all have, while the others wait.

    It is what databases call group commit: DeWitt et al., "Implementation techniques for main memory database systems",
    SIGMOD 1984.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._queue = Lock()
        self._commit = Lock()
        self._waiting: list[tuple[Sequence[Sent], Future[Appended]]] = []

    def append(self, events: Sequence[Sent]) -> Appended:
        """Store events, all of them or none, as `EventStore.append` does.

        Raises:
            Conflict: An event_id belongs to another event.
            DataRefused: A text holds what no database keeps.
            Unreachable: The database does not answer.
        """
        require_texts(events)
        stored: Future[Appended] = Future()
        with self._queue:
            self._waiting.append((events, stored))
        with self._commit:
            # Whoever committed before may have taken these along.
            if not stored.done():
                self._append_waiting()
        return stored.result()

    def _append_waiting(self) -> None:
        with self._queue:
            waiting, self._waiting = self._waiting, []
        try:
            answers = self._store.append_each([events for events, _ in waiting])
        except Exception as error:  # noqa: BLE001  # each thread raises it from its own result
            for _, stored in waiting:
                stored.set_exception(error)
            return
        for (_, stored), answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Conflict):
                stored.set_exception(answer)
            else:
                stored.set_result(answer)
