"""A small front service for tests of the command line: it keeps resources in memory, lets a test
decide how operations go, and can lose connections. It decides nothing that the real one decides.

    with FakeFront() as front:
        front.add_volume(name="db")
        ... run vbs with --url front.url ...
        front.requests          # what was asked
"""
import contextlib
import json
import socket
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import openapi_schema

TIME = "2026-03-01T12:00:00.000Z"
STEPS = {
    "create-volume": ["reserve", "allocate", "record"],
    "modify-volume": ["reserve", "extend", "export-size", "session-size", "device-size"],
    "delete-volume": ["wipe", "release", "record"],
    "create-snapshot": ["freeze", "snapshot", "record"],
    "delete-snapshot": ["release", "record"],
    "attach-volume": ["reserve", "export", "log-in", "block-attach", "record"],
    "detach-volume": ["block-detach", "log-out", "unexport", "record"],
}


class Problem(Exception):
    def __init__(self, status, code, detail, **more):
        super().__init__(detail)
        self.status = status
        self.body = {"type": "about:blank", "title": code, "status": status, "detail": detail,
                     "code": code, **more}


class Plan:
    """How the next operations go. `polls`: how often one is read before it ends; None: never."""

    def __init__(self):
        self.polls = 1
        self.error = None       # {"code", "message", ...}: it fails with this
        self.waiting = None     # what it says it waits for
        self.notes = []
        self.end_of_cancelled = "cancelled"


