"""The database that lists and impressions are kept in."""

from tests.storage.conftest import address, database

__all__ = ["address", "database"]
