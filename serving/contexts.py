"""Contexts of a request: which of them the release can use, and what they add to the scores of items."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from nightschool.columns import CONTEXT, CONTEXT_LIFTS, ITEM_ID, LIFT, VALUE
from nightschool.contract import Float32s, Indices
from nightschool.data.contexts import LEAST_SUPPORT, LEAST_USERS, in_order, values_at
from nightschool.data.manifest.manifest import Manifest
from nightschool.errors import ConfigurationError
from nightschool.storage.release import CONTEXTS
from nightschool.storage.release_reader import Reader
from nightschool.vocabulary import TIME_CONTEXTS
from serving.catalogue import Catalogue

PREFIX = "context."

Values = tuple[tuple[str, str], ...]
"""Contexts with their values, by name."""


class Applied(NamedTuple):
    """The contexts of a request that change its list, and why others do not, in sentences.

    No sentence repeats a value of the request: there are few different answers.
    """

    values: Values
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Contexts:
    """The contexts of one release.

    Attributes:
        names: Every context that a request may name.
        timezone: The zone of hour and weekday.
        stored: Context to its weight, values and note, as the night stored them.
        gains: Context and value to the items that it moves, int32 [n], and what their scores gain, float32 [n].
    """

    names: tuple[str, ...] = ()
    timezone: str = "UTC"
    stored: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    gains: Mapping[tuple[str, str], tuple[Indices, Float32s]] = field(default_factory=dict)

    @classmethod
    def of(cls, reader: Reader, manifest: Manifest, catalogue: Catalogue) -> "Contexts":
        """Read the contexts of a release; one of before there were contexts has none that is switched on."""
        gates = reader.release.gates.get(CONTEXTS, {})
        stored = gates.get("contexts", {})
        timed = TIME_CONTEXTS if any(part.timestamp for part in manifest.interactions) else ()
        names = tuple(dict.fromkeys([*timed, *manifest.contexts, *stored]))
        gains = {}
        rows = reader.table(CONTEXT_LIFTS).collect()
        for (name, value), part in rows.partition_by(CONTEXT, VALUE, as_dict=True).items():
            known = part.filter(part[ITEM_ID].is_in(list(catalogue.ids)))
            lifts = known[LIFT].to_numpy() * np.float32(stored[str(name)]["weight"])
            gains[str(name), str(value)] = catalogue.positions(known[ITEM_ID]), lifts
        return cls(names, gates.get("timezone", manifest.timezone), stored, gains)

    def applied(self, given: Values, now: datetime | None) -> Applied:
        """Return what of a request's contexts changes its list; hour and weekday are those of now unless given.

        Args:
            given: The contexts that the request names.
            now: The time of the request; None: no context is taken from it.

        Raises:
            ConfigurationError: The data have no such context.
        """
        if strange := [name for name, _ in given if name not in self.names]:
            do = f"use one of {', '.join(self.names)}" if self.names else "leave it out: the data have no context"
            raise ConfigurationError("no such context", seen=strange[0][:100], do=do)
        if not given and not any(entry["weight"] for entry in self.stored.values()):
            return Applied((), ())
        of_now = {} if now is None else values_at(now, self.timezone)
        values, warnings = {name: value for name, value in of_now.items() if self._moves(name, value)}, []
        for name, value in given:
            values.pop(name, None)
            if self._moves(name, value):
                values[name] = value
            else:
                warnings.append(self._why_not(name))
        return Applied(tuple(sorted(values.items())), tuple(sorted(warnings)))

    def choices(self) -> dict[str, list[str]]:
        """Return the values of each context that is switched on, in the order of time or of the alphabet."""
        switched_on = {name: entry["values"] for name, entry in self.stored.items() if entry["weight"]}
        return {name: in_order(name, values) for name, values in switched_on.items()}

    def require_declared(self, names: Iterable[str]) -> None:
        """Raise unless the data declare all contexts of an event.

        Raises:
            ConfigurationError: One is not declared; hour and weekday follow from the time of the event.
        """
        declared = [name for name in self.names if name not in TIME_CONTEXTS]
        for name in names:
            if name in TIME_CONTEXTS:
                do = "leave it out, and give the time of the event in at"
                raise ConfigurationError("an event has no such context", seen=name, do=do)
            if name not in declared:
                known = f"use one of {', '.join(declared)}" if declared else "leave it out: the data declare no context"
                raise ConfigurationError("an event has no such context", seen=name[:100], do=known)

    def unlearned(self, given: Iterable[Mapping[str, str]]) -> list[str]:
        """Say for which contexts of events the release does not know a value, in sentences.

        Args:
            given: The contexts of each event.
        """
        pairs = {pair for each in given for pair in each.items()}
        names = {name for name, value in pairs if value not in self.stored.get(name, {}).get("values", ())}
        what = "has a value that the release does not tell apart: it is kept, and nights learn it from"
        return [
            f"{PREFIX}{name} {what} {LEAST_SUPPORT} interactions of {LEAST_USERS} users on" for name in sorted(names)
        ]

    def gain(self, values: Values, n_items: int) -> Float32s:
        """Return what the contexts add to each item's score, float32 [n_items]."""
        gain = np.zeros(n_items, dtype=np.float32)
        for context in values:
            items, added = self.gains.get(context, (np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)))
            gain[items] += added
        return gain

    def _moves(self, name: str, value: str) -> bool:
        entry = self.stored.get(name, {})
        return bool(entry.get("weight")) and value in entry["values"]

    def _why_not(self, name: str) -> str:
        entry = self.stored.get(name)
        if entry is None:
            return f"{PREFIX}{name} changes nothing: the release was made without it"
        if not entry["weight"]:
            return f"{PREFIX}{name} changes nothing: {entry['note']}"
        return f"{PREFIX}{name} changes nothing: its value is none of {', '.join(entry['values'])}"
