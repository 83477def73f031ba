"""How the parts of a stack reach each other: plain HTTP on one loopback address, or mutual TLS with
certificates of a CA of their own, each part on an address of its own."""
import os
import ssl
import subprocess

SOURCE = os.environ.get("VBS_SOURCE_DIR") or os.path.realpath(f"{__file__}/../../..")


class PlainLinks:
    scheme = "http"
    context = None

    def host(self, _name: str) -> str:
        return "127.0.0.1"

    listen_host = host

    def settings(self, _name: str) -> dict:
        """What a program's configuration says of its certificates."""
        return {}


class Ca:
    """deploy/ca on a folder."""

    def __init__(self, folder: str):
        self.folder = folder
        self._run("init", folder)

    @staticmethod
    def _run(*arguments: str) -> None:
        done = subprocess.run([os.path.join(SOURCE, "deploy/ca"), *arguments], capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == 0, f"deploy/ca {arguments}: {done.stderr}"

    def issue(self, name: str, *options: str) -> dict[str, str]:
        self._run("issue", self.folder, name, *options)
        return self.files(name)

    def issue_expired(self, name: str) -> dict[str, str]:
        """Like `issue`, but it ended a day ago."""
        files = self.issue(name)
        request = self.folder + "/expired.csr"
        for command in (
                ["req", "-new", "-key", files["key"], "-subj", f"/CN={name}", "-out", request],
                ["x509", "-req", "-in", request, "-CA", files["ca"], "-CAkey",
                 self.folder + "/ca.key", "-days", "-1", "-out", files["certificate"]]):
            subprocess.run(["openssl", *command], capture_output=True, timeout=60, check=True)
        return files

    def files(self, name: str) -> dict[str, str]:
        return {"certificate": f"{self.folder}/{name}.crt", "key": f"{self.folder}/{name}.key",
                "ca": self.folder + "/ca.crt"}

    def context(self, name: str | None) -> ssl.SSLContext:
        """For a client that believes this CA and shows the certificate of that name."""
        files = self.files(name or "ca")
        context = ssl.create_default_context(cafile=files["ca"])
        if name:
            context.load_cert_chain(files["certificate"], files["key"])
        return context


class TlsLinks:
    """Names in certificates: vbsd, vs1, hv1 and cli; no part's certificate is for another's host."""

    scheme = "https"
    _NAMES = {"vbsd": "vbsd", "vbs-volumed": "vs1", "vbs-vmmd": "hv1", "vbs": "cli"}
    _HOSTS = {"vbsd": "127.0.2.1", "vbs-volumed": "127.0.2.2", "vbs-vmmd": "127.0.2.3"}

    def __init__(self, folder: str):
        self.ca = Ca(folder)
        for program, name in self._NAMES.items():
            host = self._HOSTS.get(program)
            self.ca.issue(name, *(["--ip", host] if host else []))
        self.context = self.ca.context("cli")

    def host(self, name: str) -> str:
        return self._HOSTS.get(name, "127.0.0.1")

    def listen_host(self, name: str) -> str:
        """Every address of this machine, as only TLS allows it."""
        return "0.0.0.0" if name in self._HOSTS else self.host(name)

    def settings(self, name: str) -> dict:
        files = self.ca.files(self._NAMES[name])
        return files if name == "vbs" else {"tls": files}
