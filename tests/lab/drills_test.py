"""Things go wrong between real machines, in the middle of what VBS does. Afterwards rows and reality
agree, no operation hangs, and what a guest was told is written is there."""
import threading
import time
import unittest

from lab_case import PATIENCE_SECONDS, LabCase
from service import VOLUME_GROUP, Drivers, Service

_PATTERN = 0x5A
_BLOCK = 65536
_BLOCKS = 24


class Drill(LabCase):
    drivers = Drivers("lvm", "lio", "qemu")

    def setUp(self):
        self.start(self.drivers)
        self.vm = self.boot("vm1")

    def create(self, name: str) -> str:
        return self.vbs("create-volume", "--size", "32M", "--name", name)["id"]

    def attached(self, name: str) -> str:
        """A volume that the machine has."""
        volume = self.create(name)
        self.vbs("attach-volume", name, "--vm", "vm1")
        return volume

    def writes_through(self, trouble, volume: str) -> int:
        """The machine writes block after block while `trouble` happens. How many writes were
        acknowledged; what was acknowledged is on the volume."""
        acknowledged = []

        def write() -> None:
            for block in range(_BLOCKS):
                if self.vm.try_to_write(block + 1, block * _BLOCK, _BLOCK):
                    acknowledged.append(block)

        writer = threading.Thread(target=write)
        writer.start()
        self.wait_for(lambda: len(acknowledged) >= 2, "nothing is written")
        trouble()
        writer.join(timeout=2 * PATIENCE_SECONDS)
        self.assertFalse(writer.is_alive(), "a write is stuck")
        for block in acknowledged:
            self.assertEqual(self.sector(volume, block * _BLOCK), bytes([block + 1]) * 512)
        return len(acknowledged)

    def finish(self, name: str) -> None:
        """Everything still works, and everything goes away."""
        if self.vbs("describe-volume", name)["attachments"]:
            self.vbs("detach-volume", name, "--force")
        self.vbs("delete-volume", name)
        self.assert_consistent(self.vm)
        self.assertEqual((self.reality.volumes(), self.reality.targets(), self.reality.sessions()), ({}, {}, []))


class NetworkDrills(Drill):
    def test_cut_in_mid_attach(self):
        self.create("data")
        verb = self.service.begin("attach-volume", "data", "--vm", "vm1")
        self.wait_for(lambda: self.reality.targets(), "no target is made")
        self.service.node.set_link(False)
        time.sleep(8)
        self.service.node.set_link(True)
        verb.communicate(timeout=2 * PATIENCE_SECONDS)
        self.assert_consistent(self.vm)
        self.finish("data")

    def test_cut_in_mid_write(self):
        volume = self.attached("data")

        def cut() -> None:
            self.service.node.set_link(False)
            time.sleep(10)
            self.service.node.set_link(True)

        self.assertEqual(self.writes_through(cut, volume), _BLOCKS, "every write is acknowledged in the end")
        self.assert_consistent(self.vm)
        self.finish("data")


class ThinTgtNetworkDrills(NetworkDrills):
    """Both again, on everything that is different."""

    drivers = Drivers("lvm-thin", "tgt", "qemu")


