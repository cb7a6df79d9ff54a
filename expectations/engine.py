"""Great Expectations, imported with its analytics and its small talk off."""

import logging
import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import great_expectations.expectations as gxe

logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

__all__ = ["gx", "gxe"]
