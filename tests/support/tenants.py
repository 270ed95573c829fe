"""An application with forty tenants, each on a connection of its own: what the tests of ORMs have in common.

A tenant has a schema, a time zone, an order of dates and a custom setting, some given at startup and some by SET. Every
turn of its work looks at them, and notes on which server it was; in the end every server has served many tenants: no
session was pinned.
"""

from collections import defaultdict
from dataclasses import dataclass

TENANTS = 40
SERVERS = 4
TURNS = 8

ZONES = ["Asia/Tokyo", "UTC", "America/Lima", "Europe/Oslo", "Africa/Cairo"]
DATESTYLES = ["ISO, DMY", "ISO, MDY", "ISO, YMD"]


@dataclass(frozen=True)
class Tenant:
    number: int

    @property
    def schema(self) -> str:
        return f"tenant_{self.number}"

    @property
    def zone(self) -> str:
        return ZONES[self.number % len(ZONES)]

    @property
    def datestyle(self) -> str:
        return DATESTYLES[self.number % len(DATESTYLES)]

    @property
    def user(self) -> str:
        return f"user of tenant {self.number}"

    @property
    def options(self) -> str:
        """For the startup packet."""
        return f"-c search_path={self.schema} -c TimeZone={self.zone}"

    @property
    def changes(self) -> list[str]:
        """What the application sets once it is connected."""
        return [f"set app.user_id = '{self.user}'", f"set datestyle = '{self.datestyle}'"]

    @property
    def settings(self) -> tuple[str, ...]:
        """What SETTINGS has to give."""
        return (self.schema, self.zone, self.datestyle, self.user)


SETTINGS = ", ".join(f"current_setting('{name}')" for name in ("search_path", "timezone", "datestyle", "app.user_id"))


def schemas() -> str:
    """SQL that makes all tenants' tables anew."""
    return "set client_min_messages = warning; set role app;" + "".join(
        f"drop schema if exists {tenant.schema} cascade; create schema {tenant.schema};"
        f"set search_path = {tenant.schema};"
        "create table orders (id serial primary key, item text not null, placed timestamptz not null default now());"
        "create table lines (id serial primary key, order_id int not null references orders, text text);"
        for tenant in map(Tenant, range(TENANTS))
    )


class Servers:
    """Which tenants were on which server."""

    def __init__(self):
        self.tenants: dict[int, set[int]] = defaultdict(set)

    def note(self, pid: int, tenant: Tenant):
        self.tenants[pid].add(tenant.number)

    def check_that_all_were_shared(self, pooler):
        assert set().union(*self.tenants.values()) == set(range(TENANTS))
        if pooler.name != "direct":
            assert len(self.tenants) <= SERVERS
            assert min(map(len, self.tenants.values())) > TENANTS / SERVERS, dict(self.tenants)
