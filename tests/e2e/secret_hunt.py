"""Looks for secrets where they do not belong: in files, databases, answers and what /proc shows of
processes."""
import base64
import glob
import json
import os
import sqlite3
import subprocess
import threading

from processes import read_proc


def forms(secret: bytes) -> set[bytes]:
    """The secret as it is, in hexadecimal, and in base64 wherever it begins in a longer text."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + secret).rstrip(b"=")
        # Without the digits that also carry bits of its neighbours.
        found.add(text[(lead * 8 + 5) // 6:len(text) - 1])
    return found


def private_key_parts(path: str) -> list[bytes]:
    """The private number of a P-256 key in PKCS #8, and each line of its PEM that is its own."""
    with open(path, "rb") as file:
        lines = [line for line in file.read().splitlines() if not line.startswith(b"-----")]
    der = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path, "-outform", "DER"],
                         capture_output=True, check=True).stdout
    return [der[36:68], *lines[:2]]


class Watch(threading.Thread):
    """Reads command line and environment of every process, and the export records of a volume
    server, again and again: often while a process is young, for an exec changes both."""

    _PAUSE = 0.005
    _YOUNG, _EVERY = 20, 100  # rounds

    def __init__(self, exports: str):
        super().__init__(daemon=True)
        self.shown: dict[bytes, str] = {}  # what /proc said -> where first
        self.chap: dict[str, str] = {}  # attachment -> its CHAP secret
        self._exports = exports
        self._rounds: dict[str, int] = {}  # process -> how often it was met
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(self._PAUSE):
            living = list(filter(str.isdigit, os.listdir("/proc")))
            self._rounds = {process: self._rounds.get(process, -1) + 1 for process in living}
            for process, met in self._rounds.items():
                if met < self._YOUNG or met % self._EVERY == 0:
                    self._read(process)
            self._learn()

    def _read(self, process: str) -> None:
        for entry in ("cmdline", "environ"):
            self.shown.setdefault(read_proc(int(process), entry), f"/proc/{process}/{entry}")

    def _learn(self) -> None:
        for path in glob.glob(os.path.join(self._exports, "*.json")):
            name = os.path.basename(path).removesuffix(".json")
            if name in self.chap:
                continue
            try:
                with open(path, encoding="utf-8") as file:
                    self.chap[name] = json.load(file)["spec"]["chap_secret"]
            except (FileNotFoundError, KeyError):
                pass  # gone meanwhile, or a tombstone

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


class Texts:
    """Everything that was looked at, each with the name of its place, every text once."""

    def __init__(self):
        self._texts: dict[bytes, set[str]] = {}

    def add(self, place: str, text: bytes) -> None:
        self._texts.setdefault(text, set()).add(place)

    def add_folder(self, folder: str) -> None:
        """Every file; places are named from the folder on."""
        for where, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(where, name)
                try:
                    if os.path.isfile(path) and not os.path.islink(path):
                        with open(path, "rb") as file:
                            self.add(os.path.relpath(path, folder), file.read())
                except FileNotFoundError:
                    pass

    def add_dump(self, place: str, database: str) -> None:
        """As SQL: a text that lies across pages of the file is whole here."""
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
        try:
            self.add(place, "\n".join(connection.iterdump()).encode())
        finally:
            connection.close()

    def places(self) -> set[str]:
        return set().union(*self._texts.values())

    def places_of(self, secret: bytes) -> set[str]:
        found, wanted = set(), forms(secret)
        for text, places in self._texts.items():
            if any(form in text for form in wanted):
                found |= places
        return found
