"""What the tests in the lab share: the guests, which stay from test to test, VBS on them, and a look
at what is really there after each step."""
import json
import os
import sys
import time
import unittest

SOURCE = os.environ.get("VBS_SOURCE_DIR") or os.path.realpath(f"{__file__}/../../..")
BUILD = os.path.dirname(os.environ.get("VBS_BIN_DIR") or os.path.join(SOURCE, "build/debug/bin"))
sys.path.insert(0, os.path.join(SOURCE, "deploy/lab-guests"))

from lab import Lab  # noqa: E402  (the path comes first)
from reality import Reality, findings  # noqa: E402
from service import Drivers, Service  # noqa: E402
from vms import VMS  # noqa: E402

MIB = 1 << 20
LAB = os.environ.get("VBS_LAB_DIR") or os.path.join(BUILD, "lab/by-hand")
IMAGE = os.environ.get("VBS_LAB_IMAGE") or os.path.join(SOURCE, "build/lab-image")
# How long is waited for what surely comes: emulated machines that share processors are slow.
PATIENCE_SECONDS = 300.0
_UNAVAILABLE = 7  # cli/exit_code.h
INITIATOR = "iqn.2026-01.vbs:node-hv1"


def open_lab(*guests: str) -> Service:
    """The guests run, and VBS's programs of this build are installed in them. They end with the last
    test of the module; VBS_LAB_KEEP=1 leaves them for the next run."""
    lab = Lab(LAB, IMAGE)
    service = Service(lab, BUILD)
    if not os.environ.get("VBS_LAB_KEEP"):
        unittest.addModuleCleanup(lab.down)
        unittest.addModuleCleanup(service.stop_front)
    lab.up(list(guests))
    for name in guests:
        service.install(lab.guest(name))
    return service


class LabCase(unittest.TestCase):
    """One test at a time on the guests `vs` and `hv`, or those that a subclass names."""

    guests = ("vs", "hv")
    service: Service

    @classmethod
    def setUpClass(cls):
        cls.service = open_lab(*cls.guests)
        cls.reality = Reality(cls.service)

    def start(self, drivers: Drivers) -> None:
        self.service.start(drivers)
        self.addCleanup(self.service.stop)

    def boot(self, name: str):
        vm = VMS[self.service.drivers.hypervisor](self.service, name)
        self.addCleanup(vm.stop)
        return vm

    def ask(self, *arguments: str):
        """A verb of the command line. Like a user it tries again where a node did not answer in time, and nothing was
        begun: an operation that was begun has to come right by itself."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = self.service.vbs(*arguments)
            was_begun = "operation: " in done.stderr
            if done.returncode != _UNAVAILABLE or was_begun or time.monotonic() > deadline:
                return done
            time.sleep(1)

    def vbs(self, *arguments: str) -> dict:
        """A verb of the command line that has to succeed; its JSON."""
        done = self.ask(*arguments, "--output", "json")
        if done.returncode != 0:
            raise AssertionError(f"{self.logs()}\nvbs {' '.join(arguments)}: exit code {done.returncode}\n"
                                 f"{done.stderr}")
        return json.loads(done.stdout)

    def logs(self) -> str:
        """The ends of the daemons' logs."""
        parts = []
        for guest, unit in ((self.service.server, "vbs-volumed"), (self.service.node, "vbs-vmmd")):
            if guest.running():
                said = guest.shell.run(f"journalctl -q -o cat -n 25 -u {unit}").stdout.decode(errors="replace")
                parts.append(f"--- {unit}\n{said}")
        with open(self.service.path("vbsd.log"), encoding="utf-8", errors="replace") as log:
            parts.append("--- vbsd\n" + log.read()[-4000:])
        return "\n".join(parts)

    def wait_for(self, condition, message: str):
        """What the condition returned when it was true at last."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (answer := condition()):
            if time.monotonic() > deadline:
                self.fail(f"{self.logs()}\n{message} after {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.1)
        return answer

    def assert_consistent(self, *vms) -> None:
        """Waits until rows and reality agree."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while found := findings(self.reality, self._disks(vms), INITIATOR):
            if time.monotonic() > deadline:
                self.fail(f"{self.logs()}\nafter {PATIENCE_SECONDS:.0f} s:\n" + "\n".join(found))
            time.sleep(0.5)

    @staticmethod
    def _disks(vms) -> dict[str, str]:
        return {attachment: serial for vm in vms for attachment, serial in vm.disks().items()}

    def sector(self, volume: str, offset: int) -> bytes:
        """512 bytes of a volume or snapshot, read on the volume server past every cache."""
        # A thin snapshot has no device until it is asked for.
        done = self.service.server.shell.run(
            f"[ -e /dev/vbs/vbs-{volume} ] || lvchange -ay -K vbs/vbs-{volume}; "
            f"dd if=/dev/vbs/vbs-{volume} bs=512 skip={offset // 512} count=1 iflag=direct 2>/dev/null")
        self.assertEqual(len(done.stdout), 512, done.stderr)
        return done.stdout
