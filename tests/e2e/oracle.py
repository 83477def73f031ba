"""Compares what is really there with what the rows say, both ways. Asks tgtd, QEMU, the guest
agent, the file system and the database file; never the service or its delegates."""
import glob
import json
import os
import re
import socket
import sqlite3
import subprocess

from qmp import Qmp, agent_freeze_state


class Rows:
    """The database, read through a connection of its own that cannot write."""

    def __init__(self, path: str):
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        self._connection.row_factory = sqlite3.Row

    def close(self) -> None:
        self._connection.close()

    def all(self, sql: str, *values) -> list[sqlite3.Row]:
        return self._connection.execute(sql, values).fetchall()

    def live_operations(self) -> list[str]:
        rows = self.all("SELECT * FROM operations WHERE ended_at IS NULL")
        return [f"operation {row['kind']} {row['uid']} has not ended: {row['state']}, step "
                f"{row['step']}, waits for '{row['waiting_for']}', error {row['error']}"
                for row in rows]

    def open_attachments(self) -> dict[str, sqlite3.Row]:
        return {row["uid"]: row
                for row in self.all("SELECT * FROM attachments WHERE state <> 'closed'")}

    def objects(self, table: str) -> dict[str, sqlite3.Row]:
        return {row["uid"]: row for row in self.all(f"SELECT * FROM {table} WHERE state <> 'deleted'")}


class Target:
    """One target of tgtd, from its own report."""

    def __init__(self, iqn: str):
        self.iqn = iqn
        self.path = ""
        self.serial = ""
        self.accounts: list[str] = []
        self.rules: list[str] = []
        self.initiators: list[str] = []

    @property
    def attachment(self) -> str:
        return self.iqn.rpartition(":")[2]


def parse_targets(report: str) -> list[Target]:
    targets: list[Target] = []
    section, lun = "", ""
    for line in report.splitlines():
        text = line.strip()
        if match := re.match(r"Target \d+: (\S+)", line):
            targets.append(Target(match.group(1)))
        elif re.match(r" {4}\S", line):
            section = text
        elif match := re.match(r" {8}LUN: (\d+)", line):
            lun = match.group(1)
        elif text.startswith("Backing store path: ") and lun == "1":
            targets[-1].path = text.removeprefix("Backing store path: ")
        elif text.startswith("SCSI SN: ") and lun == "1":
            targets[-1].serial = text.removeprefix("SCSI SN: ")
        elif text.startswith("Initiator: "):
            targets[-1].initiators.append(text.split()[1])
        elif section.startswith("Account information") and re.match(r" {8}\S", line):
            targets[-1].accounts.append(text)
        elif section.startswith("ACL information") and re.match(r" {8}\S", line):
            targets[-1].rules.append(text)
    return targets


