import pytest

from models import catalog
from nightschool.errors import ConfigurationError


@pytest.mark.parametrize(
    ("params", "named"),
    [({"trees": 0}, "reranker.trees"), ({"cut": "week"}, "reranker.cut"), ({"tree": 1}, "reranker.tree")],
)
def test_a_bad_hyper_parameter_is_named(params, named):
    with pytest.raises(ConfigurationError, match=named):
        catalog.reranker_config(params)


def test_its_configuration_is_described_and_frozen():
    config = catalog.reranker_config({})
    assert all(field.description for field in type(config).model_fields.values())
    assert config.model_config["frozen"]
