"""Users and items: files that are read whole and compared by id, so that a change is one more row."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from nightschool.columns import (
    ALWAYS,
    ARRIVED_AT,
    AVAILABLE_AT,
    INSTANT,
    ITEM_ID,
    LIST,
    MAPPING,
    POSITION,
    REASON,
    STATE,
    USER_ID,
    USERS,
    WITHDRAWN,
    Table,
)
from nightschool.data.manifest.manifest import Items, Users
from nightschool.data.normalization.normalise import FAULT, normalise_items, normalise_users
from nightschool.data.normalization.row_reader import RELEASED
from nightschool.data.readers.source_format import Reading, no_rows
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.data.readers.sql import Sql
from nightschool.data.vectors import VECTOR
from nightschool.errors import ConfigurationError, DataRefused, NightschoolError, NotFound, Unreachable
from nightschool.ingest.batch import IngestContext, Intake, judge, mark
from nightschool.ingest.batch_profiles import series
from nightschool.ingest.file_outcomes import FileFate, may_have_passed, refuse, repeat_refusal
from nightschool.ingest.full_lists import FullLists
from nightschool.ingest.ledger import ACCEPTED, Entry, extent_of, mapping
from nightschool.ingest.prerequisites import count_unmatched, mark_cycles, without_cycles, without_lacking
from nightschool.ingest.sent_changes import NOTHING, SENT, SentReader
from nightschool.ingest.tombstones import mark_forgotten
from nightschool.ingest.vectors import mark_vectors, vector_files, with_vectors_of_files, without_unfit
from nightschool.storage.erasure_log import Erasures

_CONTENT: Final = "content"
_BEFORE: Final = "before"
_SINCE: Final = "since"


@dataclass
class _Taking:
    """One ingest of a table of users or items, file by file; the position of each is the hash of files of vectors."""

    context: IngestContext
    intake: Intake
    lists: FullLists
    newest: pl.DataFrame
    vectors: str | None
    fates: list[FileFate] = field(default_factory=list)
    arrived: datetime | None = None
    refusal: NightschoolError | None = None
    told: datetime | None = None

    def take(self, file: SourceFile, arrived: datetime) -> None:
        """Take in what a file brings; one that is refused is set aside by itself."""
        context, table, part = self.context, self.intake.table, self.lists.part
        ledger = context.ledger
        known, decided = ledger.known(table, file), ledger.decided(table, file)
        fresh, accepted = context.intake(table, file), decided is not None and decided[STATE] == ACCEPTED
        try:
            if decided is not None and not accepted and self._is_as_it_was(file, decided):
                self._leave(repeat_refusal(table, file, decided))
                return
            stays = known is not None and part.format.is_unchanged(file, known)
            stays = stays and not self.lists.came_again(file, arrived)
            same = known is not None and known.position == self.vectors and ledger.was_read_by(part, table, file)
            if known is not None and stays and same:
                self.intake.already_known += known.rows
                return
            # What the manifest describes in another way from now on has arrived now.
            self._take(fresh, file, max(arrived, context.first_seen) if stays else arrived, accepted=accepted)
        except (DataRefused, NotFound, Unreachable) as error:
            if isinstance(part.format, Sql) and not isinstance(error, DataRefused):
                raise
            self.refusal = self.refusal or error
            self._leave(refuse(context, fresh, file, part, error))

    def take_sent(self, until: datetime | None) -> None:
        """Take in what the service was told until an instant; None: all that is left of it."""
        context, table, part = self.context, self.intake.table, self.lists.part
        changes = context.sent.get(table.name, NOTHING).between(self.told, until)
        if not changes:
            return
        found = SentReader(context.lake, table, part, self.newest, context.now).rows(changes)
        given = context.with_findings(table, found.described)
        if table is USERS:
            given = mark_forgotten(given, Erasures(context.lake))
        given = mark_vectors(given, self.newest, part)
        good = self.intake.sort_out(given, SourceFile(SENT[table.name], context.source_root), context.now)
        good = pl.concat([good, without_unfit(given)])
        good = good.drop(name for name in FAULT if name in good.columns)
        require_same_types(good, self.newest, table)
        rows = [pl.concat([self.newest.clear(), part_of], how="diagonal") for part_of in (good, found.gone)]
        self.intake.sent += [frame for frame in rows if frame.height]
        self.intake.already_known += found.known
        self.newest = newest_of_each_id(pl.concat([self.newest, *rows], how="diagonal"), self.lists.key)
        self.told = changes[-1].at

    def note_sent(self) -> None:
        """Note in the ledger how far what the service was told has been taken in."""
        sent, table = self.context.sent.get(self.intake.table.name, NOTHING), self.intake.table
        if not sent.changes:
            return
        file = SourceFile(SENT[table.name], self.context.source_root)
        known = self.context.ledger.known(table, file)
        rows = len(sent.changes) + (known.rows if known else 0)
        extent = Extent(0, rows, "", position=str(sent.newest))
        self.context.ledger.note(table, file, self.lists.part, extent, {ARRIVED_AT: sent.changes[-1].at})
        self.fates.append(FileFate(table.name, file.name, "taken", len(sent.changes)))

    def _is_as_it_was(self, file: SourceFile, decided: Entry) -> bool:
        """Return whether a file that was set aside would be refused again for the same reason."""
        part = self.lists.part
        same = decided[MAPPING] == mapping(part) and decided[POSITION] == self.vectors
        same = same and part.format.is_unchanged(file, extent_of(decided))
        return same and not may_have_passed(decided)

    def _leave(self, fate: FileFate) -> None:
        self.intake.set_aside += fate.rows
        self.fates.append(fate)

    def _take(self, fresh: Intake, file: SourceFile, arrived: datetime, *, accepted: bool) -> None:
        context, table, whole, key = self.context, self.intake.table, self.lists.part, self.lists.key
        part, notes = without_lacking(whole, file)
        fresh.warnings += notes
        reading = Reading(file, part.format, part.source_columns)
        frames = [normalised(context, table, part, rows) for rows in reading.batches()]
        if not frames:
            frames = [normalised(context, table, part, no_rows(part.source_columns))]
        frame = pl.concat(frames)
        said_once = _without_repeats(frame)
        judged = mark_cycles(first_of_each_id(said_once, key), self.newest, part)
        judged = mark_vectors(judged, self.newest, part)
        # The interactions with an item do not wait for its prerequisites or vectors, which alone are set aside.
        cleared = pl.concat([without_cycles(judged, part), without_unfit(judged)])
        given = pl.concat([fresh.sort_out(judged, file, context.now), cleared])
        fresh.excused += cleared.height
        require_same_types(given, self.newest, table)
        ids = frame[key].drop_nulls().unique()
        name = self.lists.list_of(file, ids)
        added = changes(given, self.newest, key, context.manifest.history, arrived)
        fresh.already_known += frame.height - said_once.height + given.height - added.height
        # A new column comes in even where it is empty: the manifest promises it to every stage that follows.
        if added.height or not {*added.columns} <= {*self.newest.columns}:
            fresh.accepted.add(added)
        fresh.batches.add(series(file, mapping(whole)), part, given)
        if not accepted:
            self._judge(fresh, file, name, reading.extent)
        self.intake.absorb(fresh)
        self.intake.reread.append(file.name)
        self.newest = newest_of_each_id(pl.concat([self.newest, added], how="diagonal"), key)
        # The last key of a query may be somebody's id, and a source that is read whole needs none.
        extent = replace(reading.extent, position=self.vectors)
        context.ledger.note(table, file, whole, extent, {ARRIVED_AT: arrived, LIST: name})
        self.lists.deliver(name, ids, file)
        self.arrived = arrived if self.arrived is None else max(self.arrived, arrived)
        self.fates.append(FileFate(table.name, file.name, "taken", frame.height))

    def _judge(self, fresh: Intake, file: SourceFile, name: str, extent: Extent) -> None:
        """Check the share of bad rows, the distribution, and that the list did not lose half of its rows."""
        before = self.lists.rows_of(name)
        if before is not None:
            do = f"restore it; if it is meant so: nightschool sources accept '{file.name}'"
            if before and not extent.rows:
                raise DataRefused(f"{file.name} holds no rows", seen=f"{before} rows when it was read last", do=do)
            self.context.check.check_growth(fresh.table.name, before, extent.rows).raise_if_failed(do)
        judge(fresh, file, self.context.check)

    def withdraw(self) -> None:
        """Withdraw the users or items that no full list holds any more."""
        if self.arrived is None or not self.lists.part.complete:
            return
        there = self.context.sent.get(self.intake.table.name, NOTHING).there
        gone = self.lists.withdrawn(self.newest, self.arrived)
        gone = gone.filter(~pl.col(self.lists.key).cast(pl.String).is_in(list(there)))
        if gone.height:
            rows = pl.concat([self.newest.clear(), gone], how="diagonal")
            self.intake.withdrawn = rows
            self.newest = newest_of_each_id(pl.concat([self.newest, rows]), self.lists.key)


def take_entities(
    context: IngestContext, table: Table, part: Users | Items, files: Sequence[SourceFile]
) -> tuple[Intake, pl.Series, list[FileFate], datetime | None]:
    """Take in what the files bring for users or items.

    Returns:
        What the table gets; every id that is known with it; what became of each file; when the newest of it arrived.

    Raises:
        DataRefused: A file is refused, and the table holds nothing yet.
        Unreachable: A database does not answer.
        ConfigurationError: The manifest gives a column another type than the table has.
    """
    key = USER_ID if table is USERS else ITEM_ID
    newest = newest_of_each_id(context.lake.scan(table).collect(), key)
    lists = FullLists.of(context, table, part, files)
    taking = _Taking(context, context.intake(table), lists, newest, vector_files(part, context.source_root))
    arrivals = [(context.arrival(file, part.format), file) for file in files]
    for arrived, file in sorted(arrivals, key=lambda pair: pair[0]):
        taking.take_sent(arrived)
        taking.take(file, arrived)
    taking.take_sent(None)
    taking.note_sent()
    if taking.refusal is not None and taking.newest.is_empty():
        raise taking.refusal
    taking.withdraw()
    came = max((instant for instant in (taking.arrived, taking.told) if instant is not None), default=None)
    if came is not None:
        taking.intake.warnings += count_unmatched(taking.newest, part)
    return taking.intake, taking.newest[key], taking.fates, came


def normalised(context: IngestContext, table: Table, part: Users | Items, rows: pl.DataFrame) -> pl.DataFrame:
    """Convert raw rows to rows of users or items, with a reason in those that may not come in."""
    if isinstance(part, Users):
        frame = normalise_users(rows, part, context.lake.user_id, fold_case=context.manifest.fold_case)
        return context.with_findings(table, mark_forgotten(frame, Erasures(context.lake)))
    items = with_vectors_of_files(normalise_items(rows, part, context.lake.item_id), part, context.source_root)
    return context.with_findings(table, items)


def _without_repeats(frame: pl.DataFrame) -> pl.DataFrame:
    """Drop good rows that equal an earlier good row in every column."""
    said = pl.struct(_content([name for name in frame.columns if name not in FAULT]), pl.col(REASON).is_null())
    return frame.filter(pl.col(REASON).is_not_null() | said.is_first_distinct())


def first_of_each_id(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    """Give good rows whose id an earlier good row has a reason."""
    is_first = pl.struct(key, pl.col(REASON).is_null().alias(REASON)).is_first_distinct()
    return mark(frame, ~is_first, "duplicate_id", key)


def require_same_types(given: pl.DataFrame, newest: pl.DataFrame, table: Table) -> None:
    """Check that the given columns have the types of the table's columns.

    Raises:
        ConfigurationError: The manifest gives a column another type than the table has.
    """
    for name in (name for name in given.columns if name in newest.columns):
        if given.schema[name] != newest.schema[name]:
            raise ConfigurationError(
                f"the manifest's [{table.name}] makes column {name} {_words(given.schema[name])}",
                seen=f"{_words(newest.schema[name])} in the home",
                do="change the manifest back, or ingest into another --home",
            )


def _words(dtype: pl.DataType) -> str:
    return "vectors" if dtype == VECTOR else {pl.List: "lists", pl.Float64: "numbers"}.get(dtype.base_type(), "text")


def newest_of_each_id(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Keep the newest row of each id; of rows at one instant the last."""
    return rows.sort(AVAILABLE_AT, maintain_order=True).unique(key, keep="last", maintain_order=True)


