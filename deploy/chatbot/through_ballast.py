"""Runs a command with DATABASE_URL leading to the database by way of Ballast: the change that any application needs.

    NEON_DATABASE_URL='postgresql://...' POOLER_ADDRESS=ballast:6432 through_ballast.py COMMAND ...

The URL may be in a file that NEON_DATABASE_URL_FILE names. A DATABASE_URL that is set is left as it is.
"""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit


def through(url: str, address: str) -> str:
    """User, password and database stay; TLS and channel binding were for the way that is now Ballast's."""
    parts = urlsplit(url.strip())
    login, _, _ = parts.netloc.rpartition("@")
    if parts.scheme not in ("postgres", "postgresql") or not login or not parts.path.strip("/"):
        sys.exit("NEON_DATABASE_URL has to be like postgresql://user:password@host/database")
    return f"postgresql://{login}@{address}{parts.path}"


def database_url(environment: dict[str, str]) -> str:
    if environment.get("DATABASE_URL"):
        return environment["DATABASE_URL"]
    file = environment.get("NEON_DATABASE_URL_FILE")
    url = Path(file).read_text() if file else environment.get("NEON_DATABASE_URL", "")
    return through(url, environment.get("POOLER_ADDRESS", "127.0.0.1:6432"))


if __name__ == "__main__":
    environment = os.environ | {"DATABASE_URL": database_url(dict(os.environ))}
    os.execvpe(sys.argv[1], sys.argv[1:], environment)
