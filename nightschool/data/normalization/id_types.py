"""The ids of a home: their dtypes, inferred from the files, and the maps that translate them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from nightschool.columns import SOURCE_ROW
from nightschool.data.manifest.manifest import Items, Manifest, Users
from nightschool.data.manifest.sections import IdMap, Interactions, Origins
from nightschool.data.normalization.ids import choose_dtype
from nightschool.data.normalization.missing import without_missing
from nightschool.data.normalization.normalise import IdMaps, IdTypes
from nightschool.data.normalization.parse_values import to_text
from nightschool.data.readers.parsing import RAW
from nightschool.data.readers.source_format import Reading
from nightschool.data.readers.sources import find_sources
from nightschool.errors import DataRefused, NotFound


def read_id_maps(part: Interactions, root: Path) -> IdMaps:
    """Read the maps that translate the ids of these interactions and their origins; None where there is no map.

    Raises:
        NotFound: A map's file is missing.
        DataRefused: It cannot be read, or gives one id two translations.
    """
    origin = part.timestamp.origin if part.timestamp else None
    of_origin = origin.map if isinstance(origin, Origins) else None
    return IdMaps(*(_id_map(each, root) if each else None for each in (part.user_map, part.item_map, of_origin)))


def infer_id_dtypes(manifest: Manifest, source_root: Path) -> IdTypes:
    """Infer the dtypes of a new home's ids: Int64 where nearly every id is a whole number, else String.

    Ids come from the users and items files where the manifest has them, else from the interactions.

    Raises:
        NotFound: A file is missing, or there is none yet that shows ids.
        DataRefused: A file cannot be read.
    """
    users, items, log = manifest.users, manifest.items, manifest.interactions
    user_ids = [(users, users.id, None)] if users else [(part, part.user, part.user_map) for part in log]
    item_ids = [(items, items.id, None)] if items else [(part, part.item, part.item_map) for part in log]
    texts, text = manifest.text_ids, pl.String()
    user = text if "user" in texts else _common_dtype(user_ids, source_root)
    return IdTypes(user, text if "item" in texts else _common_dtype(item_ids, source_root))


def _common_dtype(ids: Sequence[tuple[Users | Items | Interactions, str, IdMap | None]], root: Path) -> pl.DataType:
    if not any(translation or part.sources(root) for part, _, translation in ids):
        folders = ", ".join(pattern for part, _, _ in ids for pattern in part.files)
        raise NotFound(f"There is no file in {folders} yet", do="put one there first: it shows what the ids are")
    return choose_dtype(block for each in ids for block in _ids(*each, root))


def _ids(part: Users | Items | Interactions, column: str, ids: IdMap | None, root: Path) -> Iterator[pl.Series]:
    """Yield the ids of a part's files as text, block by block."""
    if ids is not None:
        yield _id_map(ids, root)["target"]
        return
    for file in part.sources(root):
        for rows in Reading(file, part.format, (column,)).batches():
            # The first row of a headless file may be a header all the same: it has no say.
            text = to_text(rows.filter(pl.col(SOURCE_ROW) > int(part.format.headless))[RAW].struct.field(column))
            yield without_missing(text, part.missing)


def _id_map(ids: IdMap, root: Path) -> pl.DataFrame:
    columns = [pl.col(RAW).struct.field(name).cast(pl.String) for name in (ids.source, ids.target)]
    readings = [Reading(file, ids.format, (ids.source, ids.target)) for file in find_sources(root, (ids.file,))]
    pairs = pl.concat(
        rows.select(columns[0].alias("source"), columns[1].alias("target"))
        for each in readings
        for rows in each.batches()
    )
    twice = pairs.filter(pl.col("source").is_duplicated())
    if twice.height:
        do = "keep one line for each id"
        raise DataRefused(f"{ids.file} translates an id more than once", seen=twice["source"][0], do=do)
    return pairs.drop_nulls()
