"""Topics of columns and files, by the words of their names."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

_AMOUNTS: Final = frozenset(("of", "count", "num", "total", "average", "avg", "mean", "sum"))
"""Words by which a name is about a number: number of students is about no student."""


class Topic(StrEnum):
    """What a name can be about."""

    USER = "user"
    ITEM = "item"
    RATING = "rating"
    TIME = "time"
    EVENT = "event"
    DURATION = "duration"
    LIKED = "liked"
    TITLE = "title"
    LABEL = "label"
    ATTRIBUTE = "attribute"
    HOLDOUT = "hold-out"


_TEXTS: Final[Mapping[Topic, str]] = {
    Topic.USER: """
        user learner student member customer client visitor person people account reader employee subscriber
        participant player rater reviewer nutzer benutzer kunde teilnehmer lernende schueler utilisateur usuario
    """,
    Topic.ITEM: """
        item course content movie film book product article video lesson assessment exercise resource module track song
        asin sku isbn catalog catalogue library quiz document doc material lecture show episode recipe context page url
        kurs artikel produkt buch inhalt lektion
    """,
    Topic.RATING: "rating score star grade mark point vote bewertung punkt",
    Topic.TIME: """
        time timestamp date datetime at ts when created submitted updated started ended day zeit datum zeitpunkt
    """,
    Topic.EVENT: "event action verb activity interaction type kind ereignis aktion",
    Topic.DURATION: "duration dwell watched spent seconds second secs sec playtime elapsed dauer sekunde sekunden",
    Topic.LIKED: "like liked favourite favorite favourited favorited upvote bookmark bookmarked gefaellt",
    Topic.TITLE: "title name headline titel bezeichnung",
    Topic.LABEL: """
        category genre subject topic domain subtopic tag type kind level difficulty language format department theme
        keyword skill field kategorie fach thema sprache
    """,
    Topic.ATTRIBUTE: """
        age gender sex occupation job role seniority department country region city segment plan team education alter
        geschlecht beruf abteilung land
    """,
    Topic.HOLDOUT: "test valid validation val dev holdout eval",
}
WORDS: Final = {topic: frozenset(text.split()) for topic, text in _TEXTS.items()}
"""The words of each topic, in the singular."""

_KNOWN: Final = frozenset[str]().union(*WORDS.values())

_ID_WORDS: Final = frozenset(("id", "ids", "uid", "key", "handle", "uuid"))
_SUFFIXES: Final = _ID_WORDS | {
    "code",
    "no",
    "nr",
    "number",
    "hash",
    "email",
    "mail",
    "full",
    "name",
    "millis",
    "ms",
    "utc",
}
"""Words that say how something is named, not what it is: user_id and userHandle are both about a user."""


def words_of(name: str) -> list[str]:
    """Split a name into lower-case words: user_id, userId, User ID and USERID give user and id."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = re.findall(r"[^\W\d_]+", spaced.casefold())
    return [part for word in words for part in _parted(word)]


def head_of(name: str) -> str:
    """Return the word that a name is about: user for user_id and id_user, date for user_date, count for user_count."""
    words = words_of(name)
    if amount := next((word for word in words if word in _AMOUNTS), None):
        return amount
    content = [word for word in words if word not in _SUFFIXES] or words
    return content[-1] if content else ""


def is_about(name: str, topic: Topic) -> bool:
    """Return whether the word that a name is about belongs to the topic."""
    return _singular(head_of(name)) in WORDS[topic]


def mentions(name: str, topic: Topic) -> bool:
    """Return whether any word of a name belongs to the topic."""
    return any(_singular(word) in WORDS[topic] for word in words_of(name))


def names_an_id(name: str) -> bool:
    """Return whether a name says that it holds ids."""
    return not _ID_WORDS.isdisjoint(words_of(name))


def _singular(word: str) -> str:
    forms = (word, word.removesuffix("s"), f"{word.removesuffix('ies')}y")
    return next((form for form in forms if form in _KNOWN), word)


def _parted(word: str) -> list[str]:
    """Split a word such as `userid` into two; other words stay whole."""
    stem = word.removesuffix("id")
    named = any(_singular(stem) in WORDS[topic] for topic in (Topic.USER, Topic.ITEM, Topic.EVENT))
    return [stem, "id"] if stem != word and named else [word]
