"""A server that replaces its workers for as long as it runs, however often they die."""

import time
from collections.abc import Sequence
from typing import Any, Final

from granian.server.mp import MPServer

LONGEST_PAUSE_SECONDS: Final = 10.0
"""The longest pause before a worker that dies repeatedly is replaced."""

_FIRST_PAUSE_SECONDS: Final = 0.1
_LIVED_SECONDS: Final = 30.0
"""A worker that ran this long had started well, so that it is replaced without a longer pause."""


class PersistentServer(MPServer):
    """Granian's server, which by itself ends when a worker dies within seconds of its start."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pauses: dict[int, tuple[float, float]] = {}

    def _respawn_workers(self, workers: Sequence[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        """Replace dead workers, each after a pause that doubles while its replacements die soon."""
        over = time.monotonic() + max(self._pause_of(worker) for worker in workers)
        while time.monotonic() < over and not self.interrupt_signal:
            time.sleep(0.05)
        if not self.interrupt_signal:
            super()._respawn_workers(workers, spawn_target, target_loader, delay)
        # Granian compares these with the next death, and would end the server.
        self.respawned_wrks.clear()

    def _pause_of(self, worker: int) -> float:
        now = time.monotonic()
        before, began = self._pauses.get(worker, (0.0, now - _LIVED_SECONDS))
        lived = now - began >= _LIVED_SECONDS
        pause = _FIRST_PAUSE_SECONDS if lived or not before else min(2 * before, LONGEST_PAUSE_SECONDS)
        self._pauses[worker] = (pause, now + pause)
        return pause
