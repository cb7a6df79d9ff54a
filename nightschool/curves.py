"""Curves of a training: a value at each step, noted for whoever collects them, and kept in a file."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

Note = Callable[[str, int, float], None]
"""Called with a curve's name, a step and the value there."""
Curves = Mapping[str, list[tuple[int, float]]]
"""Name to the steps and values of a curve; steps grow."""

CURVES: Final = "curves.jsonl"
"""The file in the folder of a stage."""

_note: ContextVar[Note | None] = ContextVar("curves", default=None)


@contextmanager
def curves_to(note: Note) -> Iterator[None]:
    """Pass on every point that is noted in the block, in this thread."""
    token = _note.set(note)
    try:
        yield
    finally:
        _note.reset(token)


def note_point(curve: str, step: int, value: float) -> None:
    """Note the value of a curve at a step; without a collector nothing happens."""
    note = _note.get()
    if note is not None:
        note(curve, step, value)


class CurveFile:
    """Appends points to a file, one line each, so that what was noted before a crash is kept.

    Args:
        file: Made with the first point.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self, curve: str, step: int, value: float) -> None:
        """Append a point."""
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps([curve, step, value]) + "\n")


def read_curves(file: Path) -> Curves:
    """Read the curves of a file; without it none.

    Where a curve's step does not grow, another training of the same name began: its curve is named `… 2`, and so on.
    """
    found: dict[str, list[list[tuple[int, float]]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        curve, step, value = json.loads(line)
        runs = found.setdefault(curve, [])
        if not runs or step <= runs[-1][-1][0]:
            runs.append([])
        runs[-1].append((step, value))
    return {
        curve if place == 1 else f"{curve} {place}": points
        for curve, runs in found.items()
        for place, points in enumerate(runs, start=1)
    }
