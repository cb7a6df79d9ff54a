"""Great Expectations, imported with its analytics off."""

import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import great_expectations.expectations as gxe

__all__ = ["gx", "gxe"]
