import pytest
from sqlalchemy.exc import OperationalError

from nightschool.data.readers.addresses import connection_message, driver_message, postgresql_url
from nightschool.errors import ConfigurationError

ADDRESS = "postgresql://reader:p%40ss@db.example:5433/platform?sslpassword=other"


def failed(text: str) -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception(text))


def test_an_address_is_read() -> None:
    url = postgresql_url(ADDRESS, "it")
    assert (url.drivername, url.username, url.password) == ("postgresql+psycopg", "reader", "p@ss")
    assert (url.host, url.port, url.database) == ("db.example", 5433, "platform")


@pytest.mark.parametrize("address", ["", "p@ss", "postgresql://reader:p@ss@host:port/x"])
def test_what_is_none_is_refused_untold(address: str) -> None:
    with pytest.raises(ConfigurationError, match="the uri of x is not the address of a database; write it as") as error:
        postgresql_url(address, "the uri of x")
    assert "p@ss" not in str(error.value)


def test_no_part_of_the_address_is_told() -> None:
    error = failed(f"no\n  pg_hba entry for host db.example, user reader, p@ss, other: {ADDRESS}")
    assert driver_message(error, ADDRESS) == "no pg_hba entry for host …, user …, …, …: …"
    assert len(driver_message(failed("long " * 1000), ADDRESS)) == 300


def test_what_was_tried_is_not_told() -> None:
    error = failed('connection to server at "10.0.0.1" (also secret), port 5433 failed: refused')
    assert connection_message(error, ADDRESS) == "connection to server at … …, port 5433 failed: refused"
