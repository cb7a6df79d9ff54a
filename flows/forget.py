"""Erasing a person, as a flow that operators start in the Prefect UI."""

from typing import Any

from prefect import flow, get_run_logger

from nightschool.application.forget import forget as erase
from nightschool.application.home import open_home
from nightschool.application.run_labels import withhold_parameters
from nightschool.errors import NotFound
from nightschool.settings import Settings
from nightschool.storage.turn import home_turn


@flow(name="forget")
def forget(user: str) -> dict[str, Any]:
    """Erase a person from everything below the home, for good, and return how many rows of each table were removed.

    Args:
        user: The person's id, as the sources write it. Prefect does not keep it: the run withholds it before it begins.
    """
    withhold_parameters()
    home = open_home()
    with home_turn(Settings().paths):
        try:
            report = erase(home, user)
        except NotFound:
            # Prefect keeps the message: it must not name whom it was asked for.
            raise NotFound("no such user; nothing was erased", do="give an id as the sources write it") from None
    removed: dict[str, int] = report["removed"]
    get_run_logger().info("forgotten: %s", ", ".join(f"{rows:,} rows of {table}" for table, rows in removed.items()))
    return {"removed": removed, "recommenders": report["recommenders"]}
