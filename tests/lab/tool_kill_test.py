"""The programs that delegates run, lvm and iscsiadm, are killed: every kind of call that a step of a volume's
life makes dies once, before or after what it does. Or its delegate is killed, and the program lives on. In
the end all steps are done, and rows and reality agree."""
import time
import unittest

from lab_case import SOURCE, LabCase
from service import Drivers, Service

_HERE = "/run/dying-tools"
_TOOLS = {"vs": "/usr/sbin/lvm", "hv": "/usr/sbin/iscsiadm"}
#: A step that was given up is asked for again: each time another kind of call can die.
_TRIES = 8
#: A snapshot whose delegate dies again and again while the guest is frozen is undone, in minutes.
_SECONDS = 1200.0
#: Of calls that change something, by what is in them.
_MUST_DIE = ("lvcreate", "lvchange", "lvremove", "lvextend", "--login", "--logout")


class ToolKillTest(LabCase):
    def setUp(self):
        self.start(Drivers("lvm", "lio", "qemu"))
        self.vm = self.boot("vm1")
        for guest in (self.service.server, self.service.node):
            self.put_before(guest, _TOOLS[guest.name])
            self.addCleanup(self.take_away, guest, _TOOLS[guest.name])

    def put_before(self, guest, tool: str) -> None:
        with open(f"{SOURCE}/tests/lab/dying-tool", "rb") as file:
            text = file.read()
        Service.must(guest, f"rm -rf {_HERE}; mkdir -p {_HERE}/seen && touch {_HERE}/deaths && "
                     f"echo none >{_HERE}/fate && cp -L {tool} {_HERE}/real && cat >{_HERE}/stand-in && "
                     f"chmod 755 {_HERE}/stand-in && mount --bind {_HERE}/stand-in $(readlink -f {tool})", text)
        # They see what is mounted when they start.
        Service.must(guest, "systemctl try-restart vbs-volumed vbs-vmmd")
        self.service.wait_ready()

    @staticmethod
    def take_away(guest, tool: str) -> None:
        Service.must(guest, f"umount -l $(readlink -f {tool})")

    def set_fate(self, fate: str) -> None:
        for guest in (self.service.server, self.service.node):
            Service.must(guest, f"rm -rf {_HERE}/seen/*; echo {fate} >{_HERE}/fate")

    def deaths(self) -> list[str]:
        return [line for guest in (self.service.server, self.service.node)
                for line in Service.must(guest, f"cat {_HERE}/deaths").splitlines()]

    def step(self, fate: str, *arguments: str) -> None:
        """One verb, whose calls die. It may be given up, then nothing is left of it."""
        begin = time.monotonic()
        before = len(self.deaths())
        self.set_fate(fate)
        for turn in range(_TRIES):
            self.service.wait_ready()
            done = self.service.vbs(*arguments, "--output", "json", seconds=_SECONDS)
            if done.returncode == 0:
                break
            print(f"  given up: {done.stderr.strip()}", flush=True)
            self.assert_consistent(self.vm)
        self.assertEqual(done.returncode, 0, f"{self.logs()}\n{arguments}: {done.stderr}")
        self.set_fate("none")
        self.assert_consistent(self.vm)
        died = self.deaths()[before:]
        print(f"{fate}: {' '.join(arguments)}: {len(died)} died, try {turn + 1}, "
              f"{time.monotonic() - begin:.0f} s", flush=True)

    def live(self, fate: str) -> None:
        self.step(fate, "create-volume", "--size", "32M", "--name", "data")
        self.step(fate, "attach-volume", "data", "--vm", "vm1")
        self.step(fate, "modify-volume", "data", "--size", "48M")  # an origin cannot grow
        self.vm.write(0x5A, 8192, 65536)
        self.step(fate, "create-snapshot", "data", "--name", "point")
        self.vm.write(0xA5, 8192, 65536)
        self.step(fate, "create-volume", "--from-snapshot", "point", "--name", "copy")
        self.assertTrue(self.vm.reads(0xA5, 8192, 65536), "the guest's last bytes are there")
        self.step(fate, "detach-volume", "data", "--force")
        self.step(fate, "attach-volume", "copy", "--vm", "vm1")
        self.assertTrue(self.vm.reads(0x5A, 8192, 65536), "the copy holds what the snapshot held")
        self.step(fate, "detach-volume", "copy", "--force")
        self.step(fate, "delete-volume", "copy")
        self.step(fate, "delete-snapshot", "point")
        self.step(fate, "delete-volume", "data")
        self.assertEqual((self.reality.volumes(), self.reality.targets(), self.reality.sessions()), ({}, {}, []))
        died = self.deaths()
        print("\n".join(died))
        for call in _MUST_DIE:
            self.assertTrue(any(call in line for line in died), f"no call with {call} has died")

    def test_program_dies_before_it_acts(self):
        self.live("before")

    def test_program_dies_after_it_acted(self):
        self.live("after")

    def test_delegate_dies_and_its_program_acts_late(self):
        self.live("parent")

    def test_delegate_dies_after_its_program_acted(self):
        self.live("parent-after")


if __name__ == "__main__":
    unittest.main()
