"""What every format keeps: its own test file inherits these tests, and says only how its files are written."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from expectations import validation
from nightschool.columns import INTERACTIONS, ITEM_ID, USER_ID
from nightschool.data.manifest.manifest import Manifest
from nightschool.data.normalization.id_types import infer_id_dtypes
from nightschool.data.readers import sources
from nightschool.data.readers.formats import FORMATS
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading, SourceFormat
from nightschool.data.readers.sources import Extent, SourceFile
from nightschool.data.readers.text_format import TextFormat
from nightschool.errors import DataRefused, NightschoolError, NotFound
from nightschool.ingest.batch import IngestContext
from nightschool.ingest.ingest import ingest
from nightschool.ingest.ledger import Ledger
from nightschool.inspection.draft import draft
from nightschool.inspection.samples import take_sample
from nightschool.inspection.survey import survey
from nightschool.inspection.writing import write_manifest
from nightschool.storage.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAIRS = [(str(user), str(100 + (7 * user + 3 * step) % 30)) for user in range(40) for step in range(user % 3 + 2)]
PAIRS.sort(key=lambda pair: (int(pair[0]), int(pair[1])))
"""Users of two to four items each, in the order in which a matrix holds them."""


class FormatContract(ABC):
    """The tests of one format.

    Attributes:
        format: A format as a manifest describes the files that `write` makes.
        columns: What the format calls the user and the item.
        name: What files are called; of a query, the file that it reads.
        guessed: Whether `init` recognises such a file.
        appends: Whether rows may be appended.
        n_counted: The rows that are counted where a file cannot be read.
    """

    format: ClassVar[SourceFormat]
    columns: ClassVar[tuple[str, str]] = ("user", "item")
    name: ClassVar[str] = "log.txt"
    guessed: ClassVar[bool] = True
    appends: ClassVar[bool] = True
    n_counted: ClassVar[int] = len(PAIRS)

    @abstractmethod
    def write(self, path: Path, pairs: Sequence[tuple[str, str]]) -> None:
        """Writes a file of pairs of user and item."""

    def reading(self, root: Path, pairs: Sequence[tuple[str, str]], known: Extent | None = None) -> Reading:
        path = root / self.name
        path.unlink(missing_ok=True)
        self.write(path, pairs)
        return Reading(self.source(root), self.format, self.columns, known)

    def source(self, root: Path) -> SourceFile:
        return self.format.sources(root, (self.name,))[0]

    def rows(self, each: Reading) -> list[tuple[str, str]]:
        frames = [frame[RAW].struct.unnest().select(self.columns) for frame in each.batches()]
        return [(str(user), str(item)) for frame in frames for user, item in frame.iter_rows()]

    def manifest(self, written: Mapping[str, object] | None = None) -> Manifest:
        files = {"files": [self.name]} if self.format.from_files else {}
        log = {**files, "format": written or self.format, **dict(zip(("user", "item"), self.columns, strict=True))}
        return Manifest.model_validate({"name": "x", "score": "implicit", "interactions": log})

    def test_it_is_one_of_the_formats(self):
        assert type(self.format) in FORMATS
        assert [kind.model_fields["kind"].annotation for kind in FORMATS].count(
            type(self.format).model_fields["kind"].annotation
        ) == 1

    def test_a_manifest_can_name_it(self):
        written = {**self.format.model_dump(exclude_defaults=True), "kind": self.format.kind}
        (part,) = self.manifest(written).interactions
        assert part.format == self.format

    def test_its_rows_come_in_their_order(self, tmp_path):
        each = self.reading(tmp_path, PAIRS)
        assert self.rows(each) == PAIRS
        assert each.extent.rows == len(PAIRS)

    def test_the_size_of_a_block_changes_nothing(self, tmp_path, monkeypatch):
        if not isinstance(self.format, TextFormat):
            return
        monkeypatch.setattr(sources.HashedStream.read, "__defaults__", (7,))
        assert self.rows(self.reading(tmp_path, PAIRS)) == PAIRS

    def test_what_was_read_is_not_read_again(self, tmp_path):
        first = self.reading(tmp_path, PAIRS)
        assert self.rows(first) == PAIRS
        again = Reading(first.file, self.format, self.columns, first.extent)
        assert self.rows(again) == []
        assert again.extent == first.extent

    def test_rows_that_were_appended_are_read_alone_or_refused(self, tmp_path):
        first = self.reading(tmp_path, PAIRS[:-6])
        assert self.rows(first) == PAIRS[:-6]
        more = self.reading(tmp_path, PAIRS, first.extent)
        if self.appends:
            assert self.rows(more) == PAIRS[-6:]
            return
        with pytest.raises(DataRefused, match="changed in place"):
            self.rows(more)

    def test_rows_that_changed_are_refused(self, tmp_path):
        first = self.reading(tmp_path, PAIRS)
        self.rows(first)
        with pytest.raises(DataRefused, match="changed in place"):
            self.rows(self.reading(tmp_path, PAIRS[1:], first.extent))

    def test_a_column_that_is_not_there_is_refused_by_name(self, tmp_path):
        self.write(tmp_path / self.name, PAIRS)
        with pytest.raises(DataRefused, match="no-such"):
            list(Reading(self.source(tmp_path), self.format, (self.columns[0], "no-such")).batches())

    def test_a_file_that_is_gone_is_not_found(self, tmp_path):
        self.write(tmp_path / self.name, PAIRS)
        file = self.source(tmp_path)
        (tmp_path / self.name).unlink()
        with pytest.raises(NotFound):
            list(Reading(file, self.format, self.columns).batches())

    def test_bytes_that_are_something_else_are_refused(self, tmp_path):
        self.write(tmp_path / self.name, PAIRS)
        file = self.source(tmp_path)
        (tmp_path / self.name).write_bytes(b"\x80\x81\xfe\n" * 999)
        with pytest.raises(NightschoolError) as error:
            list(Reading(file, self.format, self.columns).batches())
        assert error.value.exit_code in {3, 7}

    def test_rows_are_counted_without_being_read(self, tmp_path):
        self.write(tmp_path / self.name, PAIRS)
        assert self.format.count_rows(self.source(tmp_path)) == self.n_counted

    def test_init_recognises_it_and_its_manifest_reads_it(self, tmp_path):
        root = tmp_path / "export"
        root.mkdir()
        self.write(root / self.name, PAIRS)
        if not self.guessed:
            with pytest.raises(DataRefused):
                take_sample(SourceFile(self.name, root / self.name))
            return
        sample = take_sample(SourceFile(self.name, root / self.name))
        assert type(sample.format) is type(self.format)
        assert sample.rows.height == len(PAIRS)
        manifest = write_manifest(draft(survey(root, NOW)), tmp_path / "m.toml")
        (part,) = manifest.interactions
        (file,) = part.sources(root)
        rows = [frame[RAW].struct.unnest() for frame in Reading(file, part.format, (part.user, part.item)).batches()]
        assert [(str(user), str(item)) for frame in rows for user, item in frame.iter_rows()] == PAIRS

    def test_a_home_takes_its_rows_in_once(self, tmp_path):
        root = tmp_path / "source"
        root.mkdir()
        self.write(root / self.name, PAIRS)
        manifest = self.manifest()
        lake = Lake(tmp_path / "lake", *infer_id_dtypes(manifest, root))
        for accepted in (len(PAIRS), 0):
            context = IngestContext(manifest, root, lake, Ledger(lake, NOW), validation, NOW, NOW)
            assert ingest(context).to_dict()["interactions"]["accepted"] == accepted
        taken = lake.scan(INTERACTIONS).select(USER_ID, ITEM_ID).collect()
        assert sorted((str(user), str(item)) for user, item in taken.iter_rows()) == sorted(PAIRS)
