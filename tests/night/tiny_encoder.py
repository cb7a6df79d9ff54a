"""An encoder of texts that needs no model."""

import hashlib

import numpy as np

from nightschool.errors import Unavailable


class TinyEncoder:
    """Encodes a text by its hash; reads eight characters."""

    limit = 8

    def __init__(self, name="tiny", fails_at=None):
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()
        self.encoded = []
        self._fails_at = fails_at

    def encode(self, texts):
        if self._fails_at is not None and len(self.encoded) + len(texts) > self._fails_at:
            raise Unavailable("the encoder ran out of memory")
        self.encoded += texts
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint8) for text in texts]
        return np.array(rows, dtype=np.float32)

    def count_longer(self, texts):
        return sum(len(text) > self.limit for text in texts)
