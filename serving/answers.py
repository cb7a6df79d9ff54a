"""Answers to who asks for a list: what may be asked, how the list is made, and how it goes out."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Self

import orjson

from serving.experiment_assignment import ShownList
from serving.filling import filled
from serving.listing import (
    Entry,
    Narrowing,
    allowed_items,
    audience_list,
    candidates_of,
    picked_list,
    places_of,
    published_list,
    ruled,
)
from serving.rules import Rules
from serving.schemas import ExternalId
from serving.snapshot import Snapshot
from serving.user_state import UserState

MOST_ITEMS: Final = 200
_OBJECT_BYTES: Final = 200


class ListRequest(NamedTuple):
    """What a request for a list asks beyond its user; what is None, the rules in force say."""

    k: int = 10
    exclude: tuple[str, ...] = ()
    category: str | None = None
    max_difficulty: str | None = None
    diversity: float | None = None
    alpha: float | None = None

    @property
    def as_published(self) -> bool:
        """Whether only the length is asked for."""
        return self == ListRequest(k=self.k)

    def changes(self, rules: Rules) -> Rules:
        """The rules in force, with what was asked."""
        changed = {name: value for name in ("diversity", "alpha") if (value := getattr(self, name)) is not None}
        if self.exclude:
            changed["exclude"] = (*rules.exclude, *self.exclude)
        return rules.overridden(changed) if changed else rules


class CacheKey(NamedTuple):
    """All that an answer depends on.

    Attributes:
        mark: What changes with all that the user does.
        generation: What changes with rules, releases and experiments.
        hours: The age of the release.
        arm: Of the experiment; None outside of one.
    """

    snapshot: Snapshot
    user_id: ExternalId
    asked: ListRequest
    mark: tuple[int, int]
    generation: int
    hours: int
    arm: str | None


class EncodedList(NamedTuple):
    """An answer as it goes out.

    Attributes:
        json: UTF-8.
        tag: What tells it from any other answer to the same request.
        exposed: What an experiment showed; None outside of one.
    """

    json: bytes
    tag: str
    exposed: ShownList | None

    @property
    def size(self) -> int:
        """Bytes that it takes, with what belongs to it."""
        return len(self.json) + _OBJECT_BYTES * (2 + (len(self.exposed.items) if self.exposed else 0))

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        user_id: ExternalId,
        told: Mapping[str, Any],
        entries: Sequence[Entry],
        exposed: ShownList | None,
    ) -> Self:
        """A user's list of a release; `told` holds what else `schemas.Recommendations` says of it."""
        release = snapshot.release
        about = {"release_id": release.release_id, "as_of": release.as_of, "published_at": release.created_at}
        n_filled = sum("filled" in entry for entry in entries)
        json = orjson.dumps({**about, "user_id": user_id, **told, "filled": n_filled, "items": entries})
        return cls(json, f'"{blake2b(json, digest_size=12).hexdigest()}"', exposed)


def make_list(snapshot: Snapshot, whose: UserState | ExternalId, rules: Rules, asked: ListRequest) -> list[Entry]:
    """A list, picked for a user with events, and looked up where neither rules nor the request change the order."""
    narrowing = Narrowing(asked.category, asked.max_difficulty)
    if rules.plain and narrowing == Narrowing() and not isinstance(whose, UserState) and asked.k <= snapshot.k:
        published = published_list(snapshot, whose, asked.k)
        if published is not None:
            return published
    user = whose if isinstance(whose, UserState) else UserState.of(snapshot, whose, ())
    allowed = allowed_items(snapshot, user, rules, narrowing)
    candidates = candidates_of(snapshot, user, rules)
    if candidates is None:
        made = audience_list(snapshot, user, asked.k, rules, allowed)
    else:
        shown = ruled(snapshot, candidates, rules, allowed)
        made = picked_list(snapshot, user, shown, places_of(snapshot, shown, rules, asked.k))
    if len(made) >= asked.k or narrowing == Narrowing():
        return made
    return filled(snapshot, user, made, rules, allowed, asked.k)


def warm_up(snapshot: Snapshot) -> None:
    """Picks one list, so that nobody's first request waits for compiled code and mapped pages."""
    if len(snapshot.lists):
        make_list(snapshot, snapshot.lists.keys[0], Rules(quota=1, diversity=0.1), ListRequest())
