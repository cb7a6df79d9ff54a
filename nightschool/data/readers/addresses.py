"""Addresses of databases, which may hold a password and never appear in messages."""

import re
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from nightschool.data.readers.paths import below_the_root
from nightschool.errors import ConfigurationError
from nightschool.sqlite import SQLITE

_POSTGRESQL: Final = ("postgresql://", "postgresql+psycopg://")


def require_address(uri: str) -> str:
    """Return the URI of a database, if it is one that can be read.

    Raises:
        ValueError: It is of another kind, or names an SQLite file that is not below the source root.
    """
    if uri.startswith(SQLITE):
        below_the_root(uri.removeprefix(SQLITE))
    elif not uri.startswith(_POSTGRESQL):
        raise ValueError('give uri as "sqlite:///FILE", "postgresql://…" or "$NAME" of an environment variable')
    return uri


def postgresql_url(address: str, name: str) -> sa.URL:
    """Parse the address of a PostgreSQL database.

    Args:
        address: postgresql://USER:PASSWORD@HOST:PORT/NAME.
        name: What the address is called in an error.

    Raises:
        ConfigurationError: It is no address.
    """
    try:
        return sa.make_url(address).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        do = "write it as postgresql://USER:PASSWORD@HOST:PORT/NAME, with %40 for an @ in the password"
        raise ConfigurationError(f"{name} is not the address of a database", do=do) from None


def driver_message(error: BaseException, address: str) -> str:
    """Return the driver's message without any part of the address."""
    url = sa.make_url(address)
    text = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
    parts = (address, url.password, url.username, url.host, *url.query.values())
    for part in sorted((str(part) for part in parts if part), key=len, reverse=True):
        text = text.replace(part, "…")
    return text[:300]


def connection_message(error: BaseException, address: str) -> str:
    """Return the driver's message about a failed connection, without quoted or bracketed parts, which name hosts."""
    return re.sub(r"[\"'(][^\"')]*[\"')]", "…", driver_message(error, address))
