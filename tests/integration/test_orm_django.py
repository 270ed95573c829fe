"""Django's ORM: forty tenants on four servers, each tenant a database alias with options of its own."""

from concurrent.futures import ThreadPoolExecutor

import django
import pytest
from django.conf import settings
from django.db import DataError, IntegrityError, connections, models, transaction
from django.db.backends.signals import connection_created

from tenants import SERVERS, SETTINGS, TENANTS, TURNS, Servers, Tenant, schemas

settings.configure(INSTALLED_APPS=[], DATABASES={}, USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
django.setup()


class Order(models.Model):
    item = models.TextField()
    placed = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "shop"
        db_table = "orders"


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    text = models.TextField()

    class Meta:
        app_label = "shop"
        db_table = "lines"


@pytest.fixture
def pooler(start, server):
    server.sql(schemas(), "app")
    pooler = start(default_pool_size=SERVERS, query_wait_timeout=15)
    for tenant in map(Tenant, range(TENANTS)):
        connections.databases[tenant.schema] = {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": pooler.port,
            "NAME": "app",
            "USER": "app",
            "PASSWORD": pooler.accounts["app"],
            "TIME_ZONE": tenant.zone,
            "CONN_MAX_AGE": None,
            "OPTIONS": {"options": f"-c search_path={tenant.schema}", "sslmode": "disable"},
        }
    return pooler


@pytest.fixture(autouse=True)
def application_settings():
    def created(connection, **_):
        with connection.cursor() as cursor:
            for sql in Tenant(int(connection.alias.removeprefix("tenant_"))).changes:
                cursor.execute(sql)

    connection_created.connect(created)
    yield
    connection_created.disconnect(created)


def each_in_a_thread(live):
    def connected(tenant: Tenant):
        try:
            live(tenant)
        finally:
            connections[tenant.schema].close()

    with ThreadPoolExecutor(TENANTS) as threads:
        list(threads.map(connected, map(Tenant, range(TENANTS))))


def work(tenant: Tenant, turn: int, servers: Servers):
    orders, lines = Order.objects.using(tenant.schema), Line.objects.using(tenant.schema)
    item = f"item {turn} of {tenant.number}"
    order = orders.create(item=item)
    lines.bulk_create([Line(order=order, text=f"{item}, line {number}") for number in range(3)])
    found = orders.prefetch_related("lines").get(item=item)
    assert sorted(line.text for line in found.lines.all()) == [f"{item}, line {number}" for number in range(3)]
    with transaction.atomic(using=tenant.schema):
        assert orders.select_for_update().filter(id=found.id).update(item=f"{item}, changed") == 1
        with pytest.raises(IntegrityError), transaction.atomic(using=tenant.schema):
            orders.create(item=None)
        with connections[tenant.schema].cursor() as cursor:
            cursor.execute(f"select pg_backend_pid(), {SETTINGS}")
            pid, *shown = cursor.fetchone()
        servers.note(pid, tenant)
        assert tuple(shown) == tenant.settings
    with pytest.raises(DataError), transaction.atomic(using=tenant.schema):
        orders.create(item="never")
        orders.annotate(wrong=models.F("id") / 0).first()
    items = list(orders.order_by("id").values_list("item", flat=True))
    assert items == [f"item {number} of {tenant.number}, changed" for number in range(turn + 1)]


def test_forty_tenants(pooler):
    servers = Servers()

    def live(tenant: Tenant):
        for turn in range(TURNS):
            work(tenant, turn, servers)

    each_in_a_thread(live)
    servers.check_that_all_were_shared(pooler)


def test_iterators_outside_of_transactions(pooler):
    """Their cursors are WITH HOLD: they keep a server for a while, and give it back."""
    servers = Servers()

    def live(tenant: Tenant):
        orders = Order.objects.using(tenant.schema)
        orders.bulk_create([Order(item=f"item {number}") for number in range(50)])
        for _ in range(3):
            found = [order.item for order in orders.order_by("id").iterator(chunk_size=10)]
            assert found == [f"item {number}" for number in range(50)]
            with connections[tenant.schema].cursor() as cursor:
                cursor.execute(f"select pg_backend_pid(), {SETTINGS}")
                pid, *shown = cursor.fetchone()
            servers.note(pid, tenant)
            assert tuple(shown) == tenant.settings

    each_in_a_thread(live)
    servers.check_that_all_were_shared(pooler)
