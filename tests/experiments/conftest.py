"""The database that experiments are kept in."""

from tests.storage.conftest import address, database

__all__ = ["address", "database"]
