"""Thousands of connections of clients that want a server's harm, in a process of their own.

    hostile_clients.py HOST PORT CONNECTIONS SECONDS PACE WAIT KIND...

Holds so many connections open until SECONDS are over, shared among the kinds (see KINDS); what the server
closes is opened again, at most PACE a second once all were open. Then waits until the server has closed
those that are left and whose time is that of one request, at most WAIT seconds. The environment variable
VBS_TOKEN is the token of those kinds that show one. Prints in the end what became of them, as JSON:

    {"opened": N, "opened_all_after": SECONDS, "gone_after": SECONDS, "left": {KIND: N},
     "statuses": {KIND: {STATUS: N}}, "refused": N}
"""
import collections
import json
import os
import select
import socket
import ssl
import sys
import time

TICK = 0.5  # seconds between two pieces of a slow client
BURST = 100  # connections opened in one go, and events taken in one
FIRST_PACE = 1000  # connections a second, until all were open once
AUTHORIZATION = f"Authorization: Bearer {os.environ.get('VBS_TOKEN', '')}\r\n"


def head(start: str, *fields: str) -> bytes:
    return (f"{start} HTTP/1.1\r\nHost: x\r\n" + "".join(f + "\r\n" for f in fields)).encode()


def client_hello() -> bytes:
    outgoing = ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Kind:
    """What a client sends at once, then at each tick; whether it reads what it is answered; whether it stays: it
    has been answered and is idle, or does not come to see its end."""

    def __init__(self, first: bytes, then: bytes = b"", reads: bool = True, stays: bool = False):
        self.first = first
        self.then = then
        self.reads = reads
        self.stays = stays


_POST = head("POST /v1/volumes", "Content-Type: application/json") + AUTHORIZATION.encode()
_HELLO = client_hello()
KINDS = {
    "silent": Kind(b""),
    "idle": Kind(head("GET /healthz") + b"\r\n", stays=True),
    "slow-header": Kind(head("GET /v1/volumes") + b"X: ", b"a"),
    "slow-body": Kind(_POST + b"Content-Length: 120000\r\n\r\n" + b"[" * 1000, b"[" * 1000),
    "slow-chunks": Kind(_POST + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\n[[[[[\r\n"),
    "slow-reader": Kind(head("GET /v1/volumes?limit=1000&project=bulk") + AUTHORIZATION.encode() + b"\r\n",
                        reads=False, stays=True),
    "pipeline": Kind((head("GET /v1/version") + b"\r\n") * 20, stays=True),
    "chunk-bomb": Kind(_POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n[["),
    "two-lengths": Kind(_POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}"),
    "depth-bomb": Kind(_POST + b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000, stays=True),
    "half-hello": Kind(_HELLO[:100]),
    "hello": Kind(_HELLO, reads=False),
}


class Client:
    """One connection. Its socket is non-blocking; `out` is what the server has not taken yet."""

    def __init__(self, name: str, address: tuple[str, int]):
        self.name = name
        self.kind = KINDS[name]
        self.out = self.kind.first
        self.start = b""  # of the first answer
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if not self.kind.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect_ex(address)

    def status(self) -> str:
        text = self.start.split(b" ")
        return text[1].decode() if text[0] == b"HTTP/1.1" and len(text) > 1 else ""


class Crowd:
    def __init__(self, address: tuple[str, int], names: list[str], pace: int):
        self._address = address
        self._names = names
        self._pace = pace
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}
        self.opened = 0
        self.opened_all_after = 0.0
        self.statuses = {name: collections.Counter() for name in names}
        self.refused = 0
        self._next_tick = 0.0

    def open_some(self, count: int) -> None:
        for _ in range(count):
            client = Client(self._names[self.opened % len(self._names)], self._address)
            self.opened += 1
            self._clients[client.socket.fileno()] = client
            # Without reading, only the end of the connection is of interest, which is always told.
            self._poll.register(client.socket, select.EPOLLOUT |
                                (select.EPOLLIN if client.kind.reads else select.EPOLLRDHUP))

    def left(self) -> dict[str, int]:
        return collections.Counter(client.name for client in self._clients.values())

    def __len__(self) -> int:
        return len(self._clients)

    def hold(self, count: int, seconds: float) -> None:
        start = time.monotonic()
        while self.opened < count:
            if self.opened < (time.monotonic() - start) * FIRST_PACE:
                self.open_some(min(BURST, count - self.opened))
            self.turn(0.001)
        last = time.monotonic()
        self.opened_all_after = last - start
        while (now := time.monotonic()) < start + seconds:
            self.turn(0.01)
            if (due := int((now - last) * self._pace)) > 0:
                last = now
                self.open_some(min(due, count - len(self)))
            self.tick(now)

    def wait_until_gone(self, seconds: float) -> float:
        start = time.monotonic()
        while not all(KINDS[name].stays for name in self.left()) and (now := time.monotonic()) < start + seconds:
            self.turn(0.1)
            self.tick(now)
        return time.monotonic() - start

    def tick(self, now: float) -> None:
        if now < self._next_tick:
            return
        self._next_tick = now + TICK
        for client in list(self._clients.values()):
            if client.kind.then and not client.out:
                client.out = client.kind.then
                self.write(client)

    def turn(self, seconds: float) -> None:
        for descriptor, events in self._poll.poll(seconds, BURST):
            client = self._clients[descriptor]
            if events & (select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP):
                self.drop(client, failed=bool(events & select.EPOLLERR))
                continue
            if events & select.EPOLLIN and not self.read(client):
                continue
            if events & select.EPOLLOUT:
                self.write(client)

    def read(self, client: Client) -> bool:
        try:
            data = client.socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        client.start += data[:16 - len(client.start)]
        if not data:
            self.drop(client)
        return bool(data)

    def write(self, client: Client) -> None:
        try:
            client.out = client.out[client.socket.send(client.out):]
        except BlockingIOError:
            pass
        except OSError:
            self.drop(client)
            return
        wanted = select.EPOLLIN if client.kind.reads else select.EPOLLRDHUP
        self._poll.modify(client.socket, wanted | (select.EPOLLOUT if client.out else 0))

    def drop(self, client: Client, failed: bool = False) -> None:
        if failed and client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 111:
            self.refused += 1  # ECONNREFUSED: nobody listens
        if client.status():
            self.statuses[client.name][client.status()] += 1
        del self._clients[client.socket.fileno()]
        client.socket.close()


def main() -> None:
    os.nice(10)  # they come from elsewhere: what they compute must not cost the server
    host, port, count, seconds, pace, wait = sys.argv[1:7]
    crowd = Crowd((host, int(port)), sys.argv[7:], int(pace))
    crowd.hold(int(count), float(seconds))
    gone_after = crowd.wait_until_gone(float(wait))
    print(json.dumps({"opened": crowd.opened, "opened_all_after": round(crowd.opened_all_after, 2),
                      "gone_after": round(gone_after, 2), "left": crowd.left(), "statuses": crowd.statuses,
                      "refused": crowd.refused}))


if __name__ == "__main__":
    main()
