"""MLflow's URI, which may hold a password: how it is shown, and how the password stays out of error texts."""

import os
import re
from urllib.parse import unquote, urlsplit

from nightschool.sqlite import SQLITE, sqlite_path


def without_credentials(uri: str) -> str:
    """A server's URI for people to read: what stands before its @, and what follows its ?, may be secret and goes."""
    file = sqlite_path(uri)
    return f"{SQLITE}{file}" if file else re.sub("://.*@", "://", uri.partition("?")[0])


def hand_over_credentials(uri: str) -> str:
    """The URI for MLflow, which finds user and password of a web server in the environment: it repeats URIs in errors.

    Databases need the password where it stands, and do not repeat it.
    """
    parts = urlsplit(uri)
    if not uri.startswith("http") or parts.password is None:
        return uri
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username or "")
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
