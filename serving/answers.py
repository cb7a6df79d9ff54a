"""Requests for a list, how the list is made, and its encoded response."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self

import orjson

from nightschool.contract import Mask
from nightschool.shown.list_store import ListRow
from serving.contexts import Values
from serving.cursors import MARK_BYTES, encode_cursor
from serving.experiment_assignment import Arms
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
from serving.pins import pinned, pins_of, unbanned
from serving.rules import Rules
from serving.schemas.common import ExternalId
from serving.snapshot import Snapshot
from serving.steering import SteeredRules
from serving.user_state import UserState

MOST_ITEMS: Final = 200
DEFAULT_LENGTH: Final = 10
_OBJECT_BYTES: Final = 200


class ListRequest(NamedTuple):
    """The parameters of a request for a list; None leaves a parameter to the rules in force.

    Attributes:
        k: How many items; 0 leaves it to the scenario.
        context: The contexts that it names; once the release has been asked, those that change the list.
        warnings: Why others change nothing.
        shown: The marks of items that earlier pages showed, one after the other.
        scenario: The placement; empty without one.
    """

    k: int = DEFAULT_LENGTH
    exclude: tuple[str, ...] = ()
    category: str | None = None
    max_difficulty: str | None = None
    diversity: float | None = None
    alpha: float | None = None
    context: Values = ()
    warnings: tuple[str, ...] = ()
    shown: bytes = b""
    scenario: str = ""
    filter: str | None = None

    @property
    def as_published(self) -> bool:
        """Return whether the request sets nothing but its context, the length and the page."""
        return not self.scenario and not self.tuned

    @property
    def tuned(self) -> bool:
        """Return whether the request changes by hand which items are listed, so that no analysis counts the list."""
        set_by_hand = (self.category, self.max_difficulty, self.diversity, self.alpha, self.filter)
        return bool(self.exclude) or any(value is not None for value in set_by_hand)

    @property
    def size(self) -> int:
        """Return about how many characters the request holds."""
        return sum(map(len, self.exclude)) + len(self.shown) + len(self.filter or "")

    def next_page(self, entries: Sequence[Entry]) -> str | None:
        """Return the cursor of the page after these entries; None where the list ends with them."""
        if len(entries) < self.k or len(self.shown) // MARK_BYTES + len(entries) >= MOST_ITEMS:
            return None
        return encode_cursor(self.shown, (entry["item_id"] for entry in entries))

    def numbered(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries of this page with their places in the whole list as ranks."""
        before = len(self.shown) // MARK_BYTES
        return [{**entry, "rank": before + entry["rank"]} for entry in entries] if before else list(entries)

    def changes(self, rules: Rules) -> Rules:
        """Return the rules in force, changed by the parameters of this request."""
        changed = {name: value for name in ("diversity", "alpha") if (value := getattr(self, name)) is not None}
        if self.exclude:
            changed["exclude"] = (*rules.exclude, *self.exclude)
        return rules.overridden(changed) if changed else rules


class CacheKey(NamedTuple):
    """Everything that a response depends on; the key of the response cache.

    Attributes:
        mark: Version of the user's events.
        showings: Version of what the user was shown; 0 where no rule asks.
        generation: Version of rules, release and experiments.
        hours: Age of the release in whole hours.
        day: A number of the day, by which random items are drawn.
        arms: The user's arms; none without experiments.
    """

    snapshot: Snapshot
    user_id: ExternalId
    asked: ListRequest
    mark: tuple[int, int]
    showings: int
    generation: int
    hours: int
    day: int
    arms: Arms


class EncodedList(NamedTuple):
    """A list as the body of a response.

    Attributes:
        json: UTF-8.
        tag: A hash of the body, quoted; the ETag is weak, since the body goes out compressed or not.
        row: What is written down of the list once it leaves the service.
    """

    json: bytes
    tag: str
    row: ListRow

    @property
    def size(self) -> int:
        """Return the memory that the list takes in the cache, in bytes."""
        return len(self.json) + len(self.row.items) + 4 * _OBJECT_BYTES

    @classmethod
    def of(cls, snapshot: Snapshot, fields: Mapping[str, Any], entries: Sequence[Entry], row: ListRow) -> Self:
        """Encode a user's list; `fields` holds the other fields of `schemas.Recommendations`."""
        json = orjson.dumps(list_fields(snapshot, {"list_id": row.list_id, **fields}, entries))
        return cls(json, f'"{sha256(json).hexdigest()[:24]}"', row)


def list_fields(snapshot: Snapshot, fields: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the fields of `schemas.ListAnswer`, some of them given."""
    release = snapshot.release
    about = {"release_id": release.release_id, "as_of": release.as_of, "published_at": release.created_at}
    return {**about, **fields, "filled": sum("filled" in entry for entry in entries), "items": entries}


def make_list(snapshot: Snapshot, whose: UserState | ExternalId, rules: Rules, asked: ListRequest) -> list[Entry]:
    """Make a user's list: look up the published one, or pick a new one where rules, events or the request change it.

    A request's context must be one that the release has been asked about.
    """
    narrowing = Narrowing(asked.category, asked.max_difficulty, asked.filter)
    banned = rules.banned if isinstance(rules, SteeredRules) and rules.bans_alone else ()
    unchanged = rules.keep_published or banned
    plain = unchanged and narrowing == Narrowing() and not asked.context and not asked.shown
    if plain and not isinstance(whose, UserState) and asked.k <= snapshot.k:
        published = published_list(snapshot, whose, asked.k + len(banned))
        left = None if published is None else unbanned(published, banned)
        if left is not None and (len(left) >= asked.k or left is published):
            return left[: asked.k]
    user = whose if isinstance(whose, UserState) else UserState.of(snapshot, whose, ())
    allowed = allowed_items(snapshot, user, rules, narrowing)
    if asked.shown:
        allowed &= ~snapshot.catalogue.shown(asked.shown)
    pins = pins_of(snapshot, rules, allowed, len(asked.shown) // MARK_BYTES, asked.k)
    if pins:
        allowed[list(pins.values())] = False
        longer = _picked(snapshot, user, rules, asked._replace(k=asked.k + len(pins)), allowed)
        return pinned(snapshot, longer, pins, rules, asked.k)
    return _picked(snapshot, user, rules, asked, allowed)


def _picked(snapshot: Snapshot, user: UserState, rules: Rules, asked: ListRequest, allowed: Mask) -> list[Entry]:
    """Pick a list from the allowed items, and fill it where it is narrowed."""
    narrowing = Narrowing(asked.category, asked.max_difficulty, asked.filter)
    candidates = candidates_of(snapshot, user, rules)
    if candidates is None:
        made = audience_list(snapshot, user, asked.k, rules, allowed, asked.context)
    else:
        shown = ruled(snapshot, candidates, rules, allowed, asked.context, user.tired)
        made = picked_list(snapshot, user, shown, places_of(snapshot, shown, rules, asked.k))
    if len(made) >= asked.k or (narrowing == Narrowing() and not rules.prerequisites and rules.filter is None):
        return made
    return filled(snapshot, user, made, rules, allowed, asked.k)


def warm_up(snapshot: Snapshot) -> None:
    """Make a user's list and a session's, so that no request waits for compilation and page faults."""
    if not len(snapshot.lists):
        return
    rules, asked = Rules(quota=1, diversity=0.1), ListRequest()
    made = make_list(snapshot, snapshot.lists.keys[0], rules, asked)
    session = UserState.of_session(snapshot.catalogue.positions(entry["item_id"] for entry in made))
    make_list(snapshot, session, rules, asked)
