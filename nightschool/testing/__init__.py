"""Contract tests for recommenders, here and in other repositories."""

import pytest

# Failing asserts of the contract tests show their values, whichever test file imports them first.
pytest.register_assert_rewrite("nightschool.testing.difficult_data", "nightschool.testing.recommender")
