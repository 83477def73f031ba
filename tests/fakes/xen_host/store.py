"""A stand-in for xenstored: the tree, and its UNIX socket with the messages that the VMM delegate
sends (xen/include/public/io/xs_wire.h: DIRECTORY and READ, from anybody who connects)."""
import socket
import struct
import threading

_HEADER = struct.Struct("=IIII")  # type, request, transaction, length
_DIRECTORY, _READ, _ERROR = 1, 2, 16


class Store:
    """Paths and their texts. Who changes several of them holds `lock`, as in a transaction."""

    def __init__(self):
        self.lock = threading.RLock()
        self._nodes: dict[str, str] = {}

    def write(self, base: str, **texts: str) -> None:
        with self.lock:
            for name, text in texts.items():
                self._nodes[f"{base}/{name.replace('_', '-')}"] = str(text)

    def read(self, path: str, absent: str | None = None) -> str | None:
        with self.lock:
            if path in self._nodes:
                return self._nodes[path]
            return "" if self.list(path) else absent

    def list(self, path: str) -> list[str]:
        with self.lock:
            below = (node[len(path) + 1:] for node in self._nodes if node.startswith(path + "/"))
            return list(dict.fromkeys(name.split("/")[0] for name in below))

    def remove(self, path: str) -> None:
        with self.lock:
            for node in [node for node in self._nodes if node == path or node.startswith(path + "/")]:
                del self._nodes[node]

    def answer(self, kind: int, path: str) -> tuple[int, bytes]:
        if kind == _READ:
            text = self.read(path)
            return (_ERROR, b"ENOENT\0") if text is None else (kind, text.encode())
        if kind != _DIRECTORY:
            return _ERROR, b"ENOSYS\0"
        names = self.list(path)
        if not names and self.read(path) is None:
            return _ERROR, b"ENOENT\0"
        return kind, b"".join(name.encode() + b"\0" for name in names)


def _take(connection: socket.socket, count: int) -> bytes:
    taken = b""
    while len(taken) < count:
        part = connection.recv(count - len(taken))
        if not part:
            raise ConnectionError
        taken += part
    return taken


def _talk(connection: socket.socket, store: Store) -> None:
    try:
        while True:
            kind, request, transaction, length = _HEADER.unpack(_take(connection, _HEADER.size))
            path = _take(connection, length).rstrip(b"\0").decode()
            kind, payload = store.answer(kind, path)
            connection.sendall(_HEADER.pack(kind, request, transaction, len(payload)) + payload)
    except OSError:
        connection.close()


def serve(path: str, store: Store) -> None:
    """Answers from threads of its own."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_talk, args=(connection, store), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
