"""The settings of a list on the page, parsed from and written into the query of the address."""

from collections.abc import Mapping
from typing import NamedTuple, Self
from urllib.parse import urlencode

from serving.contexts import PREFIX, Values
from serving.schemas.similar import Method

LENGTHS = (10, 20, 50)
METHODS: Mapping[str, Method] = {"combined": "combined", "interests": "interests", "co_engagement": "co_engagement"}


class View(NamedTuple):
    """The settings of a list; invalid parameters of the address are ignored.

    Attributes:
        k: How many items.
        alpha: The collaborative share; None: as published.
        diversity: λ of maximal marginal relevance; None: as the rules set it.
        method: The similarity of users.
        context: The contexts that were chosen, by name.
    """

    k: int = LENGTHS[0]
    alpha: float | None = None
    diversity: float | None = None
    method: Method = "combined"
    context: Values = ()

    @classmethod
    def of(cls, query: Mapping[str, str], side: str = "") -> Self:
        """Parse the query of an address.

        Args:
            query: Its parameters.
            side: Prefix of the parameters α and diversity, on the page that compares two lists.
        """
        k = query.get("k", "")
        return cls(
            k=int(k) if k in map(str, LENGTHS) else LENGTHS[0],
            alpha=_moved(query.get(f"{side}alpha", ""), query.get(f"{side}unmoved", "")),
            diversity=_moved(query.get(f"{side}diversity", ""), query.get(f"{side}even", "")),
            method=METHODS.get(query.get("method", ""), "combined"),
            context=_chosen(query),
        )

    def query(self, **changes: object) -> str:
        """Return the query string of the settings with changes applied, from `?` on; empty for the defaults."""
        defaults = View()._asdict()
        changed = {**self._asdict(), **changes}
        changed |= {f"{PREFIX}{name}": value for name, value in changed.pop("context")}
        asked = {name: value for name, value in changed.items() if value is not None and value != defaults.get(name)}
        return f"?{urlencode(asked)}" if asked else ""


def _chosen(query: Mapping[str, str]) -> Values:
    """Return the contexts of an address; an empty value is none."""
    given = {name.removeprefix(PREFIX): value for name, value in query.items() if name.startswith(PREFIX) and value}
    return tuple(sorted(given.items()))


def _moved(text: str, unmoved: str) -> float | None:
    """Return the value of a slider; None if it is still where the page put it for the published list."""
    return None if text == unmoved else _share(text)


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
