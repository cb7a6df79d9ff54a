import os

from expectations.engine import gx, gxe


def test_analytics_are_off():
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert not gx.get_context(mode="ephemeral").variables.config.analytics_enabled


def test_expectations_come_with_the_engine():
    assert gxe.ExpectColumnValuesToNotBeNull(column="a").column == "a"
