import inspect

import pytest

from expectations import validation
from nightschool.ingest.checks import Checks


@pytest.mark.parametrize("name", [name for name in vars(Checks) if name.startswith("check_")])
def test_the_expectations_have_every_check_with_the_same_parameters(name: str) -> None:
    declared = list(inspect.signature(getattr(Checks, name)).parameters)[1:]
    assert list(inspect.signature(getattr(validation, name)).parameters) == declared
