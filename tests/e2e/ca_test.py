"""deploy/ca makes certificates that are good for what it was told, and never loses a key."""
import os
import stat
import subprocess
import tempfile
import unittest

SOURCE = os.environ.get("VBS_SOURCE_DIR") or os.path.realpath(f"{__file__}/../../..")
CA = os.path.join(SOURCE, "deploy/ca")


class CaTest(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "ca")

    def ca(self, *arguments: str, code: int = 0) -> str:
        """What it says."""
        done = subprocess.run([CA, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, f"ca {arguments}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def made(self, *arguments: str) -> None:
        """A CA, and the certificate vs1 with these options."""
        self.ca("init", self.folder)
        self.ca("issue", self.folder, "vs1", *arguments)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def read(self, name: str) -> bytes:
        with open(self.path(name), "rb") as file:
            return file.read()

    def openssl(self, *arguments: str) -> str:
        return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout

    def text(self, name: str, field: str) -> str:
        return self.openssl("x509", "-in", self.path(name), "-noout", f"-{field}").strip()

    def names(self, name: str) -> set[str]:
        said = self.openssl("x509", "-in", self.path(f"{name}.crt"), "-noout", "-ext", "subjectAltName")
        return {part.strip() for part in said.splitlines()[1].split(",")}

    def assert_good_for(self, name: str, *options: str) -> None:
        done = subprocess.run(["openssl", "verify", "-CAfile", self.path("ca.crt"), "-x509_strict", *options,
                               self.path(f"{name}.crt")], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_is_made(self):
        self.made("--ip", "192.0.2.21", "--ip", "2001:db8::21", "--dns", "vs1.example")
        self.assertEqual(self.names("vs1"), {"DNS:vs1", "DNS:vs1.example", "IP Address:192.0.2.21",
                                             "IP Address:2001:DB8:0:0:0:0:0:21"})
        for purpose in ("sslserver", "sslclient"):
            self.assert_good_for("vs1", "-purpose", purpose)
        self.assert_good_for("vs1", "-verify_ip", "2001:db8::21")
        self.assert_good_for("vs1", "-verify_hostname", "vs1.example")
        self.assertEqual(self.openssl("pkey", "-in", self.path("vs1.key"), "-pubout"),
                         self.openssl("x509", "-in", self.path("vs1.crt"), "-noout", "-pubkey"))

    def test_modes(self):
        self.made()
        modes = {name: stat.S_IMODE(os.stat(self.path(name)).st_mode) for name in os.listdir(self.folder)}
        self.assertEqual(modes, {"ca.crt": 0o644, "ca.key": 0o600, "vs1.crt": 0o644, "vs1.key": 0o600},
                         "and nothing else is left")
        self.assertEqual(stat.S_IMODE(os.stat(self.folder).st_mode), 0o700)

    def test_nothing_is_overwritten(self):
        self.made()
        before = {name: self.read(name) for name in os.listdir(self.folder)}
        self.assertIn("--renew", self.ca("init", self.folder, code=1))
        self.assertIn("--renew", self.ca("issue", self.folder, "vs1", "--ip", "192.0.2.1", code=1))
        self.assertEqual({name: self.read(name) for name in os.listdir(self.folder)}, before)

    def test_renewing_keeps_the_addresses(self):
        self.made("--ip", "192.0.2.21", "--ip", "2001:db8::21", "--dns", "vs1.example")
        names, key = self.names("vs1"), self.read("vs1.key")
        self.ca("issue", self.folder, "vs1", "--renew")
        self.assertEqual(self.names("vs1"), names)
        self.assertNotEqual(self.read("vs1.key"), key)
        self.assert_good_for("vs1", "-verify_ip", "192.0.2.21")

    def test_renewing_for_other_addresses(self):
        self.made("--ip", "192.0.2.21", "--dns", "vs1.example")
        self.ca("issue", self.folder, "vs1", "--renew", "--ip", "192.0.2.22")
        self.assertEqual(self.names("vs1"), {"DNS:vs1", "IP Address:192.0.2.22"})

    def test_renewing_what_has_no_addresses(self):
        self.made()
        self.ca("issue", self.folder, "vs1", "--renew")
        self.assertEqual(self.names("vs1"), {"DNS:vs1"})

    def test_renewing_what_cannot_be_read(self):
        self.made("--ip", "192.0.2.21")
        with open(self.path("vs1.crt"), "w", encoding="ascii") as file:
            file.write("damaged")
        self.assertIn("give --dns and --ip anew", self.ca("issue", self.folder, "vs1", "--renew", code=1))
        self.ca("issue", self.folder, "vs1", "--renew", "--ip", "192.0.2.21")
        self.assertIn("IP Address:192.0.2.21", self.names("vs1"))

    def test_renewing_the_ca(self):
        self.ca("init", self.folder, "--name", "Blocks of Example", "--days", "10")
        self.ca("issue", self.folder, "vs1", "--days", "5")
        key, subject, end = self.read("ca.key"), self.text("ca.crt", "subject"), self.text("ca.crt", "enddate")
        self.assertIn("Blocks of Example", subject)
        self.ca("init", self.folder, "--renew")
        self.assertEqual((self.read("ca.key"), self.text("ca.crt", "subject")), (key, subject))
        self.assertNotEqual(self.text("ca.crt", "enddate"), end)
        self.assert_good_for("vs1")
        self.assertIn("leave --name out", self.ca("init", self.folder, "--renew", "--name", "Other", code=2))
        self.assertEqual(self.text("ca.crt", "subject"), subject)

    def test_a_ca_that_ends_first(self):
        self.ca("init", self.folder, "--days", "10")
        self.assertIn("the CA ends earlier", self.ca("issue", self.folder, "vs1"))

    def test_show(self):
        self.made("--ip", "192.0.2.21")
        self.ca("issue", self.folder, "soon", "--days", "3")
        other = self.folder + "2"
        self.ca("init", other)
        self.ca("issue", other, "stranger")
        os.rename(os.path.join(other, "stranger.crt"), self.path("stranger.crt"))
        rows = {line.split()[0]: line for line in self.ca("show", self.folder).splitlines()}
        self.assertEqual(set(rows), {"ca", "vs1", "soon", "stranger"})
        for name, text in (("ca", "good"), ("vs1", "IP Address:192.0.2.21"), ("soon", "ends soon"),
                           ("stranger", "NOT OF THIS CA")):
            self.assertIn(text, rows[name])
        self.assertIn("ca.crt is missing", self.ca("show", self.folder + "3", code=1))

    def test_bad_words(self):
        self.ca("init", self.folder)
        for words in (("a b",), ("../x",), ("-x",), ("ca",), ("x" * 65,), ("x,IP:192.0.2.1",), ("vs1", "--ip"),
                      ("vs1", "--ip", "192.0.2"), ("vs1", "--ip", "192.0.2.256"), ("vs1", "--dns", "a..b"),
                      ("vs1", "--dns", "a,DNS:b"), ("vs1", "--days", "0"), ("vs1", "--days", "many"),
                      ("vs1", "--name", "x")):
            self.ca("issue", self.folder, *words, code=2)
        for words in ((), ("make",), ("init",), ("issue", self.folder), ("init", self.folder, "--ip", "192.0.2.1"),
                      ("init", self.folder + "2", "--name", "a/b")):
            self.ca(*words, code=2)
        self.ca("issue", self.folder, "vs1", "--ip", ":::1", code=1)
        self.assertEqual(sorted(os.listdir(self.folder)), ["ca.crt", "ca.key"])


if __name__ == "__main__":
    unittest.main()
