"""Looks for secrets where they do not belong: in files, databases, answers and what /proc shows of
processes."""
import base64
import fnmatch
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


def standing_secrets(folder: str) -> dict[str, list[bytes]]:
    """By their kind: what an installation has in files below its folder as long as it is there."""
    def read(path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read().strip()

    secrets = {"service token": [read(f"{folder}/service-token")]}
    keys = [read(path) for path in glob.glob(f"{folder}/db/*.key")]
    secrets["database key"] = keys + [bytes.fromhex(key.decode()) for key in keys]
    for path in glob.glob(f"{folder}/ca/*.key"):
        secrets[f"key of {os.path.basename(path)}"] = private_key_parts(path)
    return secrets


def chap_secret_in(record: bytes) -> str:
    """Of the export that the record is about; "" when the export is gone."""
    return json.loads(record).get("spec", {}).get("chap_secret", "")


class Watch(threading.Thread):
    """Reads command line and environment of every process again and again: often while a process is
    young, for an exec changes both."""

    _PAUSE = 0.005
    _YOUNG, _EVERY = 20, 100  # rounds

    def __init__(self):
        super().__init__(daemon=True)
        self.shown: dict[bytes, str] = {}  # what /proc said -> where first
        self._rounds: dict[str, int] = {}  # process -> how often it was met
        self._stop_asked = threading.Event()

    def run(self) -> None:
        while not self._stop_asked.wait(self._PAUSE):
            self._look()

    def _look(self) -> None:
        living = list(filter(str.isdigit, os.listdir("/proc")))
        self._rounds = {process: self._rounds.get(process, -1) + 1 for process in living}
        for process, met in self._rounds.items():
            if met < self._YOUNG or met % self._EVERY == 0:
                self._read(process)

    def _read(self, process: str) -> None:
        for entry in ("cmdline", "environ"):
            self.shown.setdefault(read_proc(int(process), entry), f"/proc/{process}/{entry}")

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


class ExportsWatch(Watch):
    """Reads the export records of a volume server too."""

    def __init__(self, exports: str):
        super().__init__()
        self.chap: dict[str, str] = {}  # attachment -> its CHAP secret
        self._exports = exports

    def _look(self) -> None:
        super()._look()
        for path in glob.glob(os.path.join(self._exports, "*.json")):
            name = os.path.basename(path).removesuffix(".json")
            if name in self.chap:
                continue
            try:
                with open(path, "rb") as file:
                    secret = chap_secret_in(file.read())
            except FileNotFoundError:
                continue  # gone meanwhile
            if secret:
                self.chap[name] = secret


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


def misplaced(texts: Texts, secrets: dict[str, list[bytes]], allowed) -> list[str]:
    """Every kind of secret in a place where no rule allows it, and every rule by which nothing was found.
    A rule begins with patterns of the kind and of the place."""
    found, met = set(), set()
    for kind, values in secrets.items():
        for place in set().union(*map(texts.places_of, values)):
            rules = {rule for rule in allowed
                     if fnmatch.fnmatchcase(kind, rule[0]) and fnmatch.fnmatchcase(place, rule[1])}
            met |= rules
            if not rules:
                found.add(f"{kind} in {place}")
    return sorted(found) + [f"no {rule[0]} was found in {rule[1]}" for rule in allowed if rule not in met]