class FakeFront:
    def __init__(self, port=0):
        self.volumes, self.snapshots, self.operations = {}, {}, {}
        self.nodes, self.vms, self.images, self.findings = [], [], [], []
        self.audit_records = []
        self.plan = Plan()
        self.token = None        # what is required
        self.requests = []       # {"method", "path", "query", "headers", "body"}
        self.drops = 0           # so many of the next requests get no answer
        self.drops_after = 0     # the same, but what they asked for is done first
        self.raw_answers = []    # bytes sent in place of the next answers
        self.problems = []       # Problem objects raised by the next requests
        self.faults = []         # requests and answers that docs/api/openapi.yaml does not describe
        self.keys = {}
        self.lock = threading.RLock()
        self.arrived = threading.Condition(self.lock)
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler_for(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def wait_for_request(self, method, path_end, times=1):
        """Blocks until such a request has come so often; fails after half a minute."""
        def count():
            return sum(1 for r in self.requests
                       if r["method"] == method and r["path"].endswith(path_end))
        with self.arrived:
            if not self.arrived.wait_for(lambda: count() >= times, timeout=30):
                raise AssertionError(f"no {method} {path_end} came; only {self.requests}")

    # Resources

    def add_volume(self, name=None, volume_id=None, size=32 << 20, **more):
        volume = {"id": volume_id or str(uuid.uuid4()), "name": name, "project": "default",
                  "size_bytes": size, "state": "available", "volume_server": "vs1",
                  "source": None, "tags": {}, "created_at": TIME, "updated_at": TIME,
                  "attachments": [], "operation": None, **more}
        self.volumes[volume["id"]] = volume
        return volume

    def add_snapshot(self, volume, name=None):
        snapshot = {"id": str(uuid.uuid4()), "name": name, "project": "default",
                    "volume_id": volume["id"], "size_bytes": volume["size_bytes"],
                    "state": "available", "volume_server": "vs1", "consistency": "offline",
                    "tags": {}, "created_at": TIME, "updated_at": TIME, "operation": None}
        self.snapshots[snapshot["id"]] = snapshot
        return snapshot

    def add_attachment(self, volume, vm, node="vmm1", device="/dev/sdb", read_only=False):
        attachment = {"id": str(uuid.uuid4()), "volume_id": volume["id"], "vm": vm, "node": node,
                      "device": device, "read_only": read_only, "state": "attached",
                      "serial": volume["id"], "guest_device": None, "created_at": TIME}
        volume["attachments"].append(attachment)
        volume["state"] = "in-use"
        return attachment

    def add_operation(self, kind, volume_id=None, snapshot_id=None, attachment_id=None):
        operation = {"id": str(uuid.uuid4()), "kind": kind, "state": "running",
                     "project": "default", "principal": "tester", "volume_id": volume_id,
                     "snapshot_id": snapshot_id, "attachment_id": attachment_id, "node": None,
                     "step": STEPS[kind][0], "steps": STEPS[kind], "step_number": 1,
                     "waiting": self.plan.waiting, "cancel_requested": False, "deadline": TIME,
                     "created_at": TIME, "updated_at": TIME, "ended_at": None, "error": None,
                     "notes": self.plan.notes, "polls": 0}
        self.operations[operation["id"]] = operation
        return operation

    # Operations

    def advance(self, operation):
        """One reading of an operation, which is what makes it go on here."""
        if operation["ended_at"] is None:
            operation["polls"] += 1
            cancelled = operation["cancel_requested"]
            due = self.plan.polls is not None and operation["polls"] > self.plan.polls
            if cancelled:
                self.end(operation, self.plan.end_of_cancelled)
            elif due:
                self.end(operation, "failed" if self.plan.error else "succeeded")
        return {k: v for k, v in operation.items() if k != "polls"}

    def end(self, operation, state):
        operation.update(state=state, step=None, waiting=None, ended_at=TIME,
                         step_number=len(operation["steps"]))
        operation["error"] = self.plan.error if state == "failed" else None
        if state == "succeeded" and operation["kind"] == "detach-volume":
            volume = self.volumes[operation["volume_id"]]
            volume["attachments"] = [a for a in volume["attachments"]
                                     if a["id"] != operation["attachment_id"]]

    def accept(self, operation, **resource):
        shown = {k: v for k, v in operation.items() if k != "polls"}
        return 202, {"operation": shown, **resource}

    # Requests

    def answer(self, method, path, query, headers, body):
        """-> (status, document); raises Problem."""
        if self.token and headers.get("Authorization") != f"Bearer {self.token}":
            if path != "/v1/version":
                raise Problem(401, "unauthenticated", "a token is needed")
        if self.problems:
            raise self.problems.pop(0)
        key = headers.get("Idempotency-Key")
        if key in self.keys:
            return self.accept(self.operations[self.keys[key]])
        parts = path.strip("/").split("/")[1:]
        if method == "GET":
            return 200, self.get(parts, query)
        status, document = self.change(method, parts, body)
        if key:
            self.keys[key] = document["operation"]["id"]
        return status, document

    def get(self, parts, query):
        match parts:
            case [("volumes" | "snapshots" | "operations" | "images" | "nodes" | "vms") as member]:
                return self.page(member, query)
            case ["audit-records"]:
                return self.page("audit_records", query)
            case ["volumes", volume_id, "attachments", attachment_id]:
                volume = self.find(self.volumes, volume_id, "volume")
                by_id = {a["id"]: a for a in volume["attachments"]}
                return self.find(by_id, attachment_id, "attachment")
            case ["volumes", volume_id]:
                return self.find(self.volumes, volume_id, "volume")
            case ["snapshots", snapshot_id]:
                return self.find(self.snapshots, snapshot_id, "snapshot")
            case ["operations", operation_id]:
                operation = self.find(self.operations, operation_id, "operation")
                events = [{"at": TIME, "step": "reserve", "what": "done", "node": None,
                           "message": "", "elapsed_ms": 12}]
                return {**self.advance(operation), "events": events}
            case ["usage"]:
                return {"project": "default", "volumes": 2, "snapshots": 0, "bytes": 64 << 20,
                        "quota": {"volumes": 10, "snapshots": None, "bytes": 1 << 30}}
            case ["audit"]:
                return {"swept_at": TIME, "sweep_ms": 41, "findings": self.findings,
                        "destructive_actions": "allowed"}
            case ["version"]:
                return {"version": "9.9.9", "api": "v1"}
        raise Problem(404, "not-found", "there is no such path")

    def page(self, member, query):
        everything = getattr(self, member)
        rows = list(everything.values()) if isinstance(everything, dict) else everything
        for name, value in query:
            if name == "id_prefix":
                rows = [r for r in rows if r["id"].startswith(value)]
            elif name in ("name", "state", "kind", "volume_id"):
                rows = [r for r in rows if r[name] == value]
        options = dict(query)
        key = "sequence" if member == "audit_records" else "id"
        start = 0
        if "marker" in options:
            start = [str(r[key]) for r in rows].index(options["marker"]) + 1
        limit = int(options.get("limit", 100))
        if not 1 <= limit <= 1000:
            raise Problem(400, "invalid-field", "must be 1 to 1000", field="limit")
        rows = [{k: v for k, v in r.items() if k != "polls"} for r in rows]
        part = rows[start:start + limit]
        more = len(rows) > start + limit
        return {member: part, "next": str(part[-1][key]) if more else None}

    def find(self, table, key, noun):
        if key not in table:
            raise Problem(404, "not-found", f"there is no {noun} {key}")
        return table[key]

    def change(self, method, parts, body):
        match [method, *parts]:
            case ["POST", "volumes"]:
                if any(v["name"] == body.get("name") for v in self.volumes.values()
                       if body.get("name")):
                    raise Problem(409, "already-exists", "the name is taken", field="name")
                volume = self.add_volume(body.get("name"), size=body.get("size_bytes", 32 << 20),
                                         tags=body.get("tags", {}), source=body.get("source"))
                return self.accept(self.add_operation("create-volume", volume["id"]),
                                   volume=volume)
            case ["PATCH", "volumes", volume_id]:
                volume = self.find(self.volumes, volume_id, "volume")
                if body["size_bytes"] < volume["size_bytes"]:
                    raise Problem(400, "invalid-field", "volumes do not shrink",
                                  field="size_bytes")
                volume["size_bytes"] = body["size_bytes"]
                return self.accept(self.add_operation("modify-volume", volume_id), volume=volume)
            case ["DELETE", "volumes", volume_id]:
                volume = self.find(self.volumes, volume_id, "volume")
                if volume["attachments"]:
                    raise Problem(409, "conflict", "is attached to VM web1; detach it first")
                return self.accept(self.add_operation("delete-volume", volume_id), volume=volume)
            case ["POST", "snapshots"]:
                volume = self.find(self.volumes, body["volume_id"], "volume")
                snapshot = self.add_snapshot(volume, body.get("name"))
                operation = self.add_operation("create-snapshot", volume["id"], snapshot["id"])
                return self.accept(operation, snapshot=snapshot)
            case ["DELETE", "snapshots", snapshot_id]:
                snapshot = self.find(self.snapshots, snapshot_id, "snapshot")
                operation = self.add_operation("delete-snapshot", snapshot["volume_id"],
                                               snapshot_id)
                return self.accept(operation, snapshot=snapshot)
            case ["POST", "volumes", volume_id, "attachments"]:
                volume = self.find(self.volumes, volume_id, "volume")
                attachment = self.add_attachment(volume, body["vm"], body.get("node", "vmm1"),
                                                 body.get("device", "/dev/sdb"),
                                                 body.get("read_only", False))
                operation = self.add_operation("attach-volume", volume_id,
                                               attachment_id=attachment["id"])
                return self.accept(operation, attachment=attachment, volume=volume)
            case ["DELETE", "volumes", volume_id, "attachments", attachment_id]:
                operation = self.add_operation("detach-volume", volume_id,
                                               attachment_id=attachment_id)
                return self.accept(operation, volume=self.volumes[volume_id])
            case ["POST", "operations", operation_id, "cancel"]:
                operation = self.find(self.operations, operation_id, "operation")
                if operation["ended_at"]:
                    raise Problem(409, "conflict", "the operation has ended",
                                  operation=operation_id)
                operation["cancel_requested"] = True
                return self.accept(operation)
        raise Problem(405, "method-not-allowed", "no such method here")


def _handler_for(front):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def handle_one(self):
            length = int(self.headers.get("Content-Length", 0))
            raw = self.rfile.read(length)
            split = urlsplit(self.path)
            query = parse_qsl(split.query, keep_blank_values=True)
            body = json.loads(raw) if raw else None
            with front.lock:
                front.requests.append({"method": self.command, "path": split.path, "query": query,
                                       "headers": dict(self.headers), "body": body})
                front.arrived.notify_all()
                if front.drops > 0:
                    front.drops -= 1
                    return self.hang_up()
                status, document = self.outcome(split.path, query, body)
                self.check(split.path, query, body, status, document)
                if front.drops_after > 0:
                    front.drops_after -= 1
                    return self.hang_up()
                if front.raw_answers:
                    self.wfile.write(front.raw_answers.pop(0))
                    return self.hang_up()
            self.reply(status, document)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_one

        def outcome(self, path, query, body):
            try:
                return front.answer(self.command, path, query, self.headers, body)
            except Problem as problem:
                return problem.status, problem.body

        def check(self, path, query, body, status, document):
            kind = "application/problem+json" if status >= 400 else "application/json"
            front.faults += openapi_schema.faults_of_request(self.command, path, query, body)
            front.faults += openapi_schema.faults_of_answer(self.command, path, status, kind,
                                                            document)

        def hang_up(self):
            self.close_connection = True
            with contextlib.suppress(OSError):  # the other side was faster
                self.connection.shutdown(socket.SHUT_RDWR)

        def reply(self, status, document):
            body = json.dumps(document).encode()
            kind = "application/problem+json" if status >= 400 else "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            with contextlib.suppress(OSError):  # the other side has gone
                self.end_headers()
                self.wfile.write(body)

    return Handler
