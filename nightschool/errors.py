"""Every error that Nightschool raises on purpose, and the exit code it ends the command line with.

NightschoolError          1  a defect of ours
├── ConfigurationError    2  wrong usage or configuration
│   ├── ManifestError     2  a manifest that does not describe a dataset
│   └── Conflict          2  a name or id that is taken by something else
├── DataRefused           3  a batch of data that must not be ingested
├── GateRefused           4  a gate refused the release; the last good one stays
│   └── Held              4  somebody put publishing on hold
├── NotFound              5  no such release, user, item or file
├── Busy                  6  another night holds the lock, or moved the pointer first
└── Unavailable           7  the machine or a service it needs is not there
    └── Unreachable       7  a source or database that cannot be read now, which may pass
"""


class NightschoolError(Exception):
    """An expected failure in one line: what is wrong, the value seen, what to do."""

    exit_code = 1

    def __init__(self, what: str, *, seen: object = None, do: str = "") -> None:
        parts = [what]
        if seen is not None:
            parts.append(f"saw {seen!r}" if isinstance(seen, str) else f"saw {seen}")
        if do:
            parts.append(do)
        super().__init__("; ".join(parts))


class ConfigurationError(NightschoolError):
    """Wrong usage or configuration."""

    exit_code = 2


class ManifestError(ConfigurationError):
    """A manifest that does not describe a dataset."""


class Conflict(ConfigurationError):
    """A name or id that is taken by something else."""


class DataRefused(NightschoolError):
    """A batch of data that must not be ingested; nothing of it was written."""

    exit_code = 3


class GateRefused(NightschoolError):
    """A gate refused the release; the last good one stays."""

    exit_code = 4


class Held(GateRefused):
    """Somebody put publishing on hold."""


class NotFound(NightschoolError):
    """No such release, user, item or file."""

    exit_code = 5


class Busy(NightschoolError):
    """Another night holds the lock, or moved the pointer first."""

    exit_code = 6


class Moved(Busy):
    """Another commit has the number that was wanted."""


class LeaseLost(Busy):
    """Another machine has taken over the lease of the store, and has gone on."""


class Unavailable(NightschoolError):
    """The machine or a service it needs is not there: disk, memory, store, database."""

    exit_code = 7


class Unreachable(Unavailable, OSError):
    """A database or file that cannot be read now; it may pass, and is tried again."""
