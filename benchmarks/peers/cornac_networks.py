"""Cornac's networks, as benchmarks/neural.py runs them."""

import sys
from types import ModuleType

from cornac.models import VAECF, LightGCN, NeuMF
from cornac_models import fit, recommend
from timing import Peer, main

# LightGCN needs nothing of this part of DGL, which its last release has for older versions of PyTorch alone.
sys.modules["dgl.graphbolt"] = ModuleType("dgl.graphbolt")

MODELS = {
    "multvae": Peer(
        "VAECF, defaults: k=10, autoencoder_structure=[20], likelihood=mult, n_epochs=100, beta=1",
        lambda: VAECF(seed=42),
    ),
    "neumf": Peer(
        "NeuMF, defaults: num_factors=8, layers=(64, 32, 16, 8), num_epochs=20, num_neg=4",
        lambda: NeuMF(backend="pytorch", seed=42, verbose=False),
    ),
    "lightgcn": Peer(
        "LightGCN, emb_size=64, num_layers=3, num_epochs=100",
        lambda: LightGCN(num_epochs=100, seed=42),
    ),
}

if __name__ == "__main__":
    main("cornac", MODELS, fit, recommend)
