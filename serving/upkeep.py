"""Background threads that keep a server current, one for each thing that may change."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from nightschool.errors import NightschoolError
from nightschool.storage.lake import UNREADABLE

logger = logging.getLogger("nightschool.serving")

REFRESH_SECONDS: Final = 0.25
"""How often other processes' events, keys and releases are read."""


class Upkeep:
    """Steps that are repeated, each in its own thread: one that is stuck delays neither others nor requests.

    Attributes:
        troubles: Step to why it failed the last time; what it had read before is kept.
    """

    def __init__(self, steps: Mapping[str, Callable[[], None]]) -> None:
        self._steps = steps
        self.troubles: dict[str, str] = {}

    def attempt(self, name: str) -> Exception | None:
        """Take a step and return the error that it ended with, which is logged once until it changes."""
        try:
            self._steps[name]()
        except (NightschoolError, *UNREADABLE) as error:
            if self.troubles.get(name) != str(error):
                logger.warning("%s cannot be read now: %s", name, error)
            self.troubles[name] = str(error)
            return error
        if self.troubles.pop(name, None) is not None:
            logger.info("%s can be read again", name)
        return None

    def refresh(self) -> None:
        """Take every step once, even if others fail.

        Raises:
            NightschoolError: Something could not be read now; also what damaged files raise.
        """
        troubles = [trouble for trouble in map(self.attempt, self._steps) if trouble is not None]
        if troubles:
            raise troubles[0]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take each step repeatedly in a thread of its own while the block runs."""
        over = threading.Event()

        def keep(name: str) -> None:
            while not over.wait(REFRESH_SECONDS):
                self.attempt(name)

        threads = [threading.Thread(target=keep, args=(name,), name=name, daemon=True) for name in self._steps]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
