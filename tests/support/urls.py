"""Where an application connects to, made from the URL (or keyword string) of the database that Ballast serves.

As a program, `urls.py HOST PORT` reads DATABASE_URL and prints for a shell: PG* variables, and APP_URL with %s in
place of the password.
"""

import os
import shlex
import sys
from urllib.parse import parse_qsl, quote, unquote, urlsplit


def parameters(connection: str) -> dict[str, str]:
    """The connection parameters that a PostgreSQL URL or keyword string gives."""
    if "://" not in connection:
        return dict(word.split("=", 1) for word in shlex.split(connection))
    parts = urlsplit(connection)
    userinfo, _, _ = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    given = {"user": unquote(user), "password": unquote(password), "dbname": unquote(parts.path.lstrip("/"))}
    return {name: value for name, value in given.items() if value} | dict(parse_qsl(parts.query))


def through(connection: str, host: str, port: int) -> dict[str, str]:
    """The environment of a libpq client that reaches the same database by way of host and port."""
    given = parameters(connection)
    user = given.get("user") or os.environ.get("PGUSER") or os.environ.get("USER", "")
    client = {"PGHOST": host, "PGPORT": str(port), "PGUSER": user, "PGDATABASE": given.get("dbname") or user}
    if "password" in given:
        client["PGPASSWORD"] = given["password"]
    return client


def main():
    host, port = sys.argv[1:]
    client = through(os.environ["DATABASE_URL"], host, int(port))
    for name, value in client.items():
        print(f"export {name}={shlex.quote(value)}")
    address = f"{quote(client['PGUSER'], safe='')}:%s@{host}:{port}/{quote(client['PGDATABASE'], safe='')}"
    print(f"APP_URL={shlex.quote('postgresql://' + address)}")


if __name__ == "__main__":
    main()
