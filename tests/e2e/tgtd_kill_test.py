"""tgtd is killed while a guest writes, also with the other daemons away: the exports are rebuilt,
the guest's writes wait and then go on without an error, and what it wrote is what it reads."""
import unittest

from stack import MIB, Stack

VM = "vm1"
#: Writes one of four files after the other, each to the disk, and notes what must be in it.
WRITER = r"""
i=0
while [ ! -e /tmp/stop ]; do
  f=/mnt/d/file$((i % 4))
  dd if=/dev/urandom of=/tmp/part bs=64k count=2 2>/dev/null || exit 8
  dd if=/tmp/part of=$f bs=4k conv=fsync 2>/tmp/why || exit 9
  (cd /mnt/d && sha256sum file$((i % 4))) >/tmp/sum$((i % 4))
  i=$((i + 1))
  echo $i >/tmp/progress.new && mv /tmp/progress.new /tmp/progress
done
echo done >/tmp/ended
"""


class TgtdKillTest(unittest.TestCase):
    def setUp(self):
        self.stack = self.enterContext(Stack())
        self.client = self.stack.client
        self.stack.boot(VM)
        self.volume = self.client.create_volume(size_bytes=32 * MIB)["id"]
        self.device = self.client.attach(self.volume, VM)["guest_device"]
        self.guest(f"mkfs.ext4 -q {self.device} && mkdir -p /mnt/d && mount {self.device} /mnt/d")
        self.guest(f"cat >/tmp/writer <<'END'\n{WRITER}\nEND\nsh /tmp/writer >/tmp/log 2>&1 &")

    def guest(self, command: str) -> str:
        return self.stack.guest(VM, command)

    def progress(self) -> int:
        return int(self.guest("cat /tmp/progress 2>/dev/null || echo 0"))

    def wait_for_writes(self) -> None:
        """Until the guest has written every file anew."""
        wanted = self.progress() + 5
        self.stack.wait_for(lambda: self.progress() >= wanted, 60,
                            "the guest's writes do not go on")

    def wait_for_other_tgtd(self, killed: int) -> None:
        self.stack.wait_for(lambda: self.stack.tgtd() not in (None, killed), 30, "no new tgtd")

    def check_what_was_written(self) -> None:
        self.guest("touch /tmp/stop; i=0; "
                   "while [ ! -e /tmp/ended ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done; "
                   "cat /tmp/ended /tmp/why")
        self.guest("umount /mnt/d && echo 3 >/proc/sys/vm/drop_caches && "
                   f"mount {self.device} /mnt/d")
        self.guest("cd /mnt/d && cat /tmp/sum? >/tmp/sums && sha256sum -c /tmp/sums")
        self.assertEqual(self.guest("wc -l </tmp/sums").strip(), "4")
        complaints = self.guest("dmesg | grep -ciE 'i/o error|ext4-fs error|offline' || true")
        self.assertEqual(complaints.strip(), "0", self.guest("dmesg | tail -20"))
        self.guest("umount /mnt/d")

    def test_killed_under_load(self):
        stack = self.stack
        self.wait_for_writes()
        for _ in range(2):
            with self.subTest("alone"):
                self.wait_for_other_tgtd(stack.kill_tgtd())
                self.wait_for_writes()
        stack.assert_consistent()

        stack.stop("vbsd")  # the front is away: the delegate has its own records
        self.wait_for_other_tgtd(stack.kill_tgtd())
        self.wait_for_writes()
        stack.start("vbsd")

        stack.kill9("vbs-volumed")
        killed = stack.kill_tgtd()
        before = self.progress()
        stack.start("vbs-volumed")
        self.wait_for_other_tgtd(killed)
        self.wait_for_writes()
        self.assertGreater(self.progress(), before)
        stack.wait_ready()
        stack.assert_consistent()

        self.check_what_was_written()
        self.client.detach(self.volume)
        self.client.delete_volume(self.volume)
        stack.assert_consistent()


if __name__ == "__main__":
    unittest.main()
