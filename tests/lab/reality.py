"""What is really there, as an administrator's own commands show it: volumes, targets, sessions,
devices and the disks of virtual machines. Never asks VBS, but whether its rows contradict each other."""
import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor

from service import PORTAL, VOLUME_GROUP, Service

_CONFIGFS = "/sys/kernel/config/target"
_TRIES = 3
_SSH_FAILED = 255  # ssh(1): an error of its own
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Reality:
    """Looks at the guests of one service."""

    def __init__(self, service: Service):
        self._service = service

    def _server(self, command: str) -> str:
        return _look(self._service.server, command)

    def _node(self, command: str) -> str:
        return _look(self._service.node, command)

    def logical_volumes(self) -> dict[str, dict]:
        """All of the group by name, as `lvs` shows them."""
        report = self._server("lvs --reportformat json --units b --nosuffix "
                              f"-o lv_name,lv_size,lv_tags,origin,pool_lv,lv_active {VOLUME_GROUP}")
        return {row["lv_name"]: row for row in json.loads(report)["report"][0]["lv"]}

    def volumes(self) -> dict[str, dict]:
        """Those of VBS, told from others by its tags."""
        return {name: row for name, row in self.logical_volumes().items() if _has_tags(row)}

    def idle_backstores(self) -> list[str]:
        """Those of the kernel's target that no logical unit leads to."""
        listing = self._server(
            f"cd {_CONFIGFS}/core 2>/dev/null || exit 0; "
            "for file in */*/enable; do [ ! -e $file ] || echo \"B $PWD/${file%/enable}\"; done; "
            "for link in ../iscsi/*/tpgt_*/lun/lun_*/*; do [ ! -L $link ] || echo \"L $(readlink -f $link)\"; done")
        found = {kind: {line[2:] for line in listing.splitlines() if line[0] == kind} for kind in "BL"}
        return sorted(found["B"] - found["L"])

    def targets(self) -> dict[str, list[str]]:
        """IQN -> initiators that are logged in."""
        if self._service.drivers.target == "lio":
            listing = self._server(f"cd {_CONFIGFS}/iscsi 2>/dev/null || exit 0; "
                                   "for t in iqn.*; do [ -d $t ] || continue; "
                                   'echo "T $t"; cat $t/tpgt_*/acls/*/info 2>/dev/null | '
                                   'sed -n "s/^InitiatorName: /I /p"; done; true')
        else:
            listing = self._server(
                'socket=/var/lib/vbs/volumed/tgt/control; [ -S $socket.1 ] || exit 0; '
                'TGT_IPC_SOCKET=$socket tgtadm -C 1 --lld iscsi --mode target --op show | '
                'sed -nE "s/^Target [0-9]+: /T /p; s/^ +Initiator: ([^ ]+).*/I \\1/p"')
        found: dict[str, list[str]] = {}
        for line in listing.splitlines():
            kind, _, name = line.partition(" ")
            if kind == "T":
                found[name] = []
            else:
                found[list(found)[-1]].append(name.split()[0])
        return found

    def sessions(self) -> list[str]:
        """IQNs that the VMM node is logged in to, as `iscsiadm -m session` shows them."""
        lines = self._node("iscsiadm -m session 2>/dev/null || [ $? -eq 21 ]").splitlines()
        return sorted(line.split()[3] for line in lines if PORTAL in line)

    def records(self) -> list[str]:
        """IQNs with a node record."""
        return sorted(self._node("ls /etc/iscsi/nodes 2>/dev/null; true").split())

    def devices(self) -> dict[str, str]:
        """Links of iSCSI disks below /dev/disk/by-path -> the serial number of what they lead to."""
        listing = self._node(
            "for link in /dev/disk/by-path/*-iscsi-*; do [ -e \"$link\" ] || continue; disk=$(readlink -f \"$link\"); "
            "echo \"${link##*/} $(tail -c +5 /sys/block/${disk##*/}/device/vpd_pg80 | tr -d '\\0')\"; done")
        return dict(line.rsplit(" ", 1) for line in listing.splitlines())

    def scsi_disks(self) -> int:
        """SCSI disks of the VMM node, also those without a link."""
        return int(self._node("ls -d /sys/class/scsi_disk/* 2>/dev/null | wc -l"))

    def contradictions(self) -> list[str]:
        """What `vbsd check-database` finds."""
        done = self._service.check_database()
        if done.returncode == 0:
            return []
        return (done.stdout + done.stderr).splitlines() or [f"check-database ends with {done.returncode}"]

    def rows(self, sql: str) -> list[sqlite3.Row]:
        database = sqlite3.connect(f"file:{self._service.database}?mode=ro", uri=True, timeout=10)
        database.row_factory = sqlite3.Row
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()


