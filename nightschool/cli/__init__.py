"""The `nightschool` command."""

from nightschool.cli.app import main

__all__ = ["main"]
