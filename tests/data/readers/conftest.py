"""Files below a temporary folder, as the tests of the inspection put them."""

from tests.inspection.conftest import folder, put

__all__ = ["folder", "put"]
