"""Keeps a broken run from hanging: ends what waits or rests too long, and remembers what that was.

    with Watchdog(url, "regression") as watchdog: ...
    watchdog.interventions
"""

import threading

import psycopg2

LOCK_WAIT_S = 25
IDLE_IN_TRANSACTION_S = 40
LOOK_EVERY_S = 1
PATIENCE_S = 10

# Two steps, because a condition with an effect may be tried before the conditions that should guard it.
# pg_locks.waitstart is null for an instant after a wait begins: PostgreSQL manual, 54.12.
STUCK = f"""
select pid, application_name, query, 'pg_cancel_backend', 'cancelled, it waited for a lock for {LOCK_WAIT_S} s'
from pg_stat_activity join pg_locks using (pid)
where datname = %(database)s and backend_type = 'client backend' and not granted
  and waitstart < clock_timestamp() - interval '{LOCK_WAIT_S} s'
union
select pid, application_name, query, 'pg_terminate_backend', 'ended, idle in transaction for {IDLE_IN_TRANSACTION_S} s'
from pg_stat_activity
where datname = %(database)s and state like 'idle in transaction%%'
  and state_change < clock_timestamp() - interval '{IDLE_IN_TRANSACTION_S} s'
"""


class Watchdog:
    def __init__(self, url: str, database: str):
        self.connection = psycopg2.connect(url, application_name="watchdog")
        self.connection.autocommit = True
        self.database = database
        self.interventions: list[str] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(PATIENCE_S)
        self.connection.close()

    def _watch(self):
        try:
            with self.connection.cursor() as cursor:
                while not self.over.wait(LOOK_EVERY_S):
                    self._look(cursor)
        except psycopg2.Error as lost:  # a server that went down fails the tests too, but says it less well
            self.interventions.append(f"watchdog: {' '.join(str(lost).split())}")

    def _look(self, cursor):
        cursor.execute(STUCK, {"database": self.database})
        for pid, application, query, function, deed in cursor.fetchall():
            cursor.execute(f"select {function}(%s)", [pid])
            self.interventions.append(f"watchdog: {application} {deed}: {' '.join(query.split())[:100]}")
