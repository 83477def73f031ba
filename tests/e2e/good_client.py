"""Clients that do nothing wrong, beside whatever else happens to the front."""
import http.client
import json
import threading
import time

from client import connect
from stack import MIB, Stack


class GoodClient(threading.Thread):
    """Sends one request after the other until told to end. With `keep` over one connection, else each
    over a new one."""

    def __init__(self, stack: Stack, keep: bool, method: str, path: str, body: dict | None = None):
        super().__init__(daemon=True)
        self.name = f"{method} over {'one connection' if keep else 'new connections'}"
        self.failures: list[str] = []
        self.took: list[tuple[float, float]] = []  # when it was sent, how long the answer took
        self._stack = stack
        self._keep = keep
        self._method = method
        self._path = path
        self._body = None if body is None else json.dumps(body)
        self._connection: http.client.HTTPConnection | None = None
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.005):
            start = time.monotonic()
            try:
                status = self._ask()
            except Exception as problem:
                status = repr(problem)
                self._connection = None
            self.took.append((start, time.monotonic() - start))
            if status not in (200, 202):
                self.failures.append(f"{self.name}: {self._path}: {status}")

    def _ask(self) -> int:
        client = self._stack.client
        if self._connection is None:
            self._connection = connect(client.host, client.port, self._stack.links.context, 30)
        self._connection.request(self._method, self._path, self._body,
                                 {"Authorization": f"Bearer {client.token}"})
        answer = self._connection.getresponse()
        answer.read()
        if not self._keep:
            self._connection.close()
            self._connection = None
        return answer.status

    def end(self) -> None:
        self._done.set()
        self.join(60)
        assert not self.is_alive(), "a request has no answer"


def start_good_clients(stack: Stack) -> list[GoodClient]:
    """Reading and making volumes, over kept and over new connections."""
    requests = (("GET", "/v1/volumes?limit=10", None), ("GET", "/v1/usage", None),
                ("POST", "/v1/volumes", {"size_bytes": MIB}))
    clients = [GoodClient(stack, keep, *request) for keep in (True, False) for request in requests]
    for client in clients:
        client.start()
    return clients
