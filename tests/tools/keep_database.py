#!/usr/bin/python3
"""Keeps a database as the programs of today write it, for those that come after them to read:

    VBS_BIN_DIR=build/debug/bin VBS_GUEST_DIR=build/debug/guest tests/tools/keep_database.py

runs the whole service, makes rows of every kind, kills the front while operations of every kind are live,
one of them being undone, and writes tests/old_databases/VERSION.db, with the key of its secrets beside it.
VERSION is the schema's.
"""
import os
import shutil
import signal
import sqlite3
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))

from stack import MIB, Stack  # noqa: E402

KEPT = os.path.join(ROOT, "tests/old_databases")
VM = "vm1"


def settle(stack: Stack) -> None:
    """Rows at rest: what comes of every way to begin and to end."""
    client = stack.client
    plain = client.create_volume(size_bytes=4 * MIB, name="plain", tags={"tier": "gold"})["id"]
    client.create_snapshot(plain, name="point", tags={"of": "plain"})
    client.create_snapshot(plain, name="spoiled")
    client.delete_snapshot(client.create_snapshot(plain)["id"])
    client.delete_volume(client.create_volume(size_bytes=MIB, name="plain-again")["id"])
    copied = client.create_volume(source={"type": "volume", "id": plain}, name="copied")["id"]
    client.attach(copied, VM)
    client.detach(copied)
    client.attach(copied, VM)
    shared = client.create_volume(size_bytes=MIB, name="shared")["id"]
    client.attach(shared, VM, read_only=True)
    client.api("POST", "/v1/volumes", {"size_bytes": MIB, "name": "keyed"}, {"Idempotency-Key": "kept"})
    stack.daemons["vbs-volumed"].send(signal.SIGSTOP)
    _, answer = client.api("POST", "/v1/volumes", {"size_bytes": MIB, "name": "cancelled"})
    cancel(stack, answer["operation"])
    stack.daemons["vbs-volumed"].send(signal.SIGCONT)
    stack.wait_ready()
    client.api("PATCH", f"/v1/volumes/{plain}", {"size_bytes": 8 * MIB})  # from schema 2 on
    stack.wait_for(lambda: not client.get("/v1/operations?live=true")["operations"], 60, "not at rest")


def begin(stack: Stack) -> None:
    """Operations that a volume server which does not answer keeps live. All are begun before the front
    takes the server for down."""
    client = stack.client
    by_name = {volume["name"]: volume["id"] for volume in client.get("/v1/volumes")["volumes"]}
    more = {name: client.create_volume(size_bytes=MIB, name=name)["id"] for name in ("doomed", "wanted", "grown")}
    orders = [("POST", "/v1/volumes", {"size_bytes": MIB, "name": "being-undone"}),
              ("POST", "/v1/volumes", {"size_bytes": MIB, "name": "being-made"}),
              ("DELETE", f"/v1/volumes/{more['doomed']}", None),
              ("PATCH", f"/v1/volumes/{more['grown']}", {"size_bytes": 2 * MIB}),
              ("POST", f"/v1/volumes/{more['wanted']}/attachments", {"vm": VM}),
              ("POST", "/v1/snapshots", {"volume_id": by_name["plain"], "name": "being-taken"}),
              ("DELETE", attachment_path(stack, by_name["copied"]), None)]
    stack.daemons["vbs-volumed"].send(signal.SIGSTOP)
    begun = []
    for number, (method, path, body) in enumerate(orders):
        status, answer = client.api(method, path, body, {"Idempotency-Key": f"kept-{number}"})
        assert status == 202 or method == "PATCH", answer  # that is there from schema 2 on
        begun.append(answer.get("operation"))
    cancel(stack, begun[0])


def cancel(stack: Stack, operation: dict) -> None:
    """It is undone once the call that waits has been given up."""
    path = f"/v1/operations/{operation['id']}"
    stack.client.api("POST", f"{path}/cancel")
    stack.wait_for(lambda: stack.client.get(path)["state"] == "undoing", 60, "it is not undone")


def attachment_path(stack: Stack, volume: str) -> str:
    path = f"/v1/volumes/{volume}/attachments"
    return f"{path}/{stack.client.get(path)['attachments'][0]['id']}"


def spoil(database: sqlite3.Connection) -> None:
    """The states that need a broken store."""
    for table, name in (("volumes", "keyed"), ("snapshots", "spoiled")):
        database.execute(f"UPDATE {table} SET state = 'error', reason = 'kept in error' WHERE name = ?", (name,))
    database.commit()


def keep(stack: Stack) -> str:
    """Of a front that was killed; the file's path."""
    with sqlite3.connect(stack.database) as database:
        spoil(database)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        version = database.execute("SELECT max(version) FROM schema_migrations").fetchone()[0]
        database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    path = os.path.join(KEPT, f"{version:04}.db")
    shutil.copyfile(stack.database, path)
    if os.path.exists(stack.database + ".key"):
        shutil.copyfile(stack.database + ".key", path + ".key")
    return path


def main() -> int:
    os.makedirs(KEPT, exist_ok=True)
    with Stack() as stack:
        stack.boot(VM)
        settle(stack)
        begin(stack)
        stack.kill9("vbsd")
        stack.daemons["vbs-volumed"].send(signal.SIGCONT)
        path = keep(stack)
    print(f"kept {path}, {os.path.getsize(path)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
