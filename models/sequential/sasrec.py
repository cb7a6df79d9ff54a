"""SASRec: self-attention over the newest items of a history, trained in JAX and scored in NumPy."""

from typing import ClassVar

import numpy as np

from models.neural.jax_model import JaxModel
from models.sequential.sasrec_batches import TrainingSet
from models.sequential.sasrec_config import SasRecConfig
from nightschool.contract import Dataset, Float32s, Indices
from nightschool.data.shape import Shape
from nightschool.errors import DataRefused
from nightschool.histories import Histories
from nightschool.ranking.self_attention import SelfAttention


class SasRec(JaxModel):
    """SASRec: self-attention over the newest items of a history, trained to tell the next item from others.

    Formula:
        score(u, j) = h(u) · v(j), h the state after the newest of the last `length` liked items: `blocks` of causal
        attention softmax(q · k / √d + b(distance in places)) and a hidden layer of ReLU, each over a layer norm, with a
        residual. The loss is the cross-entropy of each next item against all items, or, beyond `whole_catalogue` of
        them, against `negatives` items drawn in proportion to popularity^¾ for each step, each weighted by 1 / its
        expected count, which estimates the sum over all items without bias. Short histories are packed side by side.
        Adam stops when the last likes of a tenth of the users, held out for that, are ranked no better for `patience`
        passes.

    Good for:
        Paths that depend on more than the last item, on data of some 10,000 users and more; minutes on a CPU, less on
        a GPU, which JAX uses where it sees one. With a seed the result is the same to the bit on a CPU.

    Refuses:
        Data without an order, histories of one item alone, training beyond `max_gigabytes`, and a machine without JAX.

    Memory:
        28 · `width` bytes an item and about 16 bytes for each of `batch` likes by compared item while it is trained;
        4 · `width` bytes an item afterwards.

    Examples:
        >>> model = SasRec(SasRecConfig(width=8, length=4, epochs=2)).fit(dataset, seed=0)
        >>> model.recommend(dataset.user_ids[:1], k=2)["rank"].to_list()
        [1, 2]

    References:
        Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018; Klenitskiy and Vasilev, "Turning Dross
        Into Gold Loss: is BERT4Rec really better than SASRec?", RecSys 2023, for the loss.
    """

    name = "sasrec"
    config_type = SasRecConfig
    training = "models.sequential.sasrec_training"
    learned = ("items", "vectors", "distances", "norms", "attention", "inner", "outer")
    sequential: ClassVar[bool] = True
    needs_order: ClassVar[bool] = True

    config: SasRecConfig
    items: Indices
    """int32 [n_items], the row of each item in `vectors`, -1 of an item that nothing was learned of."""
    vectors: Float32s
    distances: Float32s
    norms: Float32s
    attention: Float32s
    inner: Float32s
    outer: Float32s

    def network(self) -> SelfAttention:
        """Return the fitted network, as it scores."""
        return SelfAttention(**{name: getattr(self, name) for name in self.learned})

    def fold_in(self, histories: Histories) -> Float32s:
        """Score histories of scores or of ones, float32 [n_block, n_items].

        Raises:
            ConfigurationError: The histories have no order.
        """
        return self.network().score(histories)

    def _score(self, user_indices: Indices) -> Float32s:
        return self.fold_in(self.known.histories[user_indices])

    def training_seconds(self, shape: Shape) -> float:
        """Estimate the seconds of all passes over data of this shape."""
        return 3e-10 * shape.pairs * self.config.width * self.config.compared(shape.items) * min(self.config.epochs, 30)

    def _learn(self, dataset: Dataset, seed: int) -> None:
        liked = np.unique(dataset.positives().indices)
        items = np.full(dataset.n_items, -1, dtype=np.int32)
        items[liked] = np.arange(len(liked))
        self.require_memory(self.config.gigabytes(len(liked)), len(liked))
        training_set = TrainingSet.of(dataset, items, self.config.length, seed)
        if not len(training_set.sizes):
            do = "leave sasrec out of these data"
            raise DataRefused("sasrec needs likes that follow one another", seen="none", do=do)
        trained = self.import_training().train(training_set, self.config, seed)
        for name, array in trained.parameters.items():
            setattr(self, name, array)
        self.note = trained.note
        self.items = items
