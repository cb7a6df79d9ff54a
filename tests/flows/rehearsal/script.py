"""The nights of the rehearsal: what is delivered before each, and what must come of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import polars as pl

from tests.flows.rehearsal.deliveries import N_ITEMS, Landing, file_of, item, user

N_CORRECTED = 20
N_GARBAGE_IN_TEN = 3
NEW_ITEMS = tuple(range(N_ITEMS, N_ITEMS + 4))
WITHDRAWN = (0, 1, 2)
"""Of the most popular items."""
LEAVING = (7, 77, 177)


@dataclass(frozen=True)
class Due:
    """What must come of a night.

    Attributes:
        delivered: What was delivered, for the table.
        status: Of the night.
        accepted: Interactions taken in; None where rows come in that were not delivered tonight.
        known: How many of tonight's rows are known at least.
        fates: File to what became of it, where that matters.
        named: Files that the report of a published night must name.
        withdrawn: Table to how many of its entries are withdrawn tonight.
    """

    delivered: str
    status: Literal["published", "unchanged"] = "published"
    accepted: int | None = 0
    known: int = 0
    fates: Mapping[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    withdrawn: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Night:
    """One night of the script.

    Attributes:
        name: For people.
        deliver: Delivers the files and returns what must come of them.
        trouble: What happens to the night, or to its first try.
    """

    name: str
    deliver: Callable[[Landing], Due]
    trouble: Literal["none", "missed", "killed", "full disk"] = "none"


def the_first(landing: Landing) -> Due:
    """Deliver the lists, the history and the first day."""
    landing.put_lists()
    history = landing.platform.history()
    landing.put("events/events-history.csv", landing.text(history))
    n = landing.expect(history) + landing.put_day(landing.day)
    return Due("lists, history, a day", accepted=n)


def nothing(landing: Landing) -> Due:
    """Deliver nothing: the day is late."""
    return Due("nothing", "unchanged")


def an_ordinary_day(landing: Landing) -> Due:
    """Deliver a day."""
    return Due("a day", accepted=landing.put_day(landing.day))


def a_day_taken_in_by_a_killed_try(landing: Landing) -> Due:
    """Deliver a day that a first try of the night takes in before it is killed."""
    return Due("a day", known=landing.put_day(landing.day))


def the_late_day(landing: Landing) -> Due:
    """Deliver the day that was late with the one that is due."""
    n = landing.put_day(_before(landing, 1)) + landing.put_day(landing.day)
    return Due("the late day, a day", accepted=n)


def a_corrected_day(landing: Landing) -> Due:
    """Send the day before whole again under its name, some of its events of another type; and deliver a day."""
    wrong = landing.platform.events(_before(landing, 1))
    ids = wrong["event_id"].gather_every(wrong.height // N_CORRECTED)[:N_CORRECTED]
    another = pl.col("event").replace({"view": "complete", "complete": "view", "like": "view"})
    is_wrong = pl.col("event_id").is_in(ids.implode())
    right = wrong.with_columns(pl.when(is_wrong).then(another).otherwise("event").alias("event"))
    name = landing.put(file_of(_before(landing, 1)), landing.text(right))
    n = landing.put_day(landing.day)
    delivered = f"{N_CORRECTED} rows corrected in place, a day"
    if not landing.with_ids:
        landing.aside[name] = wrong.height
        return Due(delivered, accepted=n, fates={name: "set_aside"}, named=(name,))
    landing.expect(right)
    return Due(delivered, accepted=n + N_CORRECTED, known=wrong.height - N_CORRECTED, fates={name: "taken"})


def a_day_sent_twice(landing: Landing) -> Due:
    """Send the day before again under another name; and deliver a day."""
    again = landing.text(landing.platform.events(_before(landing, 1)))
    name = landing.put(f"events/export-{landing.day}.csv", again)
    return Due("a day twice, a day", accepted=landing.put_day(landing.day), fates={name: "taken"}, named=(name,))


def a_day_re_exported(landing: Landing) -> Due:
    """Send the day before again under its name: other order of rows and columns, other line ends."""
    events = landing.platform.events(_before(landing, 1))
    shuffled = events.sample(fraction=1.0, shuffle=True, seed=1).select(reversed(events.columns))
    name = landing.put(file_of(_before(landing, 1)), landing.text(shuffled, "\r\n"))
    return Due("a day re-exported", "unchanged", known=events.height, fates={name: "taken"})


def a_gzipped_day(landing: Landing) -> Due:
    """Send the last day that was delivered again, compressed; and deliver a day."""
    again = landing.text(landing.platform.events(_before(landing, 2)))
    name = landing.put(f"{file_of(_before(landing, 2))}.gz", again)
    return Due("a day as .gz, a day", accepted=landing.put_day(landing.day), fates={name: "taken"}, named=(name,))


def a_new_column(landing: Landing) -> Due:
    """Deliver a day with a column that no file had before."""
    events = landing.platform.events(landing.day)
    landing.put(file_of(landing.day), landing.text(events.with_columns(device=pl.lit("phone"))))
    return Due("a day with a new column", accepted=landing.expect(events))


def a_renamed_column(landing: Landing) -> Due:
    """Deliver a day whose user column has another name, and a part of the same day that is as ever."""
    events = landing.platform.events(landing.day)
    renamed, good = events.head(100), events.tail(-100)
    name = landing.put(file_of(landing.day), landing.text(renamed.rename({"user_id": "learner"})))
    landing.put(f"events/part-{landing.day}.csv", landing.text(good))
    n = landing.expect(good)
    landing.aside[name] = renamed.height
    return Due("a renamed column, a part", accepted=n, fates={name: "set_aside"}, named=(name,))


def a_header_alone(landing: Landing) -> Due:
    """Deliver a file without rows."""
    name = landing.put(file_of(landing.day), landing.text(landing.platform.events(landing.day).clear()))
    return Due("a header alone", "unchanged", fates={name: "taken"})


def some_garbage(landing: Landing) -> Due:
    """Deliver a day of which three rows in ten have no time, and a part of the same day that is good."""
    events = landing.platform.events(landing.day)
    bad, good = events.head(100), events.tail(-100)
    head, *lines = landing.text(bad).decode().splitlines()
    day = f"{landing.day}T"
    spoilt = [line.replace(day, "yesterday ") if n % 10 < N_GARBAGE_IN_TEN else line for n, line in enumerate(lines)]
    name = landing.put(file_of(landing.day), "\n".join([head, *spoilt, ""]).encode())
    landing.put(f"events/part-{landing.day}.csv", landing.text(good))
    n = landing.expect(good)
    landing.aside[name] = bad.height
    return Due("30 % garbage, a part", accepted=n, fates={name: "set_aside"}, named=(name,))


def a_missed_night(landing: Landing) -> Due:
    """Deliver a day that no night takes in at its time."""
    landing.put_day(landing.day)
    return Due("a day that waits")


def after_the_missed_night(landing: Landing) -> Due:
    """Deliver a day; the one before has not been taken in."""
    missed = landing.platform.events(_before(landing, 1)).height
    return Due("a day", accepted=missed + landing.put_day(landing.day))


def events_on_new_items(landing: Landing) -> Due:
    """Deliver a day some of whose events are on items that are not in the list yet."""
    good, early = landing.platform.events(landing.day), _early(landing)
    landing.put(file_of(landing.day), landing.text(pl.concat([good, early])))
    landing.quarantine += Counter(unknown_item=early.height)
    return Due("a day with unknown items", accepted=landing.expect(good))


def new_items(landing: Landing) -> Due:
    """Deliver the list with the new items; and a day."""
    early = _early(landing, 1)
    landing.put_day(landing.day)
    landing.platform.items += NEW_ITEMS
    landing.put_lists()
    landing.expect(early)
    landing.quarantine -= Counter(unknown_item=early.height)
    return Due(f"{len(NEW_ITEMS)} items more, a day", accepted=None)


def withdrawn_items(landing: Landing) -> Due:
    """Deliver the list without some items; and a day."""
    landing.platform.items = [n for n in landing.platform.items if n not in WITHDRAWN]
    landing.put_lists()
    landing.gone_items |= {item(n) for n in WITHDRAWN}
    n = landing.put_day(landing.day)
    return Due(f"{len(WITHDRAWN)} items fewer, a day", accepted=n, withdrawn={"items": len(WITHDRAWN)})


def leaving_users(landing: Landing) -> Due:
    """Deliver the list without some users; and a day."""
    landing.platform.users = [n for n in landing.platform.users if n not in LEAVING]
    landing.put_lists()
    landing.gone_users |= {user(n) for n in LEAVING}
    n = landing.put_day(landing.day)
    return Due(f"{len(LEAVING)} users fewer, a day", accepted=n, withdrawn={"users": len(LEAVING)})


def _before(landing: Landing, days: int) -> date:
    return landing.day - timedelta(days=days)


def _early(landing: Landing, days: int = 0) -> pl.DataFrame:
    """Return events of a past day on items that were not in the list then."""
    events = landing.platform.events(landing.day - timedelta(days=days), 8)
    new = [item(NEW_ITEMS[n % len(NEW_ITEMS)]) for n in range(events.height)]
    return events.with_columns(("new-" + pl.col("event_id")).alias("event_id"), pl.Series("item_id", new))


NIGHTS = (
    Night("the first", the_first),
    Night("a late day", nothing),
    Night("the late day comes", the_late_day),
    Night("a corrected day", a_corrected_day),
    Night("a day sent twice", a_day_sent_twice),
    Night("a day re-exported", a_day_re_exported),
    Night("a day compressed", a_gzipped_day),
    Night("a new column", a_new_column),
    Night("a renamed column", a_renamed_column),
    Night("a header alone", a_header_alone),
    Night("garbage", some_garbage),
    Night("missed", a_missed_night, trouble="missed"),
    Night("after the missed one", after_the_missed_night),
    Night("unknown items", events_on_new_items),
    Night("new items", new_items),
    Night("items withdrawn", withdrawn_items),
    Night("users leave", leaving_users),
    Night("killed", a_day_taken_in_by_a_killed_try, trouble="killed"),
    Night("full disk", an_ordinary_day, trouble="full disk"),
)
"""With ids of events."""

NIGHTS_WITHOUT_IDS = (
    Night("the first", the_first),
    Night("a day", an_ordinary_day),
    Night("a day sent twice", a_day_sent_twice),
    Night("a day re-exported", a_day_re_exported),
    Night("a day compressed", a_gzipped_day),
    Night("a corrected day", a_corrected_day),
)
"""What differs where events have no ids."""

SHORT = (
    Night("the first", the_first),
    Night("a late day", nothing),
    Night("a day", an_ordinary_day),
    Night("a corrected day", a_corrected_day),
    Night("garbage", some_garbage),
    Night("a header alone", a_header_alone),
    Night("items withdrawn", withdrawn_items),
)
"""What `make test` runs."""
