from tests.cli.conftest import spawn


def test_ctrl_c_that_a_library_swallows_ends_the_command_at_the_end_of_the_stage() -> None:
    code = """
import os, signal, time
from nightschool.cli import app
from nightschool.application.measure import measured

signal.signal(signal.SIGINT, signal.default_int_handler)

def command(prog_name):
    with measured("ingest"):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        except BaseException:
            pass
    print("went on")

app.app = command
app.main()
"""
    outcome = spawn(code=code)
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "")


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    code = """
import os, signal
from nightschool.cli import app

signal.signal(signal.SIGINT, signal.SIG_IGN)
app.app = lambda prog_name: os.kill(os.getpid(), signal.SIGINT) or print("went on")
app.main()
"""
    outcome = spawn(code=code)
    assert (outcome.code, outcome.out, outcome.err) == (0, "went on\n", "")
