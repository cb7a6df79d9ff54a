"""The registered model as `mlflow.pyfunc.load_model` runs it; this file is stored with the arrays."""

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from models.published import Published
from nightschool.columns import USER_ID


class PublishedModel(PythonModel):
    """Makes the lists that its release published."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the fitted recipe and its fallbacks, once."""
        artifacts = {name: Path(path) for name, path in context.artifacts.items()}
        self._published = Published.load(artifacts["model"], artifacts["audiences"])

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Recommend to the users of a frame with user_id: user_id, item_id, rank (from 1), score; best first.

        Users that the model does not know get everyone's list.

        Args:
            context: Not needed.
            model_input: One row a user.
            params: `k`, how many items a user; 50 unless given.
        """
        del context
        user_ids = pl.Series(USER_ID, model_input[USER_ID].to_list())
        return self._published.recommend(user_ids, (params or {}).get("k", 50)).to_pandas()


set_model(PublishedModel())
