"""A service over a small made-up catalogue, which keeps what it is sent."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl

from nightschool.columns import ITEM_ID
from nightschool.errors import NotFound
from nightschool.settings import Settings
from serving.answers import ListRequest
from serving.contexts import Contexts
from serving.rules import Rules
from serving.schemas.common import ExternalId, Item
from serving.schemas.events import Event, EventsTaken, EventUndone, Taken
from serving.schemas.lists import HistoryEntry, Recommendations, Recommended
from serving.schemas.paths import LearningPath, PathGoal, PathStep
from serving.schemas.similar import Method, NextItem, NextItems, SimilarUser, SimilarUsers
from serving.steering import Steering

ODD_TITLES = (
    "שלום עולם: מבוא לתכנות 🎓",
    "<script>alert(1)</script> & <b>\"bold\"</b> 'moves'",
    "W" * 1_000,
    "",
    "👩‍🚀🧑🏽‍🔬 Zero\u200bwidth and ﷽",
    "Words without an end " * 50,
)
ABOUT = {"seniority": "Senior", "department": "Finance"}
ODD_IDS = ("a/b/c", "日本語", "50% & more?#=+", "<i>x</i>", "x/events", "'; DROP TABLE users;--", "مرحبا", " ")
_TITLES = ("Reading Tables", "First Steps in Statistics", "Writing for Busy People", "Networks at Work", "Asking Well")
_DOMAINS = ("Data", "Writing", "Infrastructure", "Leadership")
_LEVELS = ("Beginner", "Intermediate", "Advanced")
CONTEXTS = {
    "hour": {"weight": 1.0, "values": ["10", "9"], "note": ""},
    "device": {"weight": 1.0, "values": ["<desk>", "phone"], "note": ""},
    "weekday": {"weight": 0.0, "values": ["monday"], "note": "not shown to help"},
}
_NOW = datetime.now(UTC).replace(microsecond=0)


class Lists:
    """The users who have a list, as the search for users reads them."""

    def __init__(self, users: list[ExternalId]) -> None:
        self._users = users

    @property
    def keys(self) -> pl.Series:
        return pl.Series(list(map(str, self._users)))


class FakeService:
    """Answers as the real one does: what was sent leaves the list, α and diversity turn it."""

    def __init__(self, n_items: int = 60, content: bool = True, contextual: bool = False) -> None:
        self.items = [self._item(number) for number in range(n_items)]
        self.users: list[ExternalId] = [*ODD_IDS, *range(1, 200)]
        self.sent: list[Event] = []
        self.policy = SimpleNamespace(rules=Rules(), steering=Steering())
        self.upkeep = SimpleNamespace(troubles={})
        self.operating: Any = SimpleNamespace()
        self.settings = Settings()
        self.keyring = SimpleNamespace()
        catalogue = SimpleNamespace(skill_names=["charts & <b>tables</b>", "statistics"])
        recipe = SimpleNamespace(alpha=0.6)
        contexts = Contexts(("hour", "device"), stored=CONTEXTS if contextual else {})
        snapshot = SimpleNamespace(
            attributes=lambda _: ABOUT,
            recipe=recipe,
            catalogue=catalogue,
            contexts=contexts,
            has_content=content,
            lists=Lists(self.users),
            histories=SimpleNamespace(columns_of=lambda _: {ITEM_ID: [*range(12)]}),
        )
        self.current = SimpleNamespace(snapshot=snapshot, catalogue=None)

    def recommend(self, user_id: ExternalId, asked: ListRequest, *, leaves: bool = True) -> Recommendations:
        if user_id == "broken":
            raise NotFound("no such <user>", seen=user_id, do="choose another")
        met = {event.item_id for event in self._events(user_id)}
        left = [item for item in self.items if str(item.item_id) not in met]
        turn = round(10 * ((asked.alpha if asked.alpha is not None else 0.6) - 0.6)) + round(
            10 * (asked.diversity or 0)
        )
        turn += 3 * len(asked.context)
        order = left[turn:] + left[:turn]
        return Recommendations(
            list_id="t2JvROX3rWOeH1QPrk7Jxj0A" if leaves else None,
            release_id="20261127-0200-abc",
            as_of=_NOW - timedelta(hours=8),
            published_at=_NOW - timedelta(hours=7),
            release_age_hours=7,
            user_id=user_id,
            known=user_id in self.users or str(user_id).isdecimal(),
            overlay=bool(met),
            alpha=asked.alpha,
            items=[self._recommended(item, rank) for rank, item in enumerate(order[: asked.k], 1)],
        )

    def history(self, user_id: ExternalId, n: int) -> list[HistoryEntry]:
        by_id = {str(item.item_id): item for item in self.items}
        sent = [
            HistoryEntry(**by_id[str(event.item_id)].model_dump(), at=_NOW, event=event.event, event_id=event.event_id)
            for event in reversed(self._events(user_id))
        ]
        old = [
            HistoryEntry(**item.model_dump(), at=_NOW - timedelta(days=3 * age + 1), score=5.0)
            for age, item in enumerate(reversed(self.items[-8:]))
        ]
        return [*sent, *old][:n]

    def similar_users(self, user_id: ExternalId, method: Method, k: int = 10) -> SimilarUsers:
        if method == "interests":
            raise NotFound("nobody is like this user", seen=str(user_id))
        users = [SimilarUser(rank=rank, user_id=100 + rank, score=1 / rank, support=12 - rank) for rank in range(1, 11)]
        return SimilarUsers(release_id="20261127-0200-abc", user_id=user_id, method=method, users=users)

    def learning_path(self, user_id: ExternalId, goal: str, length: int) -> LearningPath:
        if goal == "nothing":
            raise NotFound("no such <item> or skill", seen=goal, do="give another")
        words = ("prerequisite of First Steps", "taken soon after Asking Well by 23%", "the goal")
        steps = [
            PathStep(**item.model_dump(), step=place, reason="goal", why=why, builds=["statistics"])
            for place, (item, why) in enumerate(zip(self.items[1:4], words, strict=True), 1)
        ]
        return LearningPath(
            release_id="20261127-0200-abc",
            user_id=user_id,
            known=True,
            completed=8,
            goal=PathGoal(kind="item", item=self.items[3]),
            outcome="path",
            message=f"3 steps lead to {goal}.",
            needed=3,
            steps=steps[:length],
            skill_gap=["statistics", "<i>charts</i>"],
            unmatched=["none & nothing"],
        )

    def study_next(self, user_id: ExternalId, k: int) -> NextItems | None:
        if user_id in ODD_IDS or not self.items:
            return None
        items = [
            NextItem(**item.model_dump(), rank=rank, share=0.5 / rank, support=90 // rank)
            for rank, item in enumerate(self.items[:k], start=1)
        ]
        return NextItems(release_id="20261127-0200-abc", item=self.items[-1], items=items)

    def take_events(self, events: Sequence[Event], sent_by: str = "") -> EventsTaken:
        known = {event.event_id for event in self.sent}
        taken = [
            Taken(event_id=str(e.event_id), sequence=i, repeated=e.event_id in known) for i, e in enumerate(events, 1)
        ]
        self.sent += [event for event in events if event.event_id not in known]
        return EventsTaken(events=taken, warnings=[])

    def undo_event(self, event_id: str, user_id: str | None = None, sent_by: str = "") -> EventUndone:
        (gone,) = [event for event in self.sent if event.event_id == event_id]
        self.sent.remove(gone)
        return EventUndone(event_id=event_id, user_id=gone.user_id, item_id=gone.item_id, event=gone.event)

    def _events(self, user_id: ExternalId) -> list[Event]:
        return [event for event in self.sent if str(event.user_id) == str(user_id)]

    def _item(self, number: int) -> Item:
        odd = number < len(ODD_TITLES)
        title = ODD_TITLES[number] if odd else f"{_TITLES[number % 5]} {number}"
        level = _LEVELS[number % 3]
        labels = {
            "domain": [_DOMAINS[number % 4]],
            "type": ["Video" if number % 2 else "Course"],
            "difficulty": [level],
        }
        return Item(item_id=f"item/{number}", title=title, labels=labels, difficulty=level)

    def _recommended(self, item: Item, rank: int) -> Recommended:
        because = self.items[-1]
        told = [
            ("because_of_item", f"because of {because.title}"),
            ("similar_content", f"similar to {because.title}"),
            ("popular", "popular with everyone"),
        ]
        reason, why = told[rank % 3]
        score = 3.2 / rank**0.4 - 0.5
        return Recommended(**item.model_dump(), rank=rank, score=score, source="ease", reason=reason, why=why)
