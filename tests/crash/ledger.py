"""What of the crash matrix has passed, kept in the build folder under the identity of the programs and
of the tests: a run that was cut goes on where it was, and a changed program begins anew."""
import dataclasses
import fcntl
import glob
import hashlib
import json
import os

from campaign import FOLDER, open_stack
from matrix import FRONT, LEASE_HELPER, VMMD, VOLUMED, Case, Place, survey
from stack import BIN, GUEST, SOURCE


def _identity() -> str:
    paths = [os.path.join(BIN, name) for name in (FRONT, VOLUMED, VMMD, LEASE_HELPER)]
    paths += sorted(glob.glob(os.path.join(SOURCE, "tests/crash/*.py")))
    paths += sorted(set(glob.glob(os.path.join(SOURCE, "tests/e2e/*.py")))
                    - set(glob.glob(os.path.join(SOURCE, "tests/e2e/*_test.py"))))
    paths.append(os.path.join(GUEST, "stamp"))
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


class Ledger:
    """Several processes may use it at the same time."""

    def __init__(self, folder: str = FOLDER):
        self.identity = _identity()
        self._folder = os.path.join(folder, self.identity)
        os.makedirs(self._folder, exist_ok=True)
        self._path = os.path.join(self._folder, "done")

    def places(self) -> list[Place]:
        """Surveyed once."""
        path = os.path.join(self._folder, "places.json")
        with open(path + ".lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(path):
                with open_stack() as stack:
                    found = survey(stack)
                with open(path + ".new", "w", encoding="utf-8") as file:
                    json.dump([dataclasses.asdict(place) for place in found], file)
                os.rename(path + ".new", path)
        with open(path, encoding="utf-8") as file:
            return [Place(**place) for place in json.load(file)]

    def done(self) -> set[str]:
        """Names of cases. A line that was cut short is no name."""
        if not os.path.exists(self._path):
            return set()
        with open(self._path, encoding="utf-8") as file:
            return set(file.read().splitlines())

    def add(self, case: Case) -> None:
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{case}\n")
