"""A login that the target refuses, because somebody changed the CHAP account behind the delegate's
back."""
import json
import os
import re
import sqlite3
import unittest

from stack import DAEMONS, MIB, Stack

VM = "vm1"
POINT = "attach-volume.export.after-commit"
OTHER_PASSWORD = "another0secret0word"


class ChapTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        levels = {name: {"log_level": "debug"} for name in DAEMONS}
        cls.stack = cls.enterClassContext(Stack(levels))
        cls.client = cls.stack.client
        cls.stack.boot(VM)

    def setUp(self):
        self.volume = self.client.create_volume(size_bytes=4 * MIB)["id"]
        self.path = f"/v1/volumes/{self.volume}/attachments"

    def tearDown(self):
        if self.client.get(self.path)["attachments"]:
            self.client.detach(self.volume)
        self.client.delete_volume(self.volume)
        self.stack.assert_consistent()

    def row(self) -> tuple[str, str]:
        """Id and CHAP user of the volume's newest attachment."""
        database = sqlite3.connect(f"file:{self.stack.database}?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(
                "SELECT uid, chap_user FROM attachments WHERE volume_uid = ? "
                "ORDER BY created_at DESC LIMIT 1", (self.volume,)).fetchone()
        finally:
            database.close()

    def secret_of(self, attachment: str) -> str:
        with open(self.stack.path(f"volumed/exports/{attachment}.json"), encoding="utf-8") as file:
            return json.load(file)["spec"]["chap_secret"]

    def attach_with(self, meddle) -> tuple[dict, str]:
        """An attachment whose account is meddled with between its export and its login: how it
        ended, and the secret that it had."""
        stack = self.stack
        passed = stack.path("points")
        stack.restart("vbsd", env={"VBS_FAULT": f"{POINT}=sleep:1500", "VBS_FAULT_LOG": passed})
        stack.wait_ready()
        operation = self.client.api("POST", self.path, {"vm": VM})[1]["operation"]["id"]
        stack.wait_for(lambda: stack.has_passed(passed, POINT), 30,
                       "vbsd does not come to the fault point")
        uid, user = self.row()
        secret = self.secret_of(uid)
        meddle(self.target_number(uid), user)
        os.unlink(passed)
        return self.client.wait_operation(operation, 60), secret

    def target_number(self, attachment: str) -> str:
        report = self.stack.tgtadm("--mode", "target", "--op", "show")
        found = re.search(rf"Target (\d+): \S+:{attachment}$", report, re.MULTILINE)
        self.assertTrue(found, report)
        return found.group(1)

    def unbind(self, tid: str, user: str) -> None:
        self.stack.tgtadm("--mode", "account", "--op", "unbind", "--tid", tid, "--user", user)

    def change_password(self, tid: str, user: str) -> None:
        account = ("--mode", "account", "--user", user)
        self.unbind(tid, user)
        self.stack.tgtadm(*account, "--op", "delete")
        self.stack.tgtadm(*account, "--op", "new", "--password", OTHER_PASSWORD)
        self.stack.tgtadm(*account, "--op", "bind", "--tid", tid)

    def test_another_password(self):
        ended, secret = self.attach_with(self.change_password)
        self.assertTrue(secret)
        self.assertEqual(ended["state"], "failed", ended)
        error = ended["error"]
        self.assertEqual(error["node"], "hv1", error)
        self.assertRegex(error["message"], "CHAP (user|secret)")
        self.assertIn(str(self.stack.ports["portal"]), error["message"])
        self.assertRegex(error["message"], r"; .*\b(again|look|check|see)\b", "what to do about it")
        self.assertNotIn(secret, json.dumps(ended))
        self.assertNotIn(OTHER_PASSWORD, json.dumps(ended))
        self.stack.assert_consistent()
        self.assertEqual(self.client.get(self.path)["attachments"], [])
        self.assertNotIn("vbs-", self.stack.tgtadm("--mode", "account", "--op", "show"))
        self.assertEqual(self.client.attach(self.volume, VM)["state"], "attached")

    def test_account_unbound(self):
        """The delegate may see it in time and heal it; both ends are good ones."""
        ended, _ = self.attach_with(self.unbind)
        if ended["state"] == "failed":
            self.assertIn("CHAP", ended["error"]["message"])
        else:
            self.assertEqual(ended["state"], "succeeded", ended)
        self.stack.assert_consistent()

    def test_unbound_from_an_attached_volume(self):
        attachment = self.client.attach(self.volume, VM)
        device = attachment["guest_device"]
        uid, user = self.row()
        self.unbind(self.target_number(uid), user)
        self.assertEqual([target.accounts for target in self.stack.targets()], [[]])
        self.stack.assert_consistent(20)
        self.stack.guest(VM, f"dd if=/dev/zero of={device} bs=4k count=16 conv=fsync 2>/dev/null")


if __name__ == "__main__":
    unittest.main()
