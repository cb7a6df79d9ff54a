"""Ctrl-C ends everything that `nightschool up` started; of the files that share it, this one comes last."""

import signal

import psutil
import pytest

from tests.flows.servers import Servers

pytestmark = pytest.mark.server


def test_ctrl_c_ends_everything(servers: Servers) -> None:
    family = psutil.Process(servers.process.pid).children(recursive=True)
    assert len(family) >= 3
    servers.process.send_signal(signal.SIGINT)
    assert servers.process.wait(60) == 0, servers.output.read_text()
    assert not [process for process in family if process.is_running()]
