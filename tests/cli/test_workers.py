from typing import Any

import pytest

from nightschool.cli.workers import LONGEST_PAUSE_SECONDS, PersistentServer


def test_a_worker_that_dies_again_and_again_is_waited_for_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("nightschool.cli.workers.time.monotonic", lambda: now)
    server = PersistentServer("nothing:at_all")
    pauses = [server._pause_of(0) for _ in range(10)]
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS
    assert server._pause_of(1) == 0.1
    now += 60
    assert server._pause_of(0) == 0.1


def test_a_server_that_is_told_to_end_replaces_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[Any] = []
    monkeypatch.setattr("granian.server.mp.MPServer._respawn_workers", lambda *told: replaced.append(told))
    server = PersistentServer("nothing:at_all")
    server._respawn_workers([0], None, None)
    server.interrupt_signal = True
    server._respawn_workers([0], None, None)
    assert len(replaced) == 1
