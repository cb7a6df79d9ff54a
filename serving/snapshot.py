"""One published release, mapped into memory, from which all requests are answered."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from nightschool.columns import (
    CANDIDATE_SCORES,
    ITEM_ID,
    ITEMS,
    NEIGHBOR_ID,
    NEXT_ITEMS,
    SCORE,
    SHARE,
    USER_ID,
    USERS,
)
from nightschool.contract import Mask
from nightschool.data.manifest.manifest import Manifest, load_manifest
from nightschool.ids import parse_id, require_id
from nightschool.ranking.components import component_names
from nightschool.ranking.foldin import ItemWeights
from nightschool.ranking.paths import Curriculum
from nightschool.ranking.self_attention import SelfAttention
from nightschool.recipe import Component, Recipe
from nightschool.storage.binding import Binding
from nightschool.storage.mapped_file import MappedFile
from nightschool.storage.release import UNEXPLAINED
from nightschool.storage.release_reader import Reader
from nightschool.storage.releases import Release
from nightschool.storage.serving_files import SERVED, ServingFile, lists_path
from nightschool.storage.serving_networks import NETWORKS, read_network
from nightschool.storage.serving_weights import WEIGHTS, WeightsFile
from nightschool.vocabulary import CONTENT, EVERYONE, POPULARITY
from serving.candidate_pools import CandidatePools
from serving.catalogue import Catalogue
from serving.contexts import Contexts
from serving.item_activity import ItemActivity
from serving.item_search import ItemSearch
from serving.item_weights import placed_pairs, read_item_weights
from serving.known_tables import read_audiences, read_items, read_showings, read_users
from serving.schemas.common import ExternalId

_UNEXPLAINED_BEFORE: Final = ("popularity", "recent_popularity")
"""The unexplained components of releases made before releases stored them."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One release; immutable.

    Attributes:
        lists: All users' lists.
        histories: All users' histories, newest first.
        similar_users: All users' neighbours by method.
        similar_items: Each item's neighbours.
        next_items: What follows each item; None in a release made before releases had it.
        catalogue: The items known at T, and others that histories or lists name.
        users: user_id and the manifest's attributes of users who had not left at T, ascending by id; empty where no
            users table is declared.
        audiences: Audience to its items, best first.
        weights: Component to item weights over the catalogue's positions; the first ones explain what components
            without any recommend.
        networks: Component to its network over the catalogue's positions; none in older releases.
        pools: The candidates behind the lists.
        k: The length that lists were published with.
        contexts: What hour, weekday and declared contexts of a request change.
        sentences: Reason and item to the sentence that says it, as far as lists needed it.
        learned: The files of the weights; none in older releases.
        newest: The newest statement of each item and user that the release knows, by the table's name.
        gone: Items of the release that were withdrawn since.
        shown: At how many places each item was shown in the four weeks before T: item_id and len.
    """

    release: Release
    manifest: Manifest
    binding: Binding
    lists: ServingFile
    histories: ServingFile
    similar_users: ServingFile
    similar_items: ServingFile
    next_items: ServingFile | None
    catalogue: Catalogue
    users: pl.DataFrame
    audiences: Mapping[str, list[tuple[ExternalId, float]]]
    weights: Mapping[str, ItemWeights]
    networks: Mapping[str, SelfAttention]
    pools: CandidatePools
    k: int
    contexts: Contexts = field(default_factory=Contexts)
    sentences: dict[tuple[str, ExternalId | None], str] = field(default_factory=dict)
    learned: tuple[WeightsFile, ...] = ()
    newest: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    gone: frozenset[ExternalId] = frozenset()
    shown: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={ITEM_ID: pl.Null, "len": pl.UInt32}))

    @classmethod
    def load(cls, reader: Reader) -> "Snapshot":
        """Open the release of a reader.

        Raises:
            Unreachable: A file of it is missing or damaged.
        """
        home, release = reader.home, reader.release
        manifest = load_manifest(home.binding.manifest)
        path = partial(lists_path, home.paths.serving, release.release_id)
        lists, histories, *similar = (ServingFile(path(table)) for table in SERVED if table is not NEXT_ITEMS)
        followers = ServingFile(path(NEXT_ITEMS)) if NEXT_ITEMS.name in release.content_hashes else None
        named = [lists.path, histories.path]
        catalogue = Catalogue(read_items(reader, named), manifest.item_columns)
        weighed = WEIGHTS.published(release, lists.path.parent)
        learned = {name: WeightsFile(file) for name, file in weighed.items()}
        return cls(
            release=release,
            manifest=manifest,
            binding=home.binding,
            lists=lists,
            histories=histories,
            similar_users=similar[0],
            similar_items=similar[1],
            next_items=followers,
            catalogue=catalogue,
            users=read_users(reader, manifest),
            audiences=read_audiences(reader),
            weights=read_item_weights(reader, catalogue, learned),
            learned=tuple(learned.values()),
            networks={
                component: read_network(file, catalogue.position, len(catalogue))
                for component, file in NETWORKS.published(release, lists.path.parent).items()
            },
            pools=CandidatePools(home.lake.files(CANDIDATE_SCORES, release.release_id)),
            k=int(release.config["k"]),
            contexts=Contexts.of(reader, manifest, catalogue),
            newest={table.name: reader.newest(table) for table in (ITEMS, USERS)},
            shown=read_showings(reader),
        )

    @property
    def mapped(self) -> tuple[MappedFile, ...]:
        """Return the files that are mapped into memory."""
        always = self.lists, self.histories, self.similar_users, self.similar_items, *self.learned
        return always if self.next_items is None else (*always, self.next_items)

    @property
    def age_hours(self) -> int:
        """Return the whole hours since the release's T: a list is as old as the data that it knows."""
        return int((time.time() - self._as_of) // 3600)

    @cached_property
    def _as_of(self) -> float:
        return self.release.as_of.timestamp()

    @cached_property
    def recipe(self) -> Recipe:
        """Return the recipe that made the lists."""
        return Recipe.model_validate(self.release.recipe)

    @cached_property
    def components(self) -> Mapping[str, Component]:
        """Return the recipe's components by their names, which are the pool's columns."""
        return dict(zip(component_names(self.recipe), self.recipe.components, strict=True))

    @cached_property
    def unexplained(self) -> frozenset[str]:
        """Return the sources whose entries no item of a history explains."""
        return frozenset({POPULARITY, *self.release.gates.get(UNEXPLAINED, _UNEXPLAINED_BEFORE)})

    @cached_property
    def available(self) -> Mask:
        """Return what may be recommended, bool [n_items]: what a declared items table held and had not ended at T."""
        return self.catalogue.current | (self.manifest.items is None)

    def offered(self, banned: Collection[str]) -> Mask:
        """Return what is available and not banned, bool [n_items]; read-only.

        Args:
            banned: Ids of items, as texts.
        """
        if not banned:
            return self.available
        offered = self.available.copy()
        offered[self.catalogue.positions(map(self.item_id, banned))] = False
        return offered

    @cached_property
    def popularity(self) -> NDArray[np.int64]:
        """Return how many users liked each item, int64 [n_items]."""
        rows = (
            pl.scan_ipc(self.histories.path, glob=False, hive_partitioning=False)
            .select(ITEM_ID, SCORE)
            .explode(ITEM_ID, SCORE)
        )
        counts = rows.filter(pl.col(SCORE) > 0).group_by(ITEM_ID).len().collect()
        return self._placed_counts(counts)

    @cached_property
    def showings(self) -> NDArray[np.int64]:
        """Return at how many places each item was shown in the four weeks before T, int64 [n_items]."""
        return self._placed_counts(self.shown)

    @cached_property
    def activity(self) -> ItemActivity:
        """Return when the items became known, and which of them were liked more of late."""
        return ItemActivity.of(self.histories.path, self.catalogue.frame, self.release.as_of)

    @cached_property
    def search(self) -> ItemSearch:
        """Return the search of the items."""
        return ItemSearch.of(self.release, self.lists.path.parent, self.catalogue)

    @cached_property
    def by_order(self) -> bool:
        """Return whether a component ranks by the order of a history."""
        return bool(self.networks) or any(weights.recency is not None for weights in self.weights.values())

    @cached_property
    def scorers(self) -> Mapping[str, ItemWeights | SelfAttention]:
        """Return what scores any history by component: its item weights, or its network."""
        return {**self.weights, **self.networks}

    @cached_property
    def curriculum(self) -> Curriculum:
        """Return what learning paths are planned over; no transitions in a release made before releases had them."""
        catalogue = self.catalogue
        follows = csr_array((len(catalogue), len(catalogue)), dtype=np.float32)
        if self.next_items is not None:
            rows = pl.scan_ipc(self.next_items.path, glob=False, hive_partitioning=False)
            pairs = rows.select(ITEM_ID, NEIGHBOR_ID, SHARE).explode(NEIGHBOR_ID, SHARE).collect()
            placed = placed_pairs(pairs, catalogue)
            cells = (placed["place"].to_numpy(), placed["target"].to_numpy())
            follows = csr_array((placed[SHARE].to_numpy(), cells), shape=follows.shape)
        return Curriculum(catalogue.prerequisites, catalogue.levels, self.available, follows, catalogue.skills)

    @property
    def has_content(self) -> bool:
        """Return whether the release has content weights, so that α can be set."""
        return CONTENT in self.weights

    def user_id(self, value: ExternalId) -> ExternalId | None:
        """Parse a user id as this home writes user ids; None if it can be none."""
        return parse_id(self._folded(value), self.binding.user_id)

    def require_user_id(self, value: ExternalId) -> ExternalId:
        """Parse a user id as this home writes user ids.

        Raises:
            NotFound: It can be no user id of the home.
        """
        return require_id(self._folded(value), self.binding.user_id, "user")

    def _placed_counts(self, counts: pl.DataFrame) -> NDArray[np.int64]:
        """Return counts by item_id at the catalogue's positions, int64 [n_items]."""
        found = np.zeros(len(self.catalogue), dtype=np.int64)
        for item_id, count in counts.iter_rows():
            if (place := self.catalogue.position(item_id)) is not None:
                found[place] = count
        return found

    def _folded(self, value: ExternalId) -> str:
        return str(self.manifest.folded(value) if isinstance(value, str) else value)

    def item_id(self, value: ExternalId) -> ExternalId | None:
        """Parse an item id as this home writes item ids; None if it can be none."""
        return parse_id(str(value), self.binding.item_id)

    def attributes(self, user_id: ExternalId | None) -> Mapping[str, object] | None:
        """Return the users table's attributes of a user; None for a user that it does not hold, and without a user."""
        if user_id is None:
            return None
        place = self.users[USER_ID].search_sorted(user_id) if self.users.height else 0
        if place >= self.users.height or self.users[USER_ID][place] != user_id:
            return None
        row = self.users.row(place, named=True)
        return {name: value for name, value in row.items() if name != USER_ID and value is not None}

    def knows(self, user_id: ExternalId | None) -> bool:
        """Return whether the release holds a list of a user."""
        return user_id is not None and user_id in self.lists

    def audience(self, user_id: ExternalId | None) -> str:
        """Return the audience whose list a cold user gets; everyone without a user."""
        attribute = self.manifest.audience
        value = (self.attributes(user_id) or {}).get(attribute) if attribute else None
        return str(value) if value is not None and str(value) in self.audiences else EVERYONE
