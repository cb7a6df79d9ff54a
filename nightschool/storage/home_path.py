"""Which paths a home can lie below."""

import re
from pathlib import Path
from typing import Final

from nightschool.errors import ConfigurationError

_UNUSABLE: Final = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]|%[0-9A-Fa-f]{2}")


def require_usable_path(home: Path) -> None:
    r"""Return when tables can be written below the path; every link on it is followed, as the tables' library does.

    Spaces, letters of any script and all other signs are fine. Not so, in deltalake 1.6.6, whatever one does outside:

    - `\`: it is taken for `/`, and the log is looked for in another folder;
    - `%` before two hexadecimal digits, as in `a%20b`: it is decoded twice, and not found;
    - control characters, and bytes that are no UTF-8: they are refused as no path.

    Raises:
        ConfigurationError: The path holds one of these.
    """
    found = _UNUSABLE.search(str(home.resolve()))
    if found:
        raise ConfigurationError(
            f"no tables can be kept below a path with {found.group()!a}",
            seen=ascii(str(home.resolve()))[1:-1],
            do="give --home a folder without \\, control characters and %20 and the like in its path",
        )