def _tgtadm(control_base: str, control_port: int, mode: str) -> str | None:
    shown = subprocess.run(
        ["tgtadm", "-C", str(control_port), "--lld", "iscsi", "--mode", mode, "--op", "show"],
        env={"TGT_IPC_SOCKET": control_base, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True, text=True, timeout=30, check=False)
    return shown.stdout if shown.returncode == 0 else None


def tgtd_targets(control_base: str, control_port: int) -> list[Target] | None:
    """What tgtd serves; None when no tgtd answers on this control socket."""
    report = _tgtadm(control_base, control_port, "target")
    return None if report is None else parse_targets(report)


def tgtd_accounts(control_base: str, control_port: int) -> list[str]:
    """Names of the CHAP accounts that tgtd knows."""
    report = _tgtadm(control_base, control_port, "account") or ""
    return [line.strip() for line in report.splitlines() if line.startswith("    ")]


class Oracle:
    """`findings` lists every disagreement of one look; empty means that all is well."""

    def __init__(self, *, database: str, check_database: list[str], store: str, exports: str,
                 freezes: str, tgt_control: str, tgt_port: int, vm_folder: str,
                 stamps: dict[str, bytes]):
        self._database = database
        self._check_database = check_database
        self._store = store
        self._exports = exports
        self._freezes = freezes
        self._tgt_control = tgt_control
        self._tgt_port = tgt_port
        self._vm_folder = vm_folder
        self._stamps = stamps  # by volume: what its first bytes must be

    def findings(self) -> list[str]:
        rows = Rows(self._database)
        try:
            found = rows.live_operations()
            attachments = rows.open_attachments()
            found += [f"attachment {uid} rests in state {row['state']}"
                      for uid, row in attachments.items() if row["state"] != "attached"]
            found += self._invariants()
            found += self._usage(rows)
            found += self._files(rows, "volumes")
            found += self._files(rows, "snapshots")
            found += self._bytes(rows)
            found += self._export_records(attachments)
            found += self._unfinished_freezes()
            running = self._running_vms()
            found += self._targets(attachments, running)
            found += self._virtual_machines(attachments, running)
            return found
        finally:
            rows.close()

    def _invariants(self) -> list[str]:
        checked = subprocess.run(self._check_database, capture_output=True, text=True, timeout=120,
                                 check=False)
        if checked.returncode == 0 and checked.stdout.startswith("ok: "):
            return []
        return [f"check-database: {checked.stdout}{checked.stderr}"]

    @staticmethod
    def _usage(rows: Rows) -> list[str]:
        """Counters equal the sums of the rows, by project and by node."""
        sums: dict[tuple[str, str], list[int]] = {}
        for table, position in (("volumes", 0), ("snapshots", 1)):
            for row in rows.objects(table).values():
                for key in (("project", row["project"]), ("node", row["node"])):
                    total = sums.setdefault(key, [0, 0, 0])
                    total[position] += 1
                    total[2] += row["size_bytes"]
        found = []
        for row in rows.all("SELECT * FROM project_usage"):
            total = sums.pop(("project", row["project"]), [0, 0, 0])
            if [row["volumes"], row["snapshots"], row["bytes"]] != total:
                found.append(f"usage of project {row['project']} is {tuple(row)[1:]}, rows give {total}")
        for row in rows.all("SELECT * FROM node_usage"):
            total = sums.pop(("node", row["node"]), [0, 0, 0])
            if row["bytes"] != total[2]:
                found.append(f"usage of node {row['node']} is {row['bytes']}, rows give {total[2]}")
        return found + [f"{kind} {name} has rows and no usage" for kind, name in sums]

    def _files(self, rows: Rows, kind: str) -> list[str]:
        objects = rows.objects(kind)
        found, seen = [], set()
        for path in sorted(glob.glob(os.path.join(self._store, kind, "*"))):
            name, _, suffix = os.path.basename(path).partition(".")
            if suffix not in ("img", "source"):
                found.append(f"{path} is left over")
            elif name not in objects:
                found.append(f"{path} belongs to no row of {kind}")
            elif suffix == "img":
                seen.add(name)
                if os.path.getsize(path) != objects[name]["size_bytes"]:
                    found.append(f"{path} has {os.path.getsize(path)} bytes, its row says "
                                 f"{objects[name]['size_bytes']}")
        return found + [f"{kind} row {uid} ({row['state']}) has no file"
                        for uid, row in objects.items()
                        if uid not in seen and row["state"] != "error"]

    def _bytes(self, rows: Rows) -> list[str]:
        """What was written to a volume is there, in its snapshots, and in what was made of them."""
        origin = {uid: uid for uid in rows.objects("volumes")}
        every = rows.all("SELECT uid, volume_uid FROM snapshots")
        origin |= {row["uid"]: row["volume_uid"] for row in every}
        for row in rows.objects("volumes").values():
            if row["source_uid"]:
                origin[row["uid"]] = origin.get(row["source_uid"], row["source_uid"])
        found = []
        for kind in ("volumes", "snapshots"):
            for uid, row in rows.objects(kind).items():
                stamp = self._stamps.get(origin.get(uid, uid))
                path = os.path.join(self._store, kind, uid + ".img")
                if stamp is None or row["state"] == "error" or not os.path.exists(path):
                    continue
                with open(path, "rb") as image:
                    if image.read(len(stamp)) != stamp:
                        found.append(f"{path} has lost what was written to it")
        return found

    def _unfinished_freezes(self) -> list[str]:
        """A freeze's phase is the name of an empty file; "-done" is its last one."""
        return [f"freeze not ended: {os.path.basename(path)}"
                for path in sorted(glob.glob(os.path.join(self._freezes, "*")))
                if path.endswith((".held", ".thawed", ".expired"))]

    def _running_vms(self) -> dict[str, str]:
        """Name -> QMP socket, of the VMs whose QEMU listens. One that is off shows nothing."""
        found = {}
        for path in sorted(glob.glob(os.path.join(self._vm_folder, "*.qmp"))):
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.settimeout(10)
                    probe.connect(path)
                except (ConnectionRefusedError, FileNotFoundError):
                    continue
            found[os.path.basename(path).removesuffix(".qmp")] = path
        return found

    def _targets(self, attachments: dict[str, sqlite3.Row], running: dict[str, str]) -> list[str]:
        targets = tgtd_targets(self._tgt_control, self._tgt_port)
        if targets is None:
            return ["tgtd does not answer"] if attachments else []
        found = []
        for target in targets:
            row = attachments.get(target.attachment)
            if row is None:
                found.append(f"target {target.iqn} belongs to no attachment")
                continue
            image = os.path.join(self._store, "volumes", row["volume_uid"] + ".img")
            wanted = {"path": image, "serial": row["volume_uid"], "accounts": [row["chap_user"]],
                      "rules": [row["initiator"]],
                      "initiators": [row["initiator"]] if row["vm"] in running else []}
            found += [f"target {target.iqn}: {name} is {getattr(target, name)}, not {value}"
                      for name, value in wanted.items() if getattr(target, name) != value]
        bound = {account for target in targets for account in target.accounts}
        found += [f"tgtd knows account {account}, which no target uses"
                  for account in tgtd_accounts(self._tgt_control, self._tgt_port)
                  if account not in bound]
        served = {target.attachment for target in targets}
        return found + [f"attachment {uid} has no target" for uid in attachments if uid not in served]

    def _export_records(self, attachments: dict[str, sqlite3.Row]) -> list[str]:
        found, recorded = [], set()
        for path in sorted(glob.glob(os.path.join(self._exports, "*"))):
            name, suffix = os.path.splitext(os.path.basename(path))
            if suffix != ".json":
                found.append(f"{path} is left over")
                continue
            with open(path, encoding="utf-8") as file:
                record = json.load(file)
            if record.get("phase") in ("live", "removing"):
                recorded.add(name)
                if name not in attachments:
                    found.append(f"export record {name} belongs to no attachment")
        return found + [f"attachment {uid} has no export record"
                        for uid in attachments if uid not in recorded]

    def _virtual_machines(self, attachments: dict[str, sqlite3.Row],
                          running: dict[str, str]) -> list[str]:
        found, shown = [], set()
        for vm, path in running.items():
            try:
                found += self._virtual_machine(vm, path, attachments, shown)
            except (OSError, ValueError, RuntimeError) as problem:
                found.append(f"VM {vm} does not answer: {problem}")
        return found + [f"attachment {uid} is not shown by VM {row['vm']}"
                        for uid, row in attachments.items()
                        if uid not in shown and row["vm"] in running]

    def _virtual_machine(self, vm: str, path: str, attachments: dict[str, sqlite3.Row],
                         shown: set[str]) -> list[str]:
        found = []
        with Qmp(path) as qmp:
            disks, nodes, secrets = qmp.disks(), qmp.nodes(), qmp.secrets()
            if qmp.status() != "running":
                found.append(f"VM {vm} is {qmp.status()}")
        for device, serial in disks.items():
            uid = device.removeprefix("vbs-")
            row = attachments.get(uid)
            if row is None or row["vm"] != vm:
                found.append(f"VM {vm} shows {device}, which no attachment of it explains")
            elif serial != row["volume_uid"]:
                found.append(f"VM {vm} shows {device} with serial {serial}, not {row['volume_uid']}")
            else:
                shown.add(uid)
        for prefix in ("vbs-", "vbp-"):
            of_kind = [node for node in nodes if node.startswith(prefix)]
            if len(of_kind) != len(disks):
                found.append(f"VM {vm} has block nodes {of_kind} for {len(disks)} disks")
        found += [f"VM {vm} keeps the secret {secret}" for secret in secrets]
        state = agent_freeze_state(path.removesuffix(".qmp") + ".qga")
        if state != "thawed":
            found.append(f"the file systems of VM {vm} are {state}")
        return found
