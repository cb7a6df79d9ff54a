"""Child processes end with their parent's block, however it is left."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from nightschool.cli.process_group import ProcessGroup
from nightschool.errors import NightschoolError

SLEEPER = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
PARENT_OF_DEAF = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {DEAF!r}], start_new_session=True)"


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessGroup:
    monkeypatch.setattr("nightschool.cli.process_group.GRACE_SECONDS", 0.5)
    return ProcessGroup(tmp_path / "logs", dict(os.environ), tmp_path)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


Family = Callable[[], list[psutil.Process]]


@pytest.fixture
def family() -> Family:
    """This process's descendants, without the servers that other tests have started."""
    others = set(psutil.Process().children(recursive=True))

    def own() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [child for child in children if others.isdisjoint([child, *child.parents()])]

    return own


def logged(children: ProcessGroup, name: str, text: str) -> bool:
    return text in (children.logs / f"{name}.log").read_text()


def test_leaving_ends_descendants_that_are_deaf_and_in_another_session(children: ProcessGroup, family: Family) -> None:
    with children:
        children.start("server", python(PARENT_OF_DEAF))
        children.until(lambda: logged(children, "server", "deaf"), "the grandchild", seconds=30)
        started = family()
    assert len(started) == 2
    assert not [process for process in started if process.is_running()]


def start_and_watch(children: ProcessGroup, codes: dict[str, str]) -> None:
    with children:
        for name, code in codes.items():
            children.start(name, python(code))
        children.watch()


def start_and_wait(children: ProcessGroup) -> None:
    with children:
        children.start("server", python(SLEEPER))
        children.until(lambda: False, "a miracle", seconds=0)


def test_a_wait_in_vain_ends_them_too(children: ProcessGroup, family: Family) -> None:
    with pytest.raises(NightschoolError, match="waited 0 seconds for a miracle, without success; read the logs in"):
        start_and_wait(children)
    assert not family()


def test_one_that_ends_is_named_with_its_code_its_last_words_and_its_log(
    children: ProcessGroup, family: Family
) -> None:
    dying = "print('no such pool\\n'); raise SystemExit(3)"
    with pytest.raises(NightschoolError) as caught:
        start_and_watch(children, {"Some server": SLEEPER, "worker": dying})
    log = children.logs / "worker.log"
    assert str(caught.value) == f"worker ended with exit code 3; saw 'no such pool'; read {log}"
    assert not family()


def test_one_that_was_killed_is_named_with_the_signal(children: ProcessGroup) -> None:
    dying = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(NightschoolError, match=r"server ended by signal SIGKILL; saw 'an empty log'"):
        start_and_watch(children, {"server": dying})


def test_run_returns_when_it_succeeded(children: ProcessGroup) -> None:
    with children:
        children.run("deployment", python("print('done')"), seconds=30)
        assert logged(children, "deployment", "done")


def test_run_raises_when_it_failed(children: ProcessGroup) -> None:
    with pytest.raises(NightschoolError, match=r"deployment ended with exit code 2; saw 'bad'"), children:
        children.run("deployment", python("import sys; sys.exit(print('bad') or 2)"), seconds=30)


def test_run_is_bounded(children: ProcessGroup, family: Family) -> None:
    with pytest.raises(NightschoolError, match=r"waited 0 seconds for deployment to finish, without success"), children:
        children.run("deployment", python(SLEEPER), seconds=0.1)
    assert not family()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_arrive_as_keyboard_interrupt(
    children: ProcessGroup, family: Family, number: signal.Signals
) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
    with pytest.raises(KeyboardInterrupt):
        start_and_watch(children, {"server": SLEEPER})
    assert not family()


def test_a_childs_own_signals_are_the_usual_ones(children: ProcessGroup) -> None:
    code = "import signal; print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    with children:
        children.run("child", python(code), seconds=30)
    assert logged(children, "child", "True")


def test_the_parents_signals_are_as_before(children: ProcessGroup) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with children:
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
