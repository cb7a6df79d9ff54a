"""Vectors of a sentence encoder in place of the words of texts: new items, and neighbours of the same subject."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer
from numpy.typing import NDArray
from page import Page, interval, table
from scipy.sparse import csr_array
from surroundings import DATA, DataOption, in_fresh_process, ingested_home, source_of, temporary_home

DATASETS = ("movielens-100k", "mooccubex")
MODELS = ("content", "ials", "dlae")
COURSES = "online-courses"
SUBJECT = "Sub-Category"
K = 10
NEAREST = 10

Found = dict[str, Any]
Floats = NDArray[np.float64]


def main(
    model: Annotated[Path, typer.Option(help="The folder of a model of sentence-transformers.")],
    data: DataOption = DATA,
) -> None:
    """Measure each data set with words and with the encoder, each in a process of its own."""
    tables = {name: in_fresh_process(new_items, name, source_of(name, data), model) for name in DATASETS}
    courses = in_fresh_process(neighbours, source_of(COURSES, data), model)
    gains = [f"{name} {_gain(found['content'])}" for name, found in tables.items()]
    Page(
        name="text_vectors",
        title="Texts by a sentence encoder",
        claim="A sentence encoder of the texts' language says more of new items than their words do",
        command="python benchmarks/text_vectors.py --model FOLDER",
        result=f"ndcg@{K} of content among new items, words → encoder: {'; '.join(gains)}; "
        f"{COURSES}, neighbours of the same subject {_gain(courses)}",
        body=[
            "The encoder is all-MiniLM-L6-v2 (English; 384 numbers, 256 tokens). A fifth of the items is held out "
            f"whole and ranked among themselves; ndcg@{K}, intervals of 95 % over users, `difference` is paired. All "
            "models have their defaults. Texts are titles of films (movielens-100k), and names and descriptions in "
            "Chinese (mooccubex), which the encoder was not made for: their words are runs of one to three characters.",
            *(text for name, found in tables.items() for text in _section(name, found)),
            f"## {COURSES}: {courses['n_items']:,} courses",
            "There are no interactions, so that neighbours are judged: of the "
            f"{NEAREST} courses whose texts (title, introduction and skills) are most alike, the share that has the "
            f"course's `{SUBJECT}`, over the courses that have one.",
            table([*_KEYS], [[interval(courses[key]) for key in _KEYS]]),
        ],
    ).write()


_KEYS = ("words", "encoder", "difference")


def new_items(dataset: str, source: Path, model: Path) -> Found:
    """Measure models among items that were held out, by words and by the encoder: model to figures with intervals."""
    with temporary_home():
        home = ingested_home(dataset, source)
        from models.catalog import create
        from nightschool.application.home import manifest_of
        from nightschool.data.splits.cold_start import ITEMS, among_new, leave_out
        from nightschool.data.splits.cold_start import new_items as held_out
        from nightschool.data.splits.splitting import TEST
        from nightschool.evaluation.compare import compare
        from nightschool.evaluation.evaluate import evaluate
        from nightschool.offline.cold_start import OnWholeCatalogue

        measured: dict[str, dict[str, Any]] = {}
        for texts, manifest in (("words", manifest_of(home)), ("encoder", _encoded(manifest_of(home), model))):
            log = _log(home, manifest)
            split = held_out(log, leave_out(log, ITEMS, seed=42), TEST)
            few = among_new(split)
            for name in MODELS:
                fitted = OnWholeCatalogue(create(name, {}), split.fitted.available).fit(few.fitted, seed=42)
                measured.setdefault(name, {})[texts] = evaluate(fitted, few, cutoffs=(K,))
        found: Found = {"n_users": measured["content"]["words"].n_users}
        for name, by in measured.items():
            difference = compare(by["encoder"], by["words"])
            found[name] = {texts: _mean(by[texts].values("ndcg", K)) for texts in ("words", "encoder")}
            found[name]["difference"] = (difference.difference, difference.ci_low, difference.ci_high)
    return found


def neighbours(source: Path, model: Path) -> Found:
    """Measure how many of a course's nearest have its subject, by words and by the encoder, with intervals."""
    with temporary_home() as folder:
        home = ingested_home(str(_manifest_of_courses(folder.parent, source)), folder.parent / "source")
        from nightschool.application.home import manifest_of
        from nightschool.data.features import item_features
        from nightschool.item_columns import TEXT_VECTOR, ItemColumns

        items = _log(home, _encoded(manifest_of(home), model)).empty.items
        fitted = np.ones(items.height, dtype=bool)
        columns = {"words": ItemColumns(), "encoder": ItemColumns(vectors=(TEXT_VECTOR,))}
        shares = {
            texts: _same_subject(items, item_features(items, described, fitted)) for texts, described in columns.items()
        }
    shares["difference"] = shares["encoder"] - shares["words"]
    return {"n_items": items.height, **{key: _mean(values) for key, values in shares.items()}}


def _manifest_of_courses(folder: Path, source: Path) -> Path:
    """Write a manifest that attaches the catalogue of courses, and one interaction, which a home must have."""
    below = folder / "source"
    below.mkdir()
    shutil.copy(source / "Online_Courses.csv", below)
    first = pl.read_csv(source / "Online_Courses.csv", infer_schema=False)["URL"][0]
    (below / "log.csv").write_text(f"user,course\n1,{first}\n", encoding="utf-8")
    path = folder / "courses.toml"
    path.write_text(_COURSES, encoding="utf-8")
    return path


_COURSES = f"""
name = "courses"
score = "implicit"
catalogue = "{COURSES}"
[interactions]
files = ["log.csv"]
user = "user"
item = "course"
"""


def _same_subject(items: pl.DataFrame, features: csr_array) -> Floats:
    """Return the share of each course's nearest that have its subject, float64 [n]; NaN of courses without one."""
    subjects = items[SUBJECT].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    cosines = (features @ features.T).toarray()
    np.fill_diagonal(cosines, -1)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    return np.where(subjects > 0, (subjects[nearest] == subjects[:, None]).mean(axis=1), np.nan)


def _encoded(manifest: Any, model: Path) -> Any:
    """Return the manifest with the encoder."""
    from nightschool.data.manifest.sections import TextEncoder

    items = manifest.items.model_copy(update={"text_encoder": TextEncoder(model=str(model.absolute()))})
    return manifest.model_copy(update={"items": items})


def _log(home: Any, manifest: Any) -> Any:
    from nightschool.night.config import NightConfig
    from nightschool.night.prepare import event_log
    from nightschool.night.text_vectors import Encodings
    from nightschool.storage.as_of import newest_known

    encodings = Encodings(home.paths.encodings)
    log = event_log(home.lake, manifest, newest_known(home.lake), NightConfig(), encodings=encodings)
    print(*log.notes, sep="\n")
    return log


def _mean(values: Floats) -> tuple[float, float, float]:
    from nightschool.evaluation.intervals import mean_intervals

    ends = mean_intervals(values[:, None])
    return float(np.nanmean(values)), float(ends.low[0]), float(ends.high[0])


def _section(dataset: str, found: Found) -> list[str]:
    rows = [[name, *(interval(found[name][key]) for key in _KEYS)] for name in MODELS]
    return [f"## {dataset}: {found['n_users']:,} users", table(["model", *_KEYS], rows)]


def _gain(figures: Found) -> str:
    return f"{figures['words'][0]:.3f} → {figures['encoder'][0]:.3f}"


if __name__ == "__main__":
    typer.run(main)
