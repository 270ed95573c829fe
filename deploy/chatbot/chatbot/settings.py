"""What the environment says, checked once at the start. A wrong value is one line that names it and the remedy.

    settings = read_settings(os.environ)
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
EXAMPLE = "postgresql://user:password@host:5432/database"
TEXTBOOK = Path(__file__).parent / "textbook"

Value = TypeVar("Value")


class SettingsError(Exception):
    """The chatbot can't start like this."""


@dataclass(frozen=True)
class Settings:
    database_url: URL = field(repr=False)  # for SQLAlchemy: asyncpg, without parameters
    connect_args: Mapping[str, Any] = field(repr=False)  # for asyncpg
    pool_size: int = 20
    pool_timeout_s: float = 10
    pool_recycle_s: float = 1800
    pool_pre_ping: bool = False
    database_timeout_s: float = 10
    llm_url: str = ""
    llm_key: str = field(default="", repr=False)
    llm_model: str = "default"
    llm_timeout_s: float = 60
    embedding_model: str = ""
    session_days: float = 14
    secure_cookie: bool = False
    textbook: Path = TEXTBOOK


def read_settings(environment: Mapping[str, str]) -> Settings:
    def read(name: str, convert: Callable[[str], Value], otherwise: Value) -> Value:
        given = environment.get(name, "").strip()
        if not given:
            return otherwise
        try:
            return convert(given)
        except ValueError as error:
            raise SettingsError(f"{name} is {given!r}: {error}") from None

    url, connect_args = read_database_url(environment.get("DATABASE_URL", ""))
    llm_url = read("CHATBOT_LLM_URL", _http_url, "")
    embedding_model = read("CHATBOT_EMBEDDING_MODEL", str, "")
    if embedding_model and not llm_url:
        raise SettingsError("CHATBOT_EMBEDDING_MODEL is set, but not CHATBOT_LLM_URL, which serves it")
    return Settings(
        database_url=url,
        connect_args=connect_args,
        pool_size=read("CHATBOT_POOL_SIZE", _count, Settings.pool_size),
        pool_timeout_s=read("CHATBOT_POOL_TIMEOUT", _seconds, Settings.pool_timeout_s),
        pool_recycle_s=read("CHATBOT_POOL_RECYCLE", _seconds, Settings.pool_recycle_s),
        pool_pre_ping=read("CHATBOT_POOL_PRE_PING", _switch, Settings.pool_pre_ping),
        database_timeout_s=read("CHATBOT_DATABASE_TIMEOUT", _seconds, Settings.database_timeout_s),
        llm_url=llm_url,
        llm_key=read("CHATBOT_LLM_KEY", str, ""),
        llm_model=read("CHATBOT_LLM_MODEL", str, Settings.llm_model),
        llm_timeout_s=read("CHATBOT_LLM_TIMEOUT", _seconds, Settings.llm_timeout_s),
        embedding_model=embedding_model,
        session_days=read("CHATBOT_SESSION_DAYS", _seconds, Settings.session_days),
        secure_cookie=read("CHATBOT_SECURE_COOKIE", _switch, Settings.secure_cookie),
        textbook=read("CHATBOT_TEXTBOOK", _folder, TEXTBOOK),
    )


def read_database_url(given: str) -> tuple[URL, dict[str, Any]]:
    """The URL as SQLAlchemy wants it, and asyncpg's arguments: it has other names for libpq's parameters."""
    if not given.strip():
        raise SettingsError(f"DATABASE_URL is not set. It is the database's URL, such as {EXAMPLE}")
    try:
        url = make_url(given.strip())
    except (ArgumentError, ValueError):  # their texts would show the password
        raise SettingsError(f"DATABASE_URL can't be read as a URL. It looks like {EXAMPLE}") from None
    if url.drivername not in SCHEMES:
        raise SettingsError(f"DATABASE_URL begins with {url.drivername}://, but this needs postgresql://")
    for part, name in ((url.host, "host"), (url.username, "user"), (url.database, "database")):
        if not part:
            raise SettingsError(f"DATABASE_URL names no {name}. It looks like {EXAMPLE}")
    connect_args = _connect_args(dict(url.query))
    return url.set(drivername="postgresql+asyncpg", query={}), connect_args


def _connect_args(parameters: dict[str, Any]) -> dict[str, Any]:
    mode, roots = parameters.pop("sslmode", "prefer"), parameters.pop("sslrootcert", None)
    arguments: dict[str, Any] = {"ssl": _tls(str(mode), roots)}
    # asyncpg has no channel binding. Neon's URLs ask for it; TLS with a verified certificate is what remains.
    parameters.pop("channel_binding", None)
    if "connect_timeout" in parameters:
        try:
            arguments["timeout"] = _seconds(str(parameters.pop("connect_timeout")))
        except ValueError as error:
            raise SettingsError(f"DATABASE_URL: connect_timeout: {error}") from None
    arguments["server_settings"] = {"application_name": str(parameters.pop("application_name", "chatbot"))}
    if parameters:
        raise SettingsError(f"DATABASE_URL has parameters that asyncpg does not know: {', '.join(sorted(parameters))}")
    return arguments


def _tls(mode: str, roots: str | None) -> Any:
    """libpq's meanings (PostgreSQL manual, 34.19.1)."""
    if mode in ("allow", "prefer", "disable"):
        return "disable" if mode == "disable" else mode
    if mode not in ("require", "verify-ca", "verify-full"):
        raise SettingsError(f"DATABASE_URL: there is no sslmode {mode!r}")
    try:
        context = ssl.create_default_context(cafile=roots if roots and roots != "system" else None)
    except OSError as error:
        raise SettingsError(f"DATABASE_URL: sslrootcert {roots}: {error.strerror}") from None
    context.check_hostname = mode == "verify-full"
    if mode == "require" and not roots:
        context.verify_mode = ssl.CERT_NONE
    return context


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("it has to be a whole number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise ValueError("it has to be a number above 0")
    return number


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError("it has to be on or off")
    return text == "on"


def _http_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("it has to begin with http:// or https://")
    return text.rstrip("/")


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError("there is no such folder")
    return Path(text)
