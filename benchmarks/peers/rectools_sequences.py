"""RecTools' models of order, as benchmarks/peers.py runs them."""

from functools import partial
from typing import Any

import pandas as pd
from pytorch_lightning import seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools_models import recommend
from timing import Peer, main


def _fit(model: Any, train: Any) -> tuple[Any, Dataset]:
    cells = train.tocoo()
    frame = pd.DataFrame({Columns.User: cells.coords[0], Columns.Item: cells.coords[1], Columns.Weight: 1.0})
    frame[Columns.Datetime] = pd.Timestamp("2020-01-01") - pd.to_timedelta(cells.data, unit="s")
    seed_everything(42, verbose=False)
    return model.fit(Dataset.construct(frame[cells.data > 1])), Dataset.construct(frame)


MODELS = {
    "sasrec, defaults": Peer(
        "defaults: n_factors=256, n_blocks=2, session_max_len=100, epochs=3", partial(SASRecModel, deterministic=True)
    ),
    "sasrec, 50 epochs": Peer(
        "n_factors=64, n_heads=1, session_max_len=50, epochs=50",
        partial(SASRecModel, n_factors=64, n_heads=1, session_max_len=50, epochs=50, deterministic=True),
    ),
}

if __name__ == "__main__":
    main("rectools", MODELS, _fit, recommend)
