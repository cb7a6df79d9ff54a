"""Recognition of delivered interactions files by their content: known, grown, or new."""

from dataclasses import dataclass, replace

from nightschool.columns import BYTES, FILE, HELD, INTERACTIONS, MAPPING, SHA256, STATE
from nightschool.data.manifest.sections import Interactions
from nightschool.data.readers.contents import Content, read_content
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.errors import ConfigurationError
from nightschool.ingest.ledger import ACCEPTED, DROPPED, Entry, Ledger, extent_of, mapping


@dataclass(frozen=True)
class Delivery:
    """What is known of a file before its rows are read.

    Attributes:
        known: How far its rows were taken in, under its own name or another; None where none of them were.
        offset: Rows that came under its name before, with another content.
        of: The other file whose content it repeats or continues; None without one.
        decided: The entry of this very content where it was set aside, and what was decided of it since.
        whole: Whether nothing follows what is known.
        torn: The known file whose last line was cut short when it was read, and goes on here.
    """

    known: Extent | None = None
    offset: int = 0
    of: str | None = None
    decided: Entry | None = None
    whole: bool = False
    torn: SourceFile | None = None

    @property
    def accepted(self) -> bool:
        """Return whether somebody decided to take this content in as it is."""
        return self.decided is not None and self.decided[STATE] == ACCEPTED

    @property
    def dropped(self) -> bool:
        """Return whether somebody decided to leave this content out for good."""
        return self.decided is not None and self.decided[STATE] == DROPPED


def recognize(file: SourceFile, part: Interactions, ledger: Ledger) -> Delivery:
    """Compare the file's content with what was taken in: the longest known beginning that has a row decides.

    The name does not matter, nor whether the file is compressed; the file's own last content is preferred.

    Raises:
        ConfigurationError: The manifest no longer means what it meant when the file was taken in.
        NotFound: The file is gone.
        Unreachable: It cannot be read now.
        DataRefused: It cannot be decompressed.
    """
    own = ledger.entry(INTERACTIONS, file)
    if own is not None and not ledger.was_read_by(part, INTERACTIONS, file):
        raise ConfigurationError(
            f"the manifest's [{INTERACTIONS.name}] is no longer what {file.name} was taken in by",
            do="change it back, or ingest into another --home",
        )
    if isinstance(part.format, Sql):
        return Delivery(known=extent_of(own) if own else None, decided=ledger.decided(INTERACTIONS, file))
    meaning = mapping(part)
    entries = [row for row in ledger.taken(INTERACTIONS) if row[MAPPING] == meaning]
    decided = ledger.decided(INTERACTIONS, file)
    if not entries and decided is None:
        return Delivery()
    content = read_content(file, (row[BYTES] for row in entries))
    decided = decided if decided is not None and decided[SHA256] == content.sha256 else None
    before = extent_of(own) if own else Extent(0, 0, "")
    heads = [row for row in entries if content.heads.get(row[BYTES]) == row[SHA256]]
    heads = [row for row in heads if _tells(row, content, file, part)]
    # Of the file's own states only the last one counts: an earlier one that is delivered again replaces it.
    heads = [row for row in heads if row is own or row[FILE] != file.name]
    if not heads:
        return Delivery(offset=before.rows, decided=decided)
    # The longest decides; of equals the file's own, then the newest.
    best = max(enumerate(heads), key=lambda pair: (pair[1][BYTES], pair[1][FILE] == file.name, pair[0]))[1]
    known, torn = _before_torn_line(file, part, best, ledger)
    whole = known.bytes == content.bytes
    if best is own:
        return Delivery(known, known.offset, decided=decided, whole=whole, torn=torn)
    rows = before.rows + known.rows - known.offset
    of = best[FILE] if best[FILE] != file.name else None
    return Delivery(replace(known, rows=rows, offset=before.rows), before.rows, of, decided, whole, torn)


def _tells(row: Entry, content: Content, file: SourceFile, part: Interactions) -> bool:
    """Return whether a known beginning shows that a file is the same or went on.

    Every file of a kind begins with the same header: without a row it shows nothing, unless the file itself is as it
    was. A file of a kind that cannot grow must be the same from end to end.
    """
    extent, is_all = extent_of(row), row[BYTES] == content.bytes
    has_rows = extent.rows > extent.offset
    return (has_rows and (is_all or part.format.grows)) or (is_all and row[FILE] == file.name)


def _before_torn_line(
    file: SourceFile, part: Interactions, head: Entry, ledger: Ledger
) -> tuple[Extent, SourceFile | None]:
    """Return how far the head is known, less a torn last line that has gone on since, and whose line that was."""
    extent = extent_of(head)
    shorter = part.format.before_torn_line(file, part.source_columns, extent)
    if shorter is None:
        return extent, None
    whose = SourceFile(head[FILE], file.path)
    if head is not ledger.entry(INTERACTIONS, whose):
        return shorter, None
    ledger.shorten(whose, part, shorter)
    return shorter, whose


def held_before(ledger: Ledger, file: SourceFile) -> int:
    """Return how many rows the tables got under the file's name so far."""
    entry = ledger.entry(INTERACTIONS, file)
    if entry is None:
        return 0
    held: int | None = entry[HELD]
    return extent_of(entry).rows if held is None else held
