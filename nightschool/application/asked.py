"""What operators asked to be done with quarantined rows, found in the home's database and carried out."""

from nightschool.ingest.batch import IngestContext
from nightschool.ingest.quarantine.asked import carry_out
from nightschool.settings import Settings
from nightschool.storage.database import find_database
from nightschool.storage.quarantine.repairs import Repairs


def carry_out_asked(context: IngestContext) -> tuple[str, ...]:
    """Carry out what operators asked to be done with quarantined rows, and say what became of it.

    Raises:
        Unreachable: The database does not answer.
    """
    database = find_database(Settings().events_address)
    if database is None:
        return ()
    try:
        return carry_out(context, Repairs(database)).sentences
    finally:
        database.dispose()
