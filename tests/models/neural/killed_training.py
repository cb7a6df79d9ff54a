"""A training that is killed while it writes its third checkpoint."""

from typing import Final

KILLED: Final = """
import os, signal, sys
from pathlib import Path
from models.neural import checkpoints, training
from nightschool.checkpoints import checkpoints_below
{imported}

write, calls = checkpoints.atomic_write_text, []

def die_in_the_third(path, text):
    calls.append(path)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, text)

checkpoints.atomic_write_text = die_in_the_third
training.SECONDS_BETWEEN = 0
with checkpoints_below(Path(sys.argv[1])):
    {trainer}.train()
"""
"""To be run with a folder for its checkpoints; `trainer` is an expression of what `imported` brings in."""