def _look(guest, command: str) -> str:
    """What shell text that changes nothing prints: it can be tried again where a busy guest let ssh wait too long."""
    for _ in range(_TRIES - 1):
        done = guest.shell.run(command)
        if done.returncode == 0:
            return done.stdout.decode(errors="replace")
        if done.returncode != _SSH_FAILED:
            break
    return Service.must(guest, command)


def attachment_of(name: str) -> str:
    """The attachment's id in an IQN, or in the name of a link."""
    match = re.search(_UUID, name)
    return match.group() if match else name


def _is_name_of_ours(name: str) -> bool:
    return re.fullmatch(f"vbs-{_UUID}", name) is not None


def _has_tags(row: dict) -> bool:
    return "vbs.volume=" in row["lv_tags"] or "vbs.snapshot=" in row["lv_tags"]


def findings(reality: Reality, vm_disks: dict[str, str], initiator: str) -> list[str]:
    """Every disagreement between the rows and what is there; `vm_disks` are the serial numbers of
    the disks of all VMs, by attachment."""
    # The guests are slow, and work beside each other.
    with ThreadPoolExecutor() as pool:
        looks = [pool.submit(look) for look in (
            reality.logical_volumes, reality.targets, reality.sessions, reality.devices, reality.records,
            reality.scsi_disks, reality.idle_backstores, reality.contradictions)]
        volumes, targets, sessions, links, records, disks, idle, contradictions = [look.result() for look in looks]
    found = [f"operation {row['kind']} {row['uid']} has not ended: step {row['step']}, waits for "
             f"'{row['waiting_for']}', {row['error']}"
             for row in reality.rows("SELECT * FROM operations WHERE ended_at IS NULL")]
    attachments = {row["uid"]: row for row in reality.rows("SELECT * FROM attachments WHERE state <> 'closed'")}
    wanted = {f"vbs-{row['uid']}" for table in ("volumes", "snapshots")
              for row in reality.rows(f"SELECT uid FROM {table} WHERE state <> 'deleted'")}
    ours = {name for name, row in volumes.items() if _has_tags(row)}
    found += [f"logical volume {name} belongs to no row" for name in ours - wanted]
    found += [f"{name} has no logical volume" for name in wanted - ours]
    found += [f"logical volume {name} has no tags" for name in set(volumes) - ours if _is_name_of_ours(name)]
    found += [f"no logical unit leads to {name}" for name in idle]
    users = {attachment_of(iqn): who for iqn, who in targets.items()}
    found += _both_ways("target", set(users), set(attachments))
    found += [f"target {uid}: logged in are {who}" for uid, who in users.items()
              if uid in attachments and who != [initiator]]
    found += _both_ways("session", {attachment_of(iqn) for iqn in sessions}, set(attachments))
    found += _both_ways("node record", {attachment_of(iqn) for iqn in records}, set(attachments))
    devices = {attachment_of(link): serial for link, serial in links.items()}
    found += _both_ways("device", set(devices), set(attachments))
    found += _both_ways("disk of a VM", set(vm_disks), set(attachments))
    for uid, row in attachments.items():
        for what, serials in (("device", devices), ("disk of the VM", vm_disks)):
            if serials.get(uid, row["volume_uid"]) != row["volume_uid"]:
                found.append(f"the {what} of attachment {uid} is volume {serials[uid]}, not {row['volume_uid']}")
    if disks != len(attachments):
        found.append(f"the node has {disks} SCSI disks for {len(attachments)} attachments")
    return found + contradictions


def _both_ways(what: str, there: set[str], wanted: set[str]) -> list[str]:
    return ([f"{what} {uid} belongs to no attachment" for uid in there - wanted] +
            [f"attachment {uid} has no {what}" for uid in wanted - there])
