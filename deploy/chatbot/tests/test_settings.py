"""What the environment may say."""

import ssl

import pytest
from chatbot.settings import SettingsError, read_settings
from chatbot_process import Chatbot

URL = "postgresql://ann:s3cr3t@db.example:5432/books"


@pytest.mark.parametrize(
    "url, told",
    [
        ("", "DATABASE_URL is not set"),
        ("   ", "DATABASE_URL is not set"),
        ("books", "can't be read as a URL"),
        ("postgresql:/ann:s3cr3t@db/books", "can't be read as a URL"),
        ("postgresql://ann:s3cr3t@db:port/books", "can't be read as a URL"),
        ("mysql://ann:s3cr3t@db/books", "begins with mysql://"),
        ("postgresql+psycopg2://ann:s3cr3t@db/books", "begins with postgresql+psycopg2://"),
        ("postgresql://ann:s3cr3t@/books", "names no host"),
        ("postgresql://db/books", "names no user"),
        ("postgresql://ann:s3cr3t@db", "names no database"),
        (URL + "?sslmode=maybe", "no sslmode 'maybe'"),
        (URL + "?sslmode=verify-full&sslrootcert=/none.crt", "sslrootcert /none.crt"),
        (URL + "?connect_timeout=soon", "connect_timeout"),
        (URL + "?target_session_attrs=any", "target_session_attrs"),
    ],
)
def test_a_wrong_url_is_told_without_its_password(url, told):
    with pytest.raises(SettingsError, match=None) as error:
        read_settings({"DATABASE_URL": url})
    assert told in str(error.value) and "s3cr3t" not in str(error.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_each_of_the_usual_schemes_will_do(scheme):
    settings = read_settings({"DATABASE_URL": URL.replace("postgresql", scheme, 1)})
    assert settings.database_url.drivername == "postgresql+asyncpg"
    assert settings.database_url.host == "db.example" and settings.database_url.password == "s3cr3t"


def test_parameters_are_translated_for_asyncpg():
    arguments = read_settings({"DATABASE_URL": URL + "?sslmode=disable&connect_timeout=7"}).connect_args
    assert arguments == {"ssl": "disable", "timeout": 7, "server_settings": {"application_name": "chatbot"}}


@pytest.mark.parametrize(
    "mode, checks_name, verifies",
    [
        ("require", False, ssl.CERT_NONE),
        ("verify-ca", False, ssl.CERT_REQUIRED),
        ("verify-full", True, ssl.CERT_REQUIRED),
    ],
)
def test_sslmode_means_what_it_means_to_libpq(mode, checks_name, verifies):
    context = read_settings({"DATABASE_URL": f"{URL}?sslmode={mode}&channel_binding=require"}).connect_args["ssl"]
    assert (context.check_hostname, context.verify_mode) == (checks_name, verifies)


@pytest.mark.parametrize(
    "name, value",
    [
        ("CHATBOT_POOL_SIZE", "0"),
        ("CHATBOT_POOL_SIZE", "many"),
        ("CHATBOT_POOL_TIMEOUT", "-1"),
        ("CHATBOT_DATABASE_TIMEOUT", "nan"),
        ("CHATBOT_POOL_PRE_PING", "yes"),
        ("CHATBOT_LLM_URL", "llm.example"),
        ("CHATBOT_TEXTBOOK", "/no/such/folder"),
    ],
)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(SettingsError, match=f"{name} is '{value}'"):
        read_settings({"DATABASE_URL": URL, name: value})


def test_a_model_needs_a_host():
    with pytest.raises(SettingsError, match="CHATBOT_EMBEDDING_MODEL is set, but not CHATBOT_LLM_URL"):
        read_settings({"DATABASE_URL": URL, "CHATBOT_EMBEDDING_MODEL": "small"})


def test_secrets_are_not_shown():
    shown = repr(read_settings({"DATABASE_URL": URL, "CHATBOT_LLM_KEY": "sk-1"}))
    assert "s3cr3t" not in shown and "sk-1" not in shown


def test_the_process_does_not_start_with_a_wrong_url_and_says_why_in_one_line():
    with pytest.raises(RuntimeError) as error, Chatbot("mysql://ann:s3cr3t@db/books"):
        pass
    assert str(error.value).splitlines()[-1].startswith("chatbot: DATABASE_URL begins with mysql://")
    assert "Traceback" not in str(error.value)
