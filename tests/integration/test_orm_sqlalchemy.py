"""SQLAlchemy's ORM with psycopg2, psycopg 3 and asyncpg: forty tenants on four servers."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, create_engine, event, func, select, text
from sqlalchemy.dialects import postgresql, registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload

from tenants import SERVERS, SETTINGS, TENANTS, TURNS, Servers, Tenant, schemas

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    item = Column(String, nullable=False)
    placed = Column(DateTime(timezone=True), server_default=func.now(), nullable=False)
    lines = relationship("Line", order_by="Line.id")


class Line(Base):
    __tablename__ = "lines"
    id = Column(Integer, primary_key=True)
    order_id = Column(ForeignKey("orders.id"), nullable=False)
    text = Column(String)


class PsycopgDialect(PGDialect):
    """psycopg 3, which SQLAlchemy knows from 2.0 on only: what of it this test needs."""

    driver = "psycopg"
    supports_statement_cache = True
    default_paramstyle = "pyformat"

    @classmethod
    def dbapi(cls):
        import psycopg

        return psycopg

    def create_connect_args(self, url):
        return [], url.translate_connect_args(username="user", database="dbname") | url.query

    def set_isolation_level(self, connection, level):
        connection.autocommit = level == "AUTOCOMMIT"

    def _get_server_version_info(self, connection):
        return (15,)


if not hasattr(postgresql, "psycopg"):
    registry.impls["postgresql.psycopg"] = lambda: PsycopgDialect


def work(session: Session, tenant: Tenant, turn: int, servers: Servers):
    """One turn of a tenant's application. The same for a Session and, by run_sync, for an AsyncSession."""
    item = f"item {turn} of {tenant.number}"
    with session.begin():
        session.add(Order(item=item, lines=[Line(text=f"{item}, line {number}") for number in range(3)]))
    with session.begin():
        order = session.execute(select(Order).filter_by(item=item).options(selectinload(Order.lines))).scalar_one()
        assert [line.text for line in order.lines] == [f"{item}, line {number}" for number in range(3)]
        order.item += ", changed"
    with session.begin():
        try:
            with session.begin_nested():
                session.add(Order(item=None))
        except IntegrityError:
            pass  # the savepoint has contained it
        shown = session.execute(text(f"select pg_backend_pid(), {SETTINGS}")).one()
        servers.note(shown[0], tenant)
        assert tuple(shown[1:]) == tenant.settings
    try:
        with session.begin():
            session.add(Order(item="never"))
            session.flush()
            session.execute(text("select 1 / 0"))
    except DBAPIError:
        pass
    with session.begin():
        items = session.execute(select(Order.item).order_by(Order.id)).scalars().all()
        assert items == [f"item {number} of {tenant.number}, changed" for number in range(turn + 1)]


def prepare(engine, tenant: Tenant):
    @event.listens_for(engine, "connect")
    def connected(connection, _):
        with_cursor = connection.cursor()
        for sql in tenant.changes:
            with_cursor.execute(sql)
        with_cursor.close()
        connection.commit()


@pytest.fixture
def pooler(start, server):
    server.sql(schemas(), "app")
    return start(default_pool_size=SERVERS, query_wait_timeout=15)


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_in_threads(pooler, driver):
    servers = Servers()

    def live(tenant: Tenant):
        url = make_url(pooler.url(options=tenant.options)).set(drivername=f"postgresql+{driver}")
        engine = create_engine(url, pool_size=1, max_overflow=0)
        prepare(engine, tenant)
        with Session(engine, future=True) as session:
            for turn in range(TURNS):
                work(session, tenant, turn, servers)
        engine.dispose()

    with ThreadPoolExecutor(TENANTS) as threads:
        list(threads.map(live, map(Tenant, range(TENANTS))))
    servers.check_that_all_were_shared(pooler)


def test_asyncpg(pooler):
    servers = Servers()

    async def live(tenant: Tenant):
        url = make_url(pooler.url()).set(drivername="postgresql+asyncpg", query={})
        at_startup = {"search_path": tenant.schema, "timezone": tenant.zone}
        engine = create_async_engine(
            url, pool_size=1, max_overflow=0, connect_args={"ssl": False, "server_settings": at_startup}
        )
        prepare(engine.sync_engine, tenant)
        async with AsyncSession(engine, future=True) as session:
            for turn in range(TURNS):
                await session.run_sync(work, tenant, turn, servers)
        await engine.dispose()

    async def all_of_them():
        await asyncio.gather(*(live(Tenant(number)) for number in range(TENANTS)))

    asyncio.run(all_of_them())
    servers.check_that_all_were_shared(pooler)
