"""How a learner looks at a list: what the address says after its question mark, and how it is written there."""

from collections.abc import Mapping
from typing import NamedTuple, Self
from urllib.parse import urlencode

from serving.schemas import Method

LENGTHS = (10, 20, 50)
METHODS: Mapping[str, Method] = {"combined": "combined", "interests": "interests", "co_engagement": "co_engagement"}


class View(NamedTuple):
    """What a list is asked for; the address of a page may say anything, and what it cannot mean is left out.

    Attributes:
        k: How many items.
        alpha: The collaborative share; None: as it was published.
        diversity: λ of maximal marginal relevance; None: as the rules have it.
        method: By what users are alike.
    """

    k: int = LENGTHS[0]
    alpha: float | None = None
    diversity: float | None = None
    method: Method = "combined"

    @classmethod
    def of(cls, query: Mapping[str, str], side: str = "") -> Self:
        """What an address asks for.

        Args:
            query: Its parameters.
            side: What the names of α and diversity begin with.
        """
        k = query.get("k", "")
        return cls(
            k=int(k) if k in map(str, LENGTHS) else LENGTHS[0],
            alpha=_moved(query.get(f"{side}alpha", ""), query.get(f"{side}unmoved", "")),
            diversity=_moved(query.get(f"{side}diversity", ""), query.get(f"{side}even", "")),
            method=METHODS.get(query.get("method", ""), "combined"),
        )

    def query(self, **changes: object) -> str:
        """The parameters that ask for this, changes applied, with their question mark; empty when there are none."""
        defaults = View()._asdict()
        told = {**self._asdict(), **changes}
        asked = {name: value for name, value in told.items() if value is not None and value != defaults.get(name)}
        return f"?{urlencode(asked)}" if asked else ""


def _moved(text: str, unmoved: str) -> float | None:
    """Where a slider was left; None where it still is where it was drawn for a list as it was published."""
    return None if text == unmoved else _share(text)


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None
