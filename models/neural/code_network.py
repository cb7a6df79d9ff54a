"""The forward pass of the variational autoencoder in NumPy: likes to scores."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from models.neural.unit_rows import unit_rows
from nightschool.contract import Float32s


@dataclass(frozen=True, eq=False)
class CodeNetwork:
    """A fitted autoencoder: a hidden layer, a code, and the items' logits straight from the code.

    Attributes:
        encoder: float32 [n_items + 1, hidden]; the last row is the bias, here and below.
        code: float32 [hidden + 1, code].
        output: float32 [n_items, code + 1]; the last column is the bias.
    """

    encoder: Float32s
    code: Float32s
    output: Float32s

    def score(self, likes: csr_array) -> Float32s:
        """Return the logit of each item, float32 [n, n_items], for likes, CSR float32 of the same shape."""
        hidden = np.tanh(unit_rows(likes) @ self.encoder[:-1] + self.encoder[-1])
        code = hidden @ self.code[:-1] + self.code[-1]
        logits: Float32s = code @ self.output[:, :-1].T
        logits += self.output[:, -1]
        return logits
