"""What latent mode plants: how roles, styles, seniority, taste and time shape which content people choose.

A test freezes these numbers by a hash: they were set once, and no model's results may change them.
"""

from typing import Final

# Appetite for each domain, in the order of vocabulary.DOMAINS.
ROLE_DOMAINS: Final = {
    "analyst": (6.0, 4.0, 1.0, 2.0, 6.0, 0.5, 0.5),
    "scientist": (10.0, 0.5, 0.5, 8.0, 1.0, 1.0, 0.5),
    "engineer": (2.0, 0.5, 0.5, 1.0, 0.5, 10.0, 4.0),
    "machine learning": (8.0, 0.5, 0.5, 5.0, 0.5, 5.0, 0.5),
    "business": (0.5, 9.0, 1.0, 0.5, 8.0, 0.5, 0.5),
    "product": (0.5, 6.0, 2.0, 0.5, 1.0, 2.0, 8.0),
    "marketing": (0.5, 2.0, 10.0, 0.5, 0.5, 0.5, 5.0),
}

# Appetite for each subtopic, in the order of vocabulary.SUBTOPICS.
ROLE_SUBTOPICS: Final = {
    "analyst": (0.5, 2.0, 1.0, 3.0, 0.5, 9.0, 3.0, 5.0, 0.5),
    "scientist": (7.0, 0.5, 8.0, 0.5, 0.5, 1.0, 4.0, 6.0, 0.5),
    "engineer": (2.0, 0.5, 2.0, 0.5, 0.5, 4.0, 9.0, 0.5, 7.0),
    "machine learning": (7.0, 0.5, 10.0, 0.5, 0.5, 0.5, 7.0, 0.5, 1.0),
    "business": (0.5, 1.0, 0.5, 9.0, 6.0, 3.0, 0.5, 0.5, 4.0),
    "product": (0.5, 2.0, 0.5, 2.0, 10.0, 1.0, 0.5, 0.5, 7.0),
    "marketing": (0.5, 10.0, 0.5, 1.0, 6.0, 1.0, 0.5, 1.0, 1.0),
}

# Appetite for Video, Article, Interactive Quiz, Case Study.
STYLE_TYPES: Final = {
    "Visual": (4.0, 0.5, 1.0, 1.0),
    "Auditory": (4.0, 1.0, 0.5, 0.5),
    "Kinesthetic": (1.0, 0.5, 6.0, 4.0),
    "Reading/Writing": (0.6, 6.0, 0.8, 4.0),
}

# Appetite for Beginner, Intermediate, Advanced.
SENIORITY_DIFFICULTIES: Final = {
    "Student": (4.0, 1.5, 0.3),
    "Fresher": (3.0, 2.0, 0.5),
    "Junior": (1.0, 3.0, 1.0),
    "Mid": (0.5, 3.0, 3.0),
    "Senior": (0.3, 1.5, 4.0),
    "Lead": (0.2, 1.0, 5.0),
}

DOMAIN_PULL: Final = 4.0
SUBTOPIC_PULL: Final = 4.0
"""Log-odds that an item of the sought domain or subtopic gains over one of another."""

INTEREST_CONCENTRATION: Final = 12.0
"""How closely people follow their role: concentration of their own domains and subtopics around its appetites."""

TASTE_FACTORS: Final = 8
TASTE_SHARE: Final = 0.1
"""Share of choices that follow taste, which no attribute shows, instead of a topic."""
TASTE_CONCENTRATION: Final = 0.2
TASTE_SPREAD: Final = 1.5
"""Standard deviation of an item's log-odds within one taste."""

DRIFT: Final = 0.3
"""Share of a person's interests that have been replaced when the period ends."""

FITTING_ROUNDS: Final = 60
"""Rounds of proportional fitting that keep the margins; after 60 they hold within 0.01 %."""

BOT_SHARE: Final = 0.004
BURST_EVENTS: Final = 25
BURST_GAP_SECONDS: Final = 1

# Monday to Sunday.
WEEKDAYS: Final = (1.2, 1.25, 1.2, 1.1, 0.9, 0.6, 0.75)
# Hours of the day, UTC: commute, lunch and above all the evening.
HOURS: Final = (
    *(0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.0),
    *(1.2, 1.1, 1.0, 1.0, 1.3, 1.2, 1.0, 1.0),
    *(1.1, 1.2, 1.4, 1.8, 2.1, 2.0, 1.4, 0.7),
)
