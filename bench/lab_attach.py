"""attach-volume and detach-volume in the lab, beside a script of the commands that an administrator
types, on the same guests: export, discovery, login, wait for the device, attach; and back."""
import os
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "deploy/lab-guests"))
from lab import Lab  # noqa: E402
from service import PORTAL, VOLUME_GROUP, Drivers, Service  # noqa: E402

ROUNDS = 8
VM = "vm1"
IQN = "iqn.2009-03.edu.iu.cgl:bench.lun0"
LINK = f"/dev/disk/by-path/ip-{PORTAL}-iscsi-{IQN}-lun-1"
CONFIGFS = "/sys/kernel/config/target"
GROUP = f"{CONFIGFS}/iscsi/{IQN}/tpgt_1"

EXPORT = {
    "tgt": f"""export TGT_IPC_SOCKET=/var/lib/vbs/volumed/tgt/control
tgtadm -C 1 --lld iscsi --op new --mode target --tid 30000 -T {IQN}
tgtadm -C 1 --lld iscsi --op new --mode logicalunit --tid 30000 --lun 1 -b /dev/{VOLUME_GROUP}/script
tgtadm -C 1 --lld iscsi --op bind --mode target --tid 30000 -I ALL""",
    "lio": f"""mkdir -p {CONFIGFS}/core/iblock_9/script
echo udev_path=/dev/{VOLUME_GROUP}/script >{CONFIGFS}/core/iblock_9/script/control
echo 1 >{CONFIGFS}/core/iblock_9/script/enable
mkdir -p {GROUP}/lun/lun_1 {GROUP}/np/{PORTAL}
ln -s {CONFIGFS}/core/iblock_9/script {GROUP}/lun/lun_1/port
echo 1 >{GROUP}/attrib/generate_node_acls
echo 0 >{GROUP}/attrib/demo_mode_write_protect
echo 0 >{GROUP}/attrib/authentication
echo 1 >{GROUP}/enable"""}
UNEXPORT = {
    "tgt": """export TGT_IPC_SOCKET=/var/lib/vbs/volumed/tgt/control
tgtadm -C 1 --lld iscsi --op delete --mode target --tid 30000""",
    "lio": f"""echo 0 >{GROUP}/enable
rm {GROUP}/lun/lun_1/port
rmdir {GROUP}/lun/lun_1 {GROUP}/np/{PORTAL} {GROUP} {CONFIGFS}/iscsi/{IQN}
rmdir {CONFIGFS}/core/iblock_9/script {CONFIGFS}/core/iblock_9"""}
ATTACH = f"""iscsiadm --mode discovery --type sendtargets --portal {PORTAL} >/dev/null
iscsiadm --mode node --targetname {IQN} --portal {PORTAL} --login >/dev/null
until [ -e {LINK} ]; do sleep 0.05; done
virsh -q attach-disk {VM} {LINK} sdb --targetbus scsi"""
DETACH = f"""virsh -q detach-disk {VM} sdb
iscsiadm --mode node --targetname {IQN} --portal {PORTAL} --logout >/dev/null
iscsiadm --mode node --targetname {IQN} --portal {PORTAL} --op delete"""


def timed(guest, script: str) -> float:
    """Seconds that shell text takes inside a guest, without the way there."""
    said = Service.must(guest, f"set -e\nbegin=${{EPOCHREALTIME/./}}\n{script}\n"
                        "echo TOOK $((${EPOCHREALTIME/./} - begin))")
    return int(said.rpartition("TOOK ")[2]) / 1e6


def by_hand(service: Service, target: str) -> tuple[float, float]:
    attach = timed(service.server, EXPORT[target]) + timed(service.node, ATTACH)
    return attach, timed(service.node, DETACH) + timed(service.server, UNEXPORT[target])


def vbs(service: Service, *words: str) -> float:
    """Seconds that a verb takes, which has to succeed."""
    begin = time.monotonic()
    done = service.vbs(*words)
    took = time.monotonic() - begin
    if done.returncode != 0:
        raise RuntimeError(f"vbs {' '.join(words)}: exit code {done.returncode}: {done.stderr}")
    return took


def by_vbs(service: Service) -> tuple[float, float]:
    return (vbs(service, "attach-volume", "data", "--vm", VM), vbs(service, "detach-volume", "data", "--force"))


def measure() -> None:
    """In a lab of its own, which is gone afterwards."""
    lab = Lab(os.path.join(ROOT, "build/bench-lab"),
              os.environ.get("VBS_LAB_IMAGE") or os.path.join(ROOT, "build/lab-image"))
    service = Service(lab, os.path.join(ROOT, "build/release"))
    try:
        lab.up(["vs", "hv"])
        for name in ("vs", "hv"):
            service.install(lab.guest(name))
        print("\n| | VBS | script | ratio |\n|---|---|---|---|", flush=True)
        for drivers in (Drivers("lvm", "tgt"), Drivers("lvm", "lio"), Drivers("lvm-thin", "lio")):
            measure_pair(service, drivers)
    finally:
        service.stop_front()
        lab.down()


def measure_pair(service: Service, drivers: Drivers) -> None:
    service.start(drivers)
    Service.must(service.node, f"lab-vm start libvirt {VM}")
    Service.must(service.server, f"lvcreate -q -y -L 32M -n script {VOLUME_GROUP} >/dev/null")
    vbs(service, "create-volume", "--size", "32M", "--name", "data")
    rounds = [(by_vbs(service), by_hand(service, drivers.target)) for _ in range(ROUNDS)]
    for index, verb in enumerate(("attach", "detach")):
        ours, theirs = (statistics.median(side[index] for side in sides) for sides in zip(*rounds))
        print(f"| {drivers.store} + {drivers.target}, {verb} | {ours:.2f} s | {theirs:.2f} s | {ours / theirs:.2f} |",
              flush=True)
    Service.must(service.node, f"lab-vm stop libvirt {VM}")
    service.stop()
