"""Bringing a home that an older state of the code wrote to the version of this one, at its first use."""

from importlib import import_module

from nightschool.settings import HomePaths
from nightschool.storage.durable import atomic_write_text
from nightschool.storage.home_version import VERSION, home_version


def upgrade(paths: HomePaths) -> bool:
    """Upgrade an older home step by step; return whether there was anything to do. Call it under the home's lock.

    The step from version N is the module `upgrade_from_N` of this folder, imported by homes of that version alone.
    Each step can be repeated: one that was killed is done again at the next use.
    """
    found = home_version(paths)
    if found >= VERSION:
        return False
    for version in range(found, VERSION):
        import_module(f"nightschool.storage.upgrade_from_{version}").upgrade(paths)
    atomic_write_text(paths.version, f"{VERSION}\n")
    return True