def changes(given: pl.DataFrame, newest: pl.DataFrame, key: str, history: bool, arrived: datetime) -> pl.DataFrame:
    """Keep the rows that are new, differ from the newest row of their id, or bring a withdrawn id back.

    Each has the instant from which it is known: a changed row from its arrival on, and always later than the row it
    follows; a new one of a log of the past always.
    """
    names = [name for name in given.columns if name not in (*FAULT, RELEASED)]
    lacking = [pl.lit(None, given.schema[name]).alias(name) for name in names if name not in newest.columns]
    before = newest.with_columns(lacking).select(
        key, _content(names).alias(_BEFORE), pl.col(AVAILABLE_AT).alias(_SINCE), WITHDRAWN
    )
    seen, released = pl.lit(arrived, INSTANT), _released(given)
    fresh = released.fill_null(ALWAYS) if history else pl.max_horizontal(released, seen)
    changed = pl.max_horizontal(seen, pl.col(_SINCE) + timedelta(microseconds=1))
    return (
        given.with_columns(_content(names).alias(_CONTENT))
        .join(before, on=key, how="left", maintain_order="left")
        .filter(
            pl.col(_BEFORE).is_null() | (pl.col(_BEFORE) != pl.col(_CONTENT)) | pl.col(WITHDRAWN).fill_null(value=False)
        )
        .select(*names, pl.when(pl.col(_BEFORE).is_null()).then(fresh).otherwise(changed).alias(AVAILABLE_AT))
    )


def _content(names: list[str]) -> pl.Expr:
    return pl.struct(names).struct.json_encode()


def _released(given: pl.DataFrame) -> pl.Expr:
    return pl.col(RELEASED) if RELEASED in given.columns else pl.lit(None, INSTANT)
