import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nightschool.errors import Busy
from nightschool.storage.lock import home_lock

HOLD = """
import sys, time
from pathlib import Path
from nightschool.storage.lock import home_lock
with home_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "lock"


def test_the_lock_can_be_taken_again_after_the_block(path: Path) -> None:
    with home_lock(path):
        pass
    with home_lock(path):
        assert path.exists()


def test_the_lock_is_freed_when_the_block_raises(path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), home_lock(path):
        raise ValueError("broken")
    with home_lock(path):
        pass


def test_a_held_lock_names_its_holder(path: Path) -> None:
    with home_lock(path):
        with pytest.raises(Busy, match=f"saw 'process {os.getpid()}'"), home_lock(path):
            pytest.fail("taken twice")
        with pytest.raises(Busy), home_lock(path):
            pytest.fail("a refused attempt freed it")


def test_a_killed_process_holds_nothing(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(Busy, match=f"process {holder.pid}"), home_lock(path):
                pytest.fail("taken twice")
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait()
    with home_lock(path):
        assert path.read_text() == str(os.getpid())
