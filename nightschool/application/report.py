"""The report of a release: read from the tables, written as one page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from nightschool.application.home import manifest_of, open_home
from nightschool.application.shown import shown_before
from nightschool.charts.theme import unchecked
from nightschool.columns import INTERACTIONS, ITEM_ID, ITEMS, METRICS, RECOMMENDATIONS, TITLE, USERS
from nightschool.errors import NotFound
from nightschool.night.lineage import releases_before
from nightschool.night.monitoring.monitor import read_nights
from nightschool.night.monitoring.shifts import PastNight
from nightschool.reports.activity import activity_section
from nightschool.reports.attributes import Declared, attributes_section
from nightschool.reports.changes import changes_section
from nightschool.reports.costs import costs_section
from nightschool.reports.decision import decision_section, published, recipe_in_words, role_of
from nightschool.reports.document import Section, render
from nightschool.reports.examples import learners_section, named_items, similar_items_section
from nightschool.reports.fairness import fairness_section
from nightschool.reports.learning import learning_section
from nightschool.reports.quality import quality_section
from nightschool.reports.shown import shown_section
from nightschool.reports.watched import watched_section
from nightschool.storage.as_of import scan_at
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.home import Home
from nightschool.storage.nights import Nights
from nightschool.storage.release import FIT_SECONDS
from nightschool.storage.releases import Release


def write_report(release_id: str | None, folder: Path | None) -> Path:
    """Write the report of a release, and return its file.

    Args:
        release_id: The release; None: the current one.
        folder: Where to; None: `reports` in the home.

    Raises:
        NotFound: There is no such release, or none yet.
    """
    home = open_home()
    release = home.releases.get(release_id) if release_id else home.releases.current()
    if release is None:
        raise NotFound("nothing was published yet", do="run a night first")
    file = (folder or home.paths.reports) / f"{release.release_id}.html"
    atomic_write_text(file, release_pages(home, release).own)
    return file


class Pages(NamedTuple):
    """The report of a release: the home's own page, and one for elsewhere, which is about no single person."""

    own: str
    shared: str


def release_pages(home: Home, release: Release) -> Pages:
    """Return the report of a release as pages."""
    dataset = home.binding.dataset
    title = f"{dataset}: {release.release_id}"
    subtitle = f"{recipe_in_words(release)}; what was known at {release.as_of:%Y-%m-%d %H:%M} UTC"
    with unchecked():
        sections = _sections(home, release)
    shared = [section for section in sections if not section.private]
    return Pages(render(title, subtitle, sections), render(title, subtitle, shared))


def _sections(home: Home, release: Release) -> list[Section]:
    lake, as_of = home.lake, release.as_of
    metrics = _metrics(home, release.release_id)
    items, users = (scan_at(lake, table, as_of).collect() for table in (ITEMS, USERS))
    events = scan_at(lake, INTERACTIONS, as_of)
    titles = items.select(ITEM_ID, TITLE)
    found = [decision_section(release, metrics)]
    before = _before(home, release)
    if before is not None:
        was = published(home.releases.get(before), _metrics(home, before))
        found.append(changes_section(lake, release.release_id, before, titles, published(release, metrics), was))
    seconds = release.gates.get(FIT_SECONDS, {})
    found += [
        quality_section(metrics, published(release, metrics), seconds),
        learning_section(metrics, role_of(release)),
        fairness_section(release.gates, metrics),
        watched_section([*_nights_before(home, release), (as_of, PastNight.of(release, metrics))]),
        activity_section(events, manifest_of(home)),
    ]
    of_users, of_items = _declared(release, users, items)
    seen = shown_before(home, as_of, users, of_users.labels)
    found += [shown_section(seen.rates, seen.unknown), attributes_section(users, items, events, of_users, of_items)]
    named = named_items(events, titles)
    found.append(similar_items_section(lake, release.release_id, named))
    found.append(learners_section(lake, release.release_id, events, titles, named))
    nights = Nights.of(home.paths).all()
    own = next((one for one in nights if one.release_id == release.release_id), None)
    return [*found, costs_section(own, nights)]


def _nights_before(home: Home, release: Release) -> list[tuple[datetime, PastNight]]:
    return read_nights(home.lake, releases_before(home.releases.history(), release.as_of))


def _metrics(home: Home, release_id: str) -> pl.DataFrame:
    return home.lake.scan(METRICS, release_id).collect()


def _before(home: Home, release: Release) -> str | None:
    """Return the release that the night started from, where both still have lists."""
    champion = release.gates.get("champion")
    readable = home.lake.releases(RECOMMENDATIONS)
    return str(champion) if {champion, release.release_id} <= readable else None


def _declared(release: Release, users: pl.DataFrame, items: pl.DataFrame) -> tuple[Declared, Declared]:
    """Return the declared columns of users and items that their tables have."""
    parts: Mapping[str, Any] = release.gates.get("basis_parts", {})
    of_users, of_items = parts.get("user attributes", {}), parts.get("item columns", {})
    labels = [*of_items.get("categories", []), *of_items.get("ordinals", {})]
    return _found(users, of_users.get("attributes", []), of_users), _found(items, labels, of_items)


def _found(frame: pl.DataFrame, labels: Sequence[str], declared: Mapping[str, Any]) -> Declared:
    lists, numbers = ([*declared.get(kind, [])] for kind in ("lists", "numbers"))
    return Declared(*([name for name in names if name in frame.columns] for names in (labels, lists, numbers)))
