"""Stands between the front and a delegate, and ill-treats the requests that a test picks.

    proxy = HostileProxy()                      # the front's `url` of the node is proxy.url
    proxy.upstream = stack.ports["vbs-volumed"]
    with proxy.rule(lose_answer, "PUT", "/v1/volumes", times=1) as rule:
        ...
    assert rule.hits == 1

What no rule picks is passed on unchanged, except that the delegate gets a connection of its own for
each request, as from a proxy of the world outside.
"""
import contextlib
import http.client
import re
import socket
import threading
import time
import uuid

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LONGEST_CALL = 60.0
_PASSED_ON = ("Content-Type", "Retry-After", "Vbs-Note")


class Request:
    """One request of the front; `forward` has the delegate carry it out and gives its answer."""

    def __init__(self, line: bytes, headers: dict[str, str], body: bytes):
        self.method, self.path = line.decode().split(" ")[:2]
        self.headers = headers
        self.body = body
        self.upstream = 0
        self.cut = lambda: None  # ends the front's connection

    def forward(self) -> bytes:
        delegate = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=_LONGEST_CALL)
        try:
            delegate.request(self.method, self.path, self.body or None, self.headers)
            answer = delegate.getresponse()
            body = answer.read()
            kept = {name: answer.getheader(name) for name in _PASSED_ON if answer.getheader(name)}
            return response(answer.status, answer.reason, body, kept)
        finally:
            delegate.close()


def response(status: int, reason: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines + ["", ""]).encode() + body


# What may be done to a request: the bytes to answer with, or None to cut the connection ----------

def pass_on(request: Request) -> bytes | None:
    return request.forward()


def drop(_: Request) -> bytes | None:
    """The request never arrives."""
    return None


def lose_answer(request: Request) -> bytes | None:
    """The delegate acts, and nobody hears of it."""
    request.forward()
    return None


def half_answer(request: Request) -> bytes | None:
    answer = request.forward()
    return answer[:len(answer) - 5]


def not_http(_: Request) -> bytes | None:
    return b"\x16\x03\x01 220 smtp.example ESMTP, not HTTP\r\n\r\n"


def broken_json(_: Request) -> bytes | None:
    return response(200, "OK", b'{"id": "', {"Content-Type": "application/json"})


def web_page(_: Request) -> bytes | None:
    return response(200, "OK", b"<html>It works!</html>", {"Content-Type": "text/html"})


def bad_gateway(_: Request) -> bytes | None:
    return response(502, "Bad Gateway", b"<html>502</html>", {"Content-Type": "text/html"})


def of_another_resource(request: Request) -> bytes | None:
    """The delegate acts, and its answer is a good one about something else."""
    return _UUID.sub(str(uuid.uuid4()).encode(), request.forward())


def late_answer(seconds: float):
    """The delegate acts at once and its answer takes long."""
    def act(request: Request) -> bytes | None:
        answer = request.forward()
        time.sleep(seconds)
        return answer
    return act


def late_request(seconds: float):
    """The request lies about on its way, and the delegate acts when it comes."""
    def act(request: Request) -> bytes | None:
        time.sleep(seconds)
        return request.forward()
    return act


def overtaken(seconds: float):
    """The connection is cut at once, and the delegate gets the request much later nevertheless."""
    def act(request: Request) -> bytes | None:
        request.cut()
        time.sleep(seconds)
        request.forward()
        return None
    return act


def read_request(lines) -> Request | None:
    first = lines.readline()
    headers: dict[str, str] = {}
    while (line := lines.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.title()] = value.strip()
    length = int(headers.pop("Content-Length", "0"))
    headers.pop("Connection", None)
    return Request(first, headers, lines.read(length)) if first else None


class Rule:
    """Requests whose method and path begin like this are ill-treated, the first `times` of them."""

    def __init__(self, action, method: str, path: str, times: int | None):
        self.hits = 0
        self.done = 0  # of those, how many the action is through with
        self._action = action
        self._method = method
        self._path = path
        self._times = times

    def picks(self, request: Request) -> bool:
        if self._times is not None and self.hits >= self._times:
            return False
        return request.method.startswith(self._method) and request.path.startswith(self._path)

    def act(self, request: Request) -> bytes | None:
        try:
            return self._action(request)
        finally:
            self.done += 1


class HostileProxy:
    """See above. `refuse` closes the port, as a delegate's end does it; `accept` opens it again."""

    def __init__(self, port: int):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.upstream = 0
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.accept()

    def __enter__(self) -> "HostileProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()

    def accept(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._listener = listener
        threading.Thread(target=self._take, args=(listener,), daemon=True).start()

    def refuse(self) -> None:
        listener, self._listener = self._listener, None
        with self._lock:
            sockets, self._open = self._open, set()
        for one in ([listener] if listener else []) + list(sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @contextlib.contextmanager
    def rule(self, action, method: str = "", path: str = "/v1/", times: int | None = None):
        rule = Rule(action, method, path, times)
        with self._lock:
            self._rules.append(rule)
        try:
            yield rule
        finally:
            with self._lock:
                self._rules.remove(rule)

    def _take(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                while request := read_request(lines):
                    request.upstream = self.upstream
                    request.cut = lambda: connection.shutdown(socket.SHUT_RDWR)
                    rule = self._pick(request)
                    answer = rule.act(request) if rule else pass_on(request)
                    if answer is not None:
                        connection.sendall(answer)
                    if rule or answer is None:
                        return
        except (OSError, ValueError, http.client.HTTPException):
            pass  # either side has gone
        finally:
            with self._lock:
                self._open.discard(connection)

    def _pick(self, request: Request) -> Rule | None:
        with self._lock:
            rule = next((rule for rule in self._rules if rule.picks(request)), None)
            if rule:
                rule.hits += 1
            return rule
