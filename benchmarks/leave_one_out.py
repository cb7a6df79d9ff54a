"""Histories of which the last items are held out, and what was published on them."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from nightschool.columns import ITEM_ID, ITEM_INDEX, RELEVANT, TIMESTAMP, USER_ID
from nightschool.contract import Dataset, Split

SPARSE = {"popularity": 0, "itemknn": 6, "transitions": 12, "next_neighbours": 16, "next_ridge": 6, "content": 0}
"""Settings that are tried of each model beside its defaults, on catalogues whose inverse takes minutes."""
DENSE = {"popularity": 0, "itemknn": 6, "transitions": 12, "next_neighbours": 16, "ease": 6, "next_ridge": 12}


class Source(NamedTuple):
    """A file of histories, and figures that were published or measured on it.

    Attributes:
        folder: Folder of the data set.
        file: Name of the file.
        attributes: File of the items' attributes; None without one.
        users: How many histories it holds.
        goal: The published ndcg@10 to be ahead of.
        trials: Model to the settings that are tried of it.
        published: Model to ndcg@10 (hit rate at 10).
    """

    folder: str
    file: str
    attributes: str | None
    users: int
    goal: float
    trials: Mapping[str, int]
    published: Mapping[str, str]


SOURCES = {
    "Beauty": Source(
        "amazon-2014",
        "Beauty.txt.gz",
        "Beauty_item2attributes.json",
        22_363,
        0.0531,
        SPARSE,
        {
            "popularity": ".0056",
            "SASRec, one negative": ".0318 (.0605)",
            "BERT4Rec": ".0170 (.0347)",
            "TIGER / ActionPiece": ".0384 / .0424",
            "SASRec, sampled softmax / eSASRec": ".0531 / .0523 (.0928)",
            "BSARec, five seeds": ".0610 (.1002)",
        },
    ),
    "movielens-1m": Source(
        "movielens-1m-sequences",
        "ml-1m-sequences.txt.gz",
        None,
        6_040,
        0.1772,
        DENSE,
        {
            "popularity": ".0180 (.0369)",
            "SASRec, one negative": ".1341 (.2500)",
            "BERT4Rec": ".1537 (.2843)",
            "SASRec, sampled softmax / eSASRec": ".1684 / .1772 (.3133)",
            "SASRec, full cross-entropy / 3,000 negatives": ".1821 / .1857 (.3159)",
        },
    ),
    "Toys": Source(
        "amazon-2014",
        "Toys_and_Games.txt.gz",
        "Toys_and_Games_item2attributes.json",
        19_412,
        0.0580,
        SPARSE,
        {
            "popularity": ".0049",
            "SASRec, one negative": ".0374 (.0675)",
            "BERT4Rec": ".0099 (.0203)",
            "TIGER / ActionPiece": ".0432 / –",
            "SASRec, sampled softmax / eSASRec": ".0580 / .0538 (.0939)",
            "BSARec, five seeds": ".0663 (.1078)",
        },
    ),
    "Sports": Source(
        "amazon-2014",
        "Sports_and_Outdoors.txt.gz",
        "Sports_and_Outdoors_item2attributes.json",
        35_598,
        0.0323,
        SPARSE,
        {
            "popularity": ".0052",
            "SASRec, one negative": ".0192 (.0350)",
            "BERT4Rec": ".0099 (.0191)",
            "TIGER / ActionPiece": ".0225 / .0264",
            "SASRec, sampled softmax / eSASRec": ".0314 / .0323 (.0560)",
            "BSARec, five seeds": ".0348 (.0603)",
        },
    ),
}


def read_sequences(file: Path, attributes: Path | None = None) -> Dataset:
    """Read histories, one user a line, oldest item first; the n-th item gets the n-th second as its time.

    Args:
        file: The histories.
        attributes: Item to the ids of its attributes, which become its labels.
    """
    with gzip.open(file, "rt", encoding="ascii") as lines:
        rows = [[int(text) for text in line.split()] for line in lines]
    lengths = np.array([len(row) - 1 for row in rows])
    places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    log = {
        USER_ID: np.repeat([row[0] for row in rows], lengths),
        ITEM_ID: np.concatenate([row[1:] for row in rows]),
        TIMESTAMP: pl.from_epoch(pl.Series(places), time_unit="s"),
    }
    labels = {} if attributes is None else json.loads(attributes.read_text(encoding="utf-8"))
    described = {
        ITEM_ID: [int(item) for item in labels],
        "labels": [[str(one) for one in own] for own in labels.values()],
    }
    items = pl.DataFrame(described, schema={ITEM_ID: pl.Int64, "labels": pl.List(pl.String)}) if labels else None
    return Dataset.from_frames(pl.DataFrame(log), items=items)


def hold_out(whole: Dataset, place: int, *, read_from: int, learned_from: int) -> Split:
    """Hold out the item at a place of each history, counted from its end.

    Args:
        whole: All histories.
        place: Of the item that is held out; 0 is the last.
        read_from: Histories that are scored begin at this place, and go back from it.
        learned_from: Likewise what is learned from.
    """
    places = whole.places
    read = pl.Series(places >= read_from)
    learned = (places >= learned_from)[read.to_numpy()]
    fitted = replace(whole, interactions=whole.interactions.filter(read), learned=learned)
    met = np.bincount(fitted.pairs[ITEM_INDEX].to_numpy(), minlength=whole.n_items) > 0
    held_out = whole.interactions.filter(pl.Series(places == place)).with_columns(pl.lit(True).alias(RELEVANT))
    return Split("test" if place == 0 else "validation", "leave-one-out", replace(fitted, available=met), held_out)