class ServerDrills(Drill):
    def test_target_is_lost_under_load(self):
        volume = self.attached("data")
        # What is on its way may fail: to whoever takes its target apart, the kernel is obedient.
        self.writes_through(lambda: Service.must(self.service.server, "lab-clear-lio"), volume)
        self.wait_for(lambda: self.vm.try_to_write(_PATTERN, 0, _BLOCK), "the disk does not come back")
        self.assertEqual(self.sector(volume, 0), bytes([_PATTERN]) * 512)
        self.assert_consistent(self.vm)
        self.finish("data")

    def test_logical_volume_is_busy(self):
        volume = self.create("data")
        hold = f"exec sleep 1000 </dev/{VOLUME_GROUP}/vbs-{volume}"
        Service.must(self.service.server, f"systemd-run --quiet --unit=lab-holder sh -c '{hold}'")
        verb = self.service.begin("delete-volume", "data")
        _, said = verb.communicate(timeout=2 * PATIENCE_SECONDS)
        self.assertNotEqual(verb.returncode, 0)
        self.assertIn("in use", said)
        self.assertIn(f"vbs-{volume}", self.reality.volumes(), "nothing is taken from under its user")
        Service.must(self.service.server, "systemctl stop lab-holder")
        self.finish("data")

    def test_power_cut_of_the_volume_server(self):
        volume = self.attached("data")
        self.vm.write(_PATTERN, 0, _BLOCK)
        Service.must(self.service.server, "systemctl enable -q vbs-volumed && sync")
        self.service.server.reset()
        self.assert_consistent(self.vm)
        self.assertEqual(self.sector(volume, 0), bytes([_PATTERN]) * 512)
        self.vm.write(_PATTERN + 1, _BLOCK, _BLOCK)
        self.assertEqual(self.sector(volume, _BLOCK), bytes([_PATTERN + 1]) * 512)
        self.finish("data")


class NodeDrills(Drill):
    def test_iscsid_is_killed(self):
        volume = self.attached("data")
        Service.must(self.service.node, "pkill -KILL -x iscsid")
        self.vm.write(_PATTERN, 0, _BLOCK)
        self.assertEqual(self.sector(volume, 0), bytes([_PATTERN]) * 512)
        self.create("other")
        self.vbs("attach-volume", "other", "--vm", "vm1")
        self.assert_consistent(self.vm)
        self.vbs("detach-volume", "other", "--force")
        self.vbs("delete-volume", "other")
        self.finish("data")


class PowerCutDrills(Drill):
    def test_power_cut_of_the_node(self):
        volume = self.attached("data")
        self.vm.write(_PATTERN, 0, _BLOCK)
        self.cut_power()
        self.start_again(volume)
        self.all_is_well(volume)

    def cut_power(self) -> None:
        Service.must(self.service.node, "systemctl enable -q vbs-vmmd && sync")
        self.service.node.reset()

    def start_again(self, volume: str) -> None:
        """The machine that died with the node."""
        Service.must(self.service.node, f"lab-vm start {self.drivers.hypervisor} vm1")

    def all_is_well(self, volume: str) -> None:
        self.service.wait_ready()
        self.assert_consistent(self.vm)
        self.assertTrue(self.vm.reads(_PATTERN, 0, _BLOCK))
        self.assertEqual(self.sector(volume, 0), bytes([_PATTERN]) * 512)
        self.finish("data")


class LibvirtPowerCutDrills(PowerCutDrills):
    """libvirt remembers the disks of a domain that is off: it has them from its first moment."""

    drivers = Drivers("lvm", "lio", "libvirt")

    def start_again(self, volume: str) -> None:
        self.wait_for(self.reality.devices, "the node has not logged in again")
        Service.must(self.service.node, "systemctl start virtlogd.socket libvirtd.socket")
        super().start_again(volume)
        self.assertEqual(list(self.vm.disks().values()), [volume])

    def test_the_node_is_back_before_its_volume_server(self):
        volume = self.attached("data")
        self.vm.write(_PATTERN, 0, _BLOCK)
        self.addCleanup(self.service.node.set_link, True)
        self.service.node.set_link(False)
        self.cut_power()
        active = "systemctl is-active -q vbs-vmmd"
        self.wait_for(lambda: self.service.node.shell.run(active).returncode == 0, "vbs-vmmd does not start")
        self.assertEqual(self.reality.devices(), {})
        self.service.node.set_link(True)
        self.start_again(volume)
        self.all_is_well(volume)


