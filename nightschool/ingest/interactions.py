"""Interactions, file by file: compared with what was delivered before, read, judged, and taken in or set aside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from nightschool.columns import ARRIVED_AT, EVENT_ID, HELD, INTERACTIONS, MAPPING, SOURCE_FILE
from nightschool.data.manifest.sections import Interactions
from nightschool.data.readers.source_format import Reading
from nightschool.data.readers.sources import SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.errors import ConfigurationError, DataRefused, NightschoolError, NotFound, Unreachable
from nightschool.ingest.batch import IngestContext, Intake, judge
from nightschool.ingest.batch_profiles import series
from nightschool.ingest.deliveries import Delivery, held_before, recognize
from nightschool.ingest.file_outcomes import FileFate, may_have_passed, refuse, repeat_refusal
from nightschool.ingest.interaction_rows import Arrivals, placed, without_scoped_id
from nightschool.ingest.ledger import mapping
from nightschool.ingest.overlaps import find_overlap


@dataclass
class _Taking:
    """One ingest of interactions.

    Attributes:
        deliveries: File name to what was known of the file before this ingest took anything in.
        refusal: Why the first file was refused.
    """

    context: IngestContext
    intake: Intake
    arrivals: Arrivals
    deliveries: Mapping[str, Delivery | NightschoolError]
    fates: list[FileFate] = field(default_factory=list)
    refusal: NightschoolError | None = None

    def take(self, part: Interactions, file: SourceFile) -> None:
        """Take in what is new in a file; one that is refused is set aside by itself."""
        fresh = self.context.intake(INTERACTIONS, file)
        try:
            delivery = self._recognized(part, file)
            if self._is_as_it_was(delivery, part):
                self._leave(repeat_refusal(INTERACTIONS, file, delivery.decided or {}))
                return
            with self.arrivals.one_file():
                self._read(fresh, part, file, delivery)
        except (DataRefused, NotFound, Unreachable) as error:
            if isinstance(part.format, Sql) and not isinstance(error, DataRefused):
                raise
            self.refusal = self.refusal or error
            self._leave(refuse(self.context, fresh, file, part, error))
            if isinstance(found := self.deliveries[file.name], Delivery) and found.torn:
                self.context.ledger.lengthen(found.torn)

    def _recognized(self, part: Interactions, file: SourceFile) -> Delivery:
        """Return what is known of a file by now: one that was new may repeat another that has just been taken in."""
        found = self.deliveries[file.name]
        if isinstance(found, NightschoolError):
            raise found
        is_new = found.known is None and not isinstance(part.format, Sql)
        return recognize(file, part, self.context.ledger) if is_new and self.fates else found

    def _is_as_it_was(self, delivery: Delivery, part: Interactions) -> bool:
        """Return whether a file that was set aside would be refused again for the same reason."""
        decided = delivery.decided
        if decided is None or delivery.accepted or isinstance(part.format, Sql):
            return False
        return delivery.dropped or (decided[MAPPING] == mapping(part) and not may_have_passed(decided))

    def _leave(self, fate: FileFate) -> None:
        self.intake.set_aside += fate.rows
        self.fates.append(fate)

    def _read(self, fresh: Intake, part: Interactions, file: SourceFile, delivery: Delivery) -> None:
        context = self.context
        # Times at which files were written would order those of one night, whatever their names say.
        arrived = context.first_seen if part.order == "file" else context.arrival(file, part.format)
        known = delivery.known
        fresh.already_known += known.rows - known.offset if known else 0
        held = held_before(context.ledger, file)
        if known is not None and delivery.whole:
            context.ledger.note(INTERACTIONS, file, part, known, {ARRIVED_AT: arrived, HELD: held})
        else:
            reading = Reading(file, part.format, part.source_columns, known, offset=delivery.offset)
            source = series(file, mapping(part))
            for rows in reading.batches():
                good = fresh.sort_out(self.arrivals.judge(rows, part, file, arrived), file, context.now)
                if good.height:
                    fresh.accepted.add(placed(good, file, context.manifest.contexts))
                    fresh.batches.add(source, part, good)
            self._leave_out_known(fresh, part, file, delivery)
            if not delivery.accepted:
                self.arrivals.require_identity(file)
                judge(fresh, file, context.check)
            about = {ARRIVED_AT: arrived, HELD: held + fresh.accepted.rows + fresh.rejected.rows}
            context.ledger.note(INTERACTIONS, file, part, reading.extent, about)
        n_rows = fresh.already_known + fresh.accepted.rows + fresh.rejected.rows
        self.intake.absorb(fresh)
        self.fates.append(FileFate(INTERACTIONS.name, file.name, "taken", n_rows, _describe(file, delivery)))

    def _leave_out_known(self, fresh: Intake, part: Interactions, file: SourceFile, delivery: Delivery) -> None:
        """Count the rows that were delivered before, and leave them out of what comes in.

        Raises:
            DataRefused: Its other rows may be changed ones.
        """
        rows = fresh.accepted.scan()
        is_scoped = part.event_id_scope == "file"
        if delivery.known is not None or rows is None or not (is_scoped or _lacks_ids(rows)):
            return
        known = [self.context.ledger.known_rows()]
        if (others := self.intake.accepted.scan()) is not None:
            known.append(others)
        if self.context.lake.version(INTERACTIONS) is None and others is None:
            return
        frame = rows.collect()
        if is_scoped:
            # Under its own name a file's ids say which rows are known; those of other files say nothing about it.
            others_rows = [each.filter(pl.col(SOURCE_FILE).cast(pl.String) != file.name) for each in known]
            bare = [each.with_columns(without_scoped_id()) for each in others_rows]
            overlap = find_overlap(frame.with_columns(without_scoped_id()), bare, file.name)
        else:
            overlap = find_overlap(frame, known, file.name)
        if not delivery.accepted:
            overlap.require_consistent(file.name)
        n_known = int(overlap.known.sum())
        if n_known:
            fresh.already_known += n_known
            fresh.accepted.replace(frame.filter(~overlap.known))
            of = ", ".join(overlap.files[:3])
            fresh.warnings.append(f"{n_known:,} rows of {file.name} were delivered before, in {of}")


def take_interactions(
    context: IngestContext,
    pairs: Sequence[tuple[Interactions, SourceFile]],
    declared: Mapping[str, pl.Series | None],
) -> tuple[Intake, list[FileFate]]:
    """Take in what is new in the interactions files.

    Args:
        context: The ingest.
        pairs: Every file with the part of the manifest that describes it.
        declared: user_id and item_id to the ids of the declared tables; None where none is declared.

    Returns:
        What the table gets, and what became of each file.

    Raises:
        ConfigurationError: Two parts name one file, or the manifest no longer fits what was taken in by it.
        DataRefused: No file could be taken in, and the table holds nothing yet.
        Unreachable: A database does not answer.
    """
    names = [file.name for _, file in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError("two parts of [interactions] name one file", seen=twice[0], do="name it once")
    # Lines that went on are known before any row is judged: what was read of them counts no more.
    deliveries = {file.name: _recognize(context, part, file) for part, file in pairs}
    taking = _Taking(context, context.intake(INTERACTIONS), Arrivals(context, declared), deliveries)
    for part, file in pairs:
        taking.take(part, file)
    intake = taking.intake
    if not intake.accepted.rows and context.lake.scan(INTERACTIONS).head(1).collect().is_empty():
        if taking.refusal is not None:
            raise taking.refusal
        if intake.rejected.rows:
            seen = ", ".join(f"{code} {count}" for code, count in intake.reasons.most_common())
            seen += intake.examples()
            raise DataRefused("no row for interactions is good", seen=seen, do=intake.advice())
        if pairs and not intake.already_known:
            do = "check the file, or take it out of the manifest"
            raise DataRefused(f"{pairs[0][1].name} holds no rows", do=do)
    return intake, taking.fates


def _recognize(context: IngestContext, part: Interactions, file: SourceFile) -> Delivery | NightschoolError:
    """Return what is known of a file, or why it cannot be read."""
    try:
        return recognize(file, part, context.ledger)
    except (DataRefused, NotFound, Unreachable) as error:
        return error


def _lacks_ids(rows: pl.LazyFrame) -> bool:
    """Return whether some rows have no event id that says what they are."""
    lacking: bool = rows.select(pl.col(EVENT_ID).is_null().any()).collect().item()
    return lacking


def _describe(file: SourceFile, delivery: Delivery) -> str:
    """Return what is to be said of a file that repeats or continues another."""
    if delivery.of is None:
        return ""
    return f"{file.name} {'holds nothing beyond' if delivery.whole else 'goes on from'} {delivery.of}"
