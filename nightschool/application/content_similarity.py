"""The similarity of items by their descriptions, which serves new users beside any recipe."""

from scipy.sparse import csr_array

from models.catalog import create
from nightschool.capabilities import WeighsItems
from nightschool.contract import Blended, Dataset
from nightschool.errors import ConfigurationError
from nightschool.vocabulary import CONTENT


def content_similarity(fitted: Blended, everything: Dataset) -> csr_array | None:
    """Compute the weights of `content`, for new users whose only items no other user interacted with.

    None where the recipe has that component, or no item is described.
    """
    if CONTENT in fitted.parts:
        return None
    try:
        content = create(CONTENT, {}).fit(everything, seed=0)
    except ConfigurationError:
        return None
    return content.item_weights() if isinstance(content, WeighsItems) else None