class TgtDrills(Drill):
    drivers = Drivers("lvm", "tgt", "qemu")

    def test_target_daemon_is_killed_under_load(self):
        volume = self.attached("data")
        kill = "pkill -KILL -x tgtd"
        self.assertEqual(self.writes_through(lambda: Service.must(self.service.server, kill), volume), _BLOCKS)
        self.assert_consistent(self.vm)
        self.finish("data")

    def test_another_volume_answers(self):
        """Its logical unit shows another serial number at the moment of the login."""
        self.create("data")
        Service.must(self.service.server, "systemd-run --quiet --unit=lab-swap lab-swap-serial")
        self.addCleanup(Service.must, self.service.server, "systemctl stop lab-swap 2>/dev/null; true")
        refused = self.ask("attach-volume", "data", "--vm", "vm1")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("serial", refused.stderr)
        self.assertEqual(self.vm.disks(), {})
        Service.must(self.service.server, "systemctl stop lab-swap 2>/dev/null; true")
        self.assert_consistent(self.vm)
        self.finish("data")


class ThinDrills(Drill):
    drivers = Drivers("lvm-thin", "lio", "qemu")

    def test_full_pool(self):
        """Somebody else fills the pool: what VBS promised cannot be kept any more, so nothing new is."""
        volume = self.attached("data")
        self.vm.write(_PATTERN, 0, _BLOCK)
        Service.must(self.service.server, f"lvcreate -q -y -V 1000M --thinpool vbs-pool -n stranger {VOLUME_GROUP} "
                     f"2>/dev/null && dd if=/dev/urandom of=/dev/{VOLUME_GROUP}/stranger bs=1M count=985 2>/dev/null")
        self.refuses("pool")
        self.assertEqual(self.sector(volume, 0), bytes([_PATTERN]) * 512)
        self.assertIn("stranger", Service.must(self.service.server, f"lvs -o lv_name {VOLUME_GROUP}"))
        Service.must(self.service.server, f"lvremove -q -y {VOLUME_GROUP}/stranger")
        self.takes_volumes_again(volume)

    def test_full_metadata(self):
        """Somebody makes thin devices past LVM until the kernel has no room for their mappings."""
        volume = self.attached("data")
        self.vm.write(_PATTERN, 0, _BLOCK)
        self.fill_metadata()
        self.refuses("metadata")
        self.assertTrue(self.vm.try_to_write(_PATTERN + 1, 0, _BLOCK), "what is mapped can be written")
        self.assertEqual(self.sector(volume, 0), bytes([_PATTERN + 1]) * 512)
        Service.must(self.service.server, f"lvextend -q --poolmetadatasize +8M {VOLUME_GROUP}/vbs-pool")
        self.assertTrue(self.vm.try_to_write(_PATTERN, _BLOCK, _BLOCK), "new mappings can be made again")
        self.takes_volumes_again(volume)

    def fill_metadata(self) -> None:
        """Each device takes a block of 4 KiB of the 8 MiB."""
        for first in range(1000, 3000, 200):
            made = Service.must(
                self.service.server, f"for i in $(seq {first} {first + 199}); do dmsetup message "
                f"{VOLUME_GROUP}-vbs--pool-tpool 0 \"create_thin $i\" 2>/dev/null || exit 0; done; echo all")
            if made.strip() != "all":
                return
        self.fail("there was room for all of them")

    def refuses(self, what: str) -> None:
        """New volumes, because of this."""
        refused = self.wait_for(self.refusal, f"a full {what} takes more volumes")
        self.assertIn(what, refused)

    def refusal(self) -> str:
        done = self.service.vbs("create-volume", "--size", "32M")
        return done.stderr if done.returncode != 0 else ""

    def takes_volumes_again(self, volume: str) -> None:
        for other in self.vbs("describe-volumes")["volumes"]:
            if other["id"] != volume:
                self.vbs("delete-volume", other["id"])
        self.wait_for(lambda: self.service.vbs("create-volume", "--size", "32M", "--name", "again").returncode == 0,
                      "nothing new is taken")
        self.vbs("delete-volume", "again")
        self.finish("data")


if __name__ == "__main__":
    unittest.main()
