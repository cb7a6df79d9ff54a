"""Neural hybrid: a tower of users over likes, attributes and context, and one of items over ids and descriptions."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from models.neural.contexts import Contexts, rows_of
from models.neural.descriptions import item_descriptions, user_descriptions
from models.neural.from_likes import FromLikes
from models.neural.neural_hybrid_config import NeuralHybridConfig
from models.neural.two_towers_network import TwoTowers, described_items
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.data.shape import Shape

_ATTRIBUTES = 64  # dimensions of a user's attributes


class NeuralHybrid(FromLikes):
    """Neural hybrid: a tower of users over likes, attributes and context, and one of items over ids and descriptions.

    Formula:
        score(u, j) = (s + W₂ relu(W₁ [s, ln(1 + n)])) · v_j + b_j. s = Σ_i w_i·f_i / √Σ_i w_i over the n likes of the
        user, plus A·(attributes) and a vector of each value of the context that is told. Of an item [v, b, f, ln w] =
        id + M₂ relu(M₁ d): a part of its own, shrunk by `l2`/2 · |id|² for all likes together, and what follows from
        its description d, which is the TF-IDF features of its text, categories, levels and lists, and the vectors that
        it came with, each cut down to `described` dimensions. Training reads a random share of a user's likes and asks
        for the rest by a softmax over all items or, beyond `whole_catalogue` of them, over `negatives` items drawn in
        proportion to popularity^¾ (or as `drawn_from` says), each weighted by 1 / its expected count; `loss = "binary"`
        judges each item by itself. `id_dropout` of the items go without their own part in each step, so that new ones
        are ranked by what is said of them; attributes and contexts are told half of the time. Adam, of whose steps the
        running average counts, stops when a fifth of the likes of a tenth of the users, held out for that, is ranked no
        better for `patience` passes.

    Good for:
        Items and users who came after the fit, and declared contexts (`score_in_context`). It ranks items without likes
        if they are described. Its ndcg on the tests of movielens-100k and mooccubex is .408 after 18 s and .150 after
        92 s, where EASE has .483 and .152 after 1 to 2 s; among new items of movielens-100k .194, where `ials` has .182
        and `content` .084.

    Refuses:
        Data without likes, training beyond `max_gigabytes`, and a machine without JAX. An item with neither likes nor
        description gets the user's lowest score.

    Memory:
        While it is trained, about 80 · `factors` bytes an item, and 16 bytes for each of `batch` users by item;
        8 · `factors` bytes an item and up to 256 a user afterwards.

    Examples:
        >>> config = NeuralHybridConfig(factors=8, hidden=8, learning_rate=0.05, epochs=60)
        >>> paintings = NeuralHybrid(config).fit(dataset, seed=0).recommend(dataset.user_ids[1:2], k=4)["item_id"]
        >>> 120 in paintings  # a painting without interactions
        True

    References:
        Covington, Adams and Sargin, "Deep Neural Networks for YouTube Recommendations", RecSys 2016; Volkovs, Yu and
        Poutanen, "DropoutNet: Addressing Cold Start in Recommender Systems", NeurIPS 2017; Yi et al.,
        "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019.
    """

    name = "neural_hybrid"
    config_type = NeuralHybridConfig
    training = "models.neural.neural_hybrid_training"
    learned = (
        "items",
        "outputs",
        "inner",
        "outer",
        "attributes",
        "attribute_vectors",
        "context_values",
        "context_vectors",
    )
    by_user = ("attributes",)

    config: NeuralHybridConfig
    outputs: Float32s
    """What the tower of items says of each known one, float32 [n_known, 2 · factors + 2]."""
    inner: Float32s
    outer: Float32s
    attributes: Float32s
    """float32 [n_users, up to 64]."""
    attribute_vectors: Float32s
    """float32 [up to 64, factors]."""
    context_values: NDArray[np.str_]
    """str [n_values, 2], the name of a context and a value of it."""
    context_vectors: Float32s
    """float32 [n_values, factors]."""

    def scorer(self) -> TwoTowers:
        """Return the fitted network."""
        return TwoTowers(self.outputs, self.inner, self.outer)

    def score_in_context(self, user_indices: Indices, context: Mapping[str, str]) -> Float32s:
        """Score every item for some users in a context, float32 [n_block, n_items].

        Args:
            user_indices: int32 [n_block].
            context: The names of declared contexts and their values; what the data did not have counts for nothing.
        """
        known = self.attributes[user_indices] @ self.attribute_vectors
        known += self.context_vectors[rows_of(self.context_values, context)].sum(axis=0)
        likes = self.of_known_items(self.known.histories[user_indices])
        return self.of_all_items(self.scorer().score(likes, known))

    def gigabytes(self, likes: csr_array) -> float:
        """Estimate the memory of training on likes."""
        return self.config.gigabytes(likes.shape[1])

    def training_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of all passes over data of this shape."""
        config = self.config
        compared = 1.5 * (shape.items + config.compared(shape.items)) * config.factors
        towers = shape.items * config.hidden * (config.described + 2 * config.factors) / config.batch
        return 3e-10 * shape.users * (compared + towers) * min(config.epochs, 60)

    def _score(self, user_indices: Indices) -> Float32s:
        return self.score_in_context(user_indices, {})

    def _learn(self, dataset: Dataset, seed: int) -> None:
        config = self.config
        likes, users, learned = self.to_learn(dataset)
        has_likes = np.zeros(dataset.n_items, dtype=bool)
        has_likes[learned] = True
        descriptions = item_descriptions(dataset, config.text_length, config.described, seed)
        contexts, self.attributes = Contexts.of(dataset), user_descriptions(dataset, _ATTRIBUTES, seed)
        training = self.import_training()
        trained = training.train(likes, contexts, self.attributes[users], descriptions[has_likes], config, seed)
        self.inner, self.outer = (trained.parameters[name] for name in ("inner", "outer"))
        self.attribute_vectors, self.context_vectors = (trained.parameters[name] for name in ("attributes", "contexts"))
        self.context_values = contexts.values
        known = has_likes | descriptions.any(axis=1)
        self.outputs = described_items(trained.parameters, descriptions[known], has_likes[known])
        self.items = np.where(known, np.cumsum(known) - 1, -1).astype(np.int32)
        self.note = trained.note
