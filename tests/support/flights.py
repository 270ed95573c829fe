"""A link to PostgreSQL that counts flights.

    with Link(server.port) as link:            # a pooler connects to link.port
        with link.counted() as flights:
            client.ask(query("select 1"))
        assert (flights.awaited, flights.behind) == (1, 0)

A flight is what goes towards the server after the server has answered something: one round trip. `awaited` are those
whose answers came before the block ended, that is, before the client had its own answer; `behind` are what followed on
the server connections after that (a look at what the session left), counted until the link is at rest.

Everything from the server arrives LATENCY_S late, as over a real link. What a pooler writes without waiting for an
answer is thus one flight, and what it writes because of an answer is another, whatever the machine is busy with. All
connections count together.
"""

import selectors
import socket
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass

import processes

LATENCY_S = 0.02
QUIET_S = 4 * LATENCY_S


@dataclass
class Flights:
    awaited: int = 0
    behind: int = 0


class Connection:
    """One connection's two sockets, and what the server has said and the client has not been given yet."""

    def __init__(self, client: socket.socket, server: socket.socket):
        self.client = client
        self.server = server
        self.on_the_way: deque[tuple[float, bytes]] = deque()  # when it arrives, and what; b"" is the end
        self.flights = 0  # left for the server
        self.landed = 0  # of these, how many have been answered; the first bytes count
        self.answered = True  # something came back since the last byte towards the server

    def towards_server(self, data: bytes):
        if self.answered:
            self.flights += 1
            self.answered = False
        self.server.sendall(data)

    def deliver(self, now: float, rewritten: dict[bytes, bytes]) -> bool:
        """Gives the client what has arrived by now; false after the end."""
        while self.on_the_way and self.on_the_way[0][0] <= now:
            _, data = self.on_the_way.popleft()
            if not data:
                return False
            self.answered = True
            self.landed = self.flights
            for old, new in rewritten.items():
                data = data.replace(old, new)
            self.client.sendall(data)
        return True

    def close(self):
        self.client.close()
        self.server.close()


class Link:
    def __init__(self, server_port: int):
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        self.connections: set[Connection] = set()
        self.left = self.landed = 0  # flights of connections that are gone
        self.last_byte = 0.0
        self.rewritten: dict[bytes, bytes] = {}  # what the server says, and what of the same length arrives instead
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        for endpoint in (self.listener, self.woken):
            self.selector.register(endpoint, selectors.EVENT_READ, None)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.wake.close()
        self.thread.join()
        for connection in self.connections:
            connection.close()
        self.listener.close()
        self.woken.close()
        self.selector.close()

    @contextmanager
    def counted(self):
        """Of what goes on inside the block. Waits for rest before and after it."""
        flights = Flights()
        self._rest()
        left, landed = self._count()
        yield flights
        flights.awaited = self._count()[1] - landed
        self._rest()
        flights.behind = self._count()[0] - left - flights.awaited

    def cut(self):
        """Ends all connections, on both sides."""
        with self.lock:
            for connection in list(self.connections):
                self._close(connection)

    def _count(self) -> tuple[int, int]:
        with self.lock:
            left = self.left + sum(each.flights for each in self.connections)
            return left, self.landed + sum(each.landed for each in self.connections)

    def _rest(self):
        """Waits until nothing is on its way, and has not been for some time."""
        processes.wait_until(self._at_rest, "the link is at rest")

    def _at_rest(self) -> bool:
        with self.lock:
            busy = any(each.on_the_way or not each.answered for each in self.connections)
            return not busy and time.monotonic() - self.last_byte >= QUIET_S

    def _run(self):
        while True:
            for key, _ in self.selector.select(self._until_next()):
                if key.fileobj is self.woken:
                    return
                with self.lock:
                    self._read(key.fileobj, key.data)
            with self.lock:
                now = time.monotonic()
                for connection in [each for each in self.connections if not each.deliver(now, self.rewritten)]:
                    self._close(connection)

    def _until_next(self) -> float | None:
        arrivals = [each.on_the_way[0][0] for each in self.connections if each.on_the_way]
        return max(min(arrivals) - time.monotonic(), 0) if arrivals else None

    def _read(self, endpoint: socket.socket, connection: Connection | None):
        if endpoint is self.listener:
            self._accept()
            return
        if connection not in self.connections:
            return  # closed a moment ago
        self.last_byte = time.monotonic()
        try:
            data = endpoint.recv(1 << 16)
        except ConnectionError:
            data = b""
        if endpoint is connection.server:
            connection.on_the_way.append((self.last_byte + LATENCY_S, data))
            if not data:
                self.selector.unregister(endpoint)
        elif data:
            connection.towards_server(data)
        else:
            self._close(connection)

    def _accept(self):
        client, _ = self.listener.accept()
        connection = Connection(client, socket.create_connection(("127.0.0.1", self.server_port)))
        for endpoint in (connection.client, connection.server):
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(endpoint, selectors.EVENT_READ, connection)
        self.connections.add(connection)

    def _close(self, connection: Connection):
        self.connections.remove(connection)
        self.left += connection.flights
        self.landed += connection.landed
        for endpoint in (connection.client, connection.server):
            if endpoint in {key.fileobj for key in self.selector.get_map().values()}:
                self.selector.unregister(endpoint)
        connection.close()
