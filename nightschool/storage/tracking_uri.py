"""MLflow's URI, which may hold a password: how it is shown, and how the password stays out of error texts."""

import os
import re
from urllib.parse import unquote, urlsplit

from nightschool.sqlite import SQLITE, sqlite_path


def without_credentials(uri: str) -> str:
    """Return a URI to show to people, without what may be secret: user, password and query."""
    file = sqlite_path(uri)
    return f"{SQLITE}{file}" if file else re.sub("://.*@", "://", uri.partition("?")[0])


def hand_over_credentials(uri: str) -> str:
    """Return the URI for MLflow; move a web server's user and password to the environment, where MLflow reads them.

    Databases need the password in the URI, and do not repeat it.
    """
    parts = urlsplit(uri)
    if not uri.startswith("http") or parts.password is None:
        return uri
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username or "")
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
