"""The forward pass of a self-attention network in NumPy: histories to scores, wherever no training library is."""

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np

from nightschool.contract import Float32s, Indices, Mask
from nightschool.errors import ConfigurationError
from nightschool.histories import Histories

EPSILON: Final = 1e-5
"""Added to the variance in a layer norm."""
HIDDEN: Final = np.float32(-1e9)
"""Attention logit of a place that must not be seen."""


@dataclass(frozen=True, eq=False)
class SelfAttention:
    """A fitted network of pre-norm blocks, each of causal attention by content and distance and a hidden layer.

    Attributes:
        items: int32 [n_items], the row of each item in `vectors`; -1 where nothing was learned of the item.
        vectors: float32 [n_learned, width], which serve as input and as output.
        distances: float32 [blocks, heads, length], added to the attention logit at each distance in places.
        norms: float32 [2 · blocks + 1, 2, width], scale and shift: two for each block, and the last one.
        attention: float32 [blocks, 4, width, width]: queries, keys, values, output.
        inner: float32 [blocks, width + 1, hidden]; the last row is the bias.
        outer: float32 [blocks, hidden + 1, width]; likewise.
    """

    items: Indices
    vectors: Float32s
    distances: Float32s
    norms: Float32s
    attention: Float32s
    inner: Float32s
    outer: Float32s

    @property
    def length(self) -> int:
        """Return how many of the newest items of a history count."""
        return int(self.distances.shape[2])

    def score(self, histories: Histories) -> Float32s:
        """Score every item as the next one, float32 [n, n_items].

        An item that nothing was learned of gets the user's lowest score; a history without learned likes gets zeros.
        """
        rows, seen = self.newest(histories)
        scores = np.zeros(histories.scores.shape, dtype=np.float32)
        known = seen.any(axis=1)
        if known.any():
            states = self.encode(rows[known], seen[known])
            # The row -1 of an item that nothing was learned of is the last column.
            logits = np.empty((len(states), len(self.vectors) + 1), dtype=np.float32)
            np.matmul(states, self.vectors.T, out=logits[:, :-1])
            logits[:, -1] = logits[:, :-1].min(axis=1)
            scores[known] = logits.take(self.items, axis=1, mode="wrap")
        return scores

    def newest(self, histories: Histories) -> tuple[Indices, Mask]:
        """Return the rows of each history's newest liked items, newest last, and which places hold one.

        Both are [n, width], width being the longest history's, at most `length`.

        Raises:
            ConfigurationError: The histories have no order.
        """
        scores, places = histories.scores, histories.places
        if places is None:
            raise ConfigurationError(
                "self-attention needs the order of a history", seen="a history without", do="give its times"
            )
        users = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
        kept = (scores.data > 0) & (self.items[scores.indices] >= 0)
        users, rows = users[kept], self.items[scores.indices[kept]]
        order = np.lexsort((places[kept], users))
        users, rows = users[order], rows[order]
        counts = np.bincount(users, minlength=scores.shape[0])
        ages = np.arange(len(users)) - (np.cumsum(counts) - counts)[users]
        width = max(1, min(self.length, int(counts.max(initial=0))))
        recent = ages < width
        found = np.full((scores.shape[0], width), -1, dtype=np.int32)
        found[users[recent], width - 1 - ages[recent]] = rows[recent]
        return np.maximum(found, 0), found >= 0

    def encode(self, rows: Indices, seen: Mask) -> Float32s:
        """Return the state after each history's newest item, float32 [n, width of a vector].

        Args:
            rows: int32 [n, places], rows of `vectors`, newest last.
            seen: bool [n, places], which of them count.
        """
        states = self.vectors[rows] * np.float32(np.sqrt(self.vectors.shape[1]))
        blocks = len(self.attention)
        for block in range(blocks):
            asking = states[:, -1:] if block == blocks - 1 else states
            states = self._attend(block, asking, states, seen)
            states = states + self._transform(block, states)
        return self._normalised(2 * blocks, states[:, -1])

    def _attend(self, block: int, asking: Float32s, states: Float32s, seen: Mask) -> Float32s:
        n, places, width = states.shape
        heads = self.distances.shape[1]
        queries, keys, values, output = self.attention[block]
        asked, given = self._normalised(2 * block, asking), self._normalised(2 * block, states)

        def split(vectors: Float32s) -> Float32s:
            return vectors.reshape(n, -1, heads, width // heads).transpose(0, 2, 1, 3)

        logits = split(asked @ queries) @ split(given @ keys).transpose(0, 1, 3, 2)
        logits *= np.float32((width // heads) ** -0.5)
        ages = np.arange(places - asking.shape[1], places)[:, None] - np.arange(places)[None, :]
        logits += self.distances[block][:, np.maximum(ages, 0)]
        visible = seen[:, None, None, :] & (ages >= 0)
        shares = _softmax(np.where(visible, logits, HIDDEN))
        mixed = (shares @ split(given @ values)).transpose(0, 2, 1, 3).reshape(n, -1, width)
        attended: Float32s = asking + mixed @ output
        return attended

    def _transform(self, block: int, states: Float32s) -> Float32s:
        inner, outer = self.inner[block], self.outer[block]
        hidden = np.maximum(self._normalised(2 * block + 1, states) @ inner[:-1] + inner[-1], 0)
        transformed: Float32s = hidden @ outer[:-1] + outer[-1]
        return transformed

    def _normalised(self, which: int, states: Float32s) -> Float32s:
        scale, shift = self.norms[which]
        centred = states - states.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        normalised: Float32s = centred / np.sqrt(variance + np.float32(EPSILON)) * scale + shift
        return normalised


@runtime_checkable
class Attends(Protocol):
    """Scores histories by a self-attention network, which a release publishes."""

    def network(self) -> SelfAttention:
        """Return the fitted network, exactly as it scores."""


def _softmax(logits: Float32s) -> Float32s:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Float32s = powers / powers.sum(axis=-1, keepdims=True)
    return shares
