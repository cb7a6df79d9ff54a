"""Another try of quarantined rows, by the rules and the manifest of the home."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from expectations import validation
from nightschool.application.asked import carry_out_asked
from nightschool.application.forget import finish_erasure
from nightschool.application.home import manifest_of
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ledger import Ledger
from nightschool.ingest.quarantine.retry import retry
from nightschool.storage.home import Home
from nightschool.storage.quarantine.repair_files import read_repairs


def retry_quarantined(home: Home, repaired: Path | None) -> dict[str, Any]:
    """Retry the rows of a file of repaired ones, else all quarantined rows as they are; report what became of each.

    Without a file, what operators asked for on their page is carried out first.

    Call it under the home's lock.

    Raises:
        NotFound: There is no such file.
        DataRefused: The file holds a row that is not quarantined; nothing was changed.
    """
    finish_erasure(home)
    repairs = read_repairs(repaired) if repaired else None
    now = datetime.now(UTC)
    ledger = Ledger(home.lake, now)
    context = IngestContext(manifest_of(home), home.binding.source_root, home.lake, ledger, validation, now, now)
    if repairs is None:
        carry_out_asked(context)
    return retry(context, repairs).to_dict()
