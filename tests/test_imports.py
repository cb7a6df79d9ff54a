import gc
import subprocess
import sys

import pytest

from nightschool.imports import importing

FINALISED = """
import gc
from nightschool.imports import skip_last_collection
skip_last_collection()
class Loop:
    def __init__(self): self.me = self
    def __del__(self): print("collected")
loop = Loop()
del loop
{then}
"""


def test_imports_are_not_searched_for_garbage_and_what_follows_is() -> None:
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    with pytest.raises(ImportError), importing():
        raise ImportError
    assert gc.isenabled()


@pytest.mark.parametrize(("then", "printed"), [("", ""), ("gc.collect()", "collected\n")])
def test_the_end_of_a_process_is_not_searched(then: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FINALISED.format(then=then)], capture_output=True, text=True, check=True
    )
    assert done.stdout == printed
