from pathlib import Path

from serving.shared import Shared


def test_marks_of_one_worker_are_read_by_the_others_and_only_rise(tmp_path: Path) -> None:
    one, other, alone = Shared(tmp_path), Shared(tmp_path), Shared()
    one.note_events([("14", 7), ("half \ud800", 9)])
    other.note_events([("14", 5)])
    other.note_undone(("14", sequence) for sequence in (1, 2))
    assert (one.mark("14"), other.mark("14")) == ((7, 2), (7, 2))
    assert (other.mark("half \ud800"), other.mark("15"), alone.mark("14")) == ((9, 0), (0, 0), (0, 0))
    assert Shared(tmp_path).mark("14") == (7, 2)


def test_a_key_may_ask_as_often_as_it_may_whichever_worker_it_asks(tmp_path: Path) -> None:
    one, other = Shared(tmp_path), Shared(tmp_path)
    waits = [worker.wait_of("key", 2) for worker in (one, other, one, other)]
    assert waits[:2] == [0, 0]
    assert all(0.3 < wait <= 0.5 for wait in waits[2:])
    assert one.wait_of("another", 2) == 0
    assert one.wait_of("seldom", 0.1) == 0
    assert 9 < other.wait_of("seldom", 0.1) <= 10
