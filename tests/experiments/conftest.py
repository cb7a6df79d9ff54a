"""The database that experiments are kept in."""

from tests.storage.conftest import database

__all__ = ["database"]
