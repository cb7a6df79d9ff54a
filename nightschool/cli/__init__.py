"""The `nightschool` command."""

import io
import os
import signal
import sys
from types import FrameType
from typing import Final

from nightschool.imports import importing, skip_last_collection

_INTERRUPTED: Final = 130  # as in nightschool.failures, which is not loaded yet


def main() -> None:
    """Run the command line; Ctrl-C while it is being loaded ends it at once, since nothing has been done yet."""
    signal.signal(signal.SIGINT, _leave)
    skip_last_collection()
    _read_names_as_utf8()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that lacks a letter shows its number.
        sys.stdout.reconfigure(errors="backslashreplace")
    with importing():
        from nightschool.cli.app import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _read_names_as_utf8() -> None:
    """Start the interpreter again where its locale keeps it from naming files as Delta does, in UTF-8."""
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the same program once more


def _leave(_: int, __: FrameType | None) -> None:
    os._exit(_INTERRUPTED)


__all__ = ["main"]
