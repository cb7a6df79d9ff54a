"""NeuMF: vectors that are multiplied and vectors that layers read, trained in JAX and scored in NumPy."""

from scipy.sparse import csr_array

from models.neural.from_likes import FromLikes
from models.neural.neumf_config import NeuMfConfig
from models.neural.pair_network import PairNetwork
from nightschool.contract import Float32s
from nightschool.data.shape import Shape


class NeuMf(FromLikes):
    """NeuMF: neural matrix factorisation, a product of vectors and a perceptron over vectors, in one network.

    Formula:
        score(u, i) = h · [p_u ⊙ q_i ; φ(p'_u, q'_i)], φ two layers of ReLU. A user's vectors are no parameters of
        their own but Σ_j y_j / √n over the n likes j, as in FISM, so that users who came after the fit are scored
        alike. It is trained by binary cross-entropy: of a user's likes a share `history_dropout` is left out of the
        sum, and told from items drawn evenly from the rest, `negatives` for each like. Adam with `decay` makes the
        steps; the running average of the weights after them counts. It stops when a fifth of the likes of a tenth of
        the users, held out for that, is ranked no better for `patience` passes.

    Good for:
        Comparing with the literature; other models of this catalogue rank better on most data. Its ndcg on the tests of
        movielens-100k and mooccubex is .467 after 25 s and .151 after 183 s, where EASE has .483 and .152 after 1 to 2
        s, and a search over EASE, iALS and their blend, as long as the slowest network's fit, .498 and .156.

    Refuses:
        Data without likes, training beyond `max_gigabytes`, and a machine without JAX. An item without likes gets the
        user's lowest score.

    Memory:
        64 · (`factors` + `width`) bytes an item while it is trained, and 16 · (`factors` + 2 · `width`) bytes for each
        pair of a step; 8 · (`factors` + `width`) bytes an item afterwards.

    Examples:
        >>> model = NeuMf(NeuMfConfig(factors=4, width=4, epochs=30)).fit(dataset, seed=0)
        >>> model.recommend(dataset.user_ids[:1], k=2)["rank"].to_list()
        [1, 2]

    References:
        He, Liao, Zhang, Nie, Hu and Chua, "Neural Collaborative Filtering", WWW 2017; Kabbur, Ning and Karypis, "FISM:
        Factored Item Similarity Models for Top-N Recommender Systems", KDD 2013, for the users' vectors.
    """

    name = "neumf"
    config_type = NeuMfConfig
    training = "models.neural.neumf_training"
    learned = ("items", "history", "vectors", "inner", "outer", "output")

    config: NeuMfConfig
    history: Float32s
    vectors: Float32s
    inner: Float32s
    outer: Float32s
    output: Float32s

    def scorer(self) -> PairNetwork:
        """Return the fitted network."""
        return PairNetwork(self.history, self.vectors, self.inner, self.outer, self.output)

    def gigabytes(self, likes: csr_array) -> float:
        """Estimate the memory of training on likes."""
        return self.config.gigabytes(likes.shape[1], likes.nnz / likes.shape[0])

    def training_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of all passes over data of this shape."""
        config = self.config
        compared = shape.pairs * (1 + config.negatives)
        passes = min(config.epochs, 25 + 25_000 / max(shape.users, 1))  # fewer users make fewer steps in a pass
        return (2.5e-6 + 1.5e-8 * config.width) * compared * passes

    def score_seconds(self, shape: Shape, n_users: int) -> float:
        """Estimate the seconds to score every item for some users, likewise."""
        return 1e-11 * n_users * shape.items * self.config.width * (self.config.width + self.config.factors)
