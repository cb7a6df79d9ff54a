import pytest

from nightschool.application.cold_start import evaluate_cold_start
from nightschool.application.evaluate import Offline
from nightschool.errors import ConfigurationError
from nightschool.night.config import NightConfig


def test_a_reranker_cannot_order_lists_of_whom_it_never_met():
    asked = Offline(("ease", "reranker"), "leave-users", 10, 42, "all", NightConfig())
    with pytest.raises(ConfigurationError, match=r"fitted on.*leave-users"):
        evaluate_cold_start(None, asked)
