"""Requests to the front service, and the `vbs` program, as tests use them."""
import http.client
import json
import os
import ssl
import subprocess
import time


class Problem(AssertionError):
    """An answer that is no success where the test needs one."""

    def __init__(self, method: str, path: str, status: int, body):
        super().__init__(f"{method} {path}: {status} {json.dumps(body)}")
        self.status = status
        self.body = body


def connect(host: str, port: int, context: ssl.SSLContext | None,
            seconds: float) -> http.client.HTTPConnection:
    """Over TLS where there is a context."""
    if context is None:
        return http.client.HTTPConnection(host, port, timeout=seconds)
    return http.client.HTTPSConnection(host, port, context=context, timeout=seconds)


class Client:
    """One front service, one token. `vbs` runs the command line against it."""

    def __init__(self, port: int, token: str, program: str, config: str, host: str = "127.0.0.1",
                 context: ssl.SSLContext | None = None):
        self.port = port
        self.host = host
        self._context = context  # for TLS
        self.token = token
        self._program = program
        self._config = config

    def api(self, method: str, path: str, body=None, headers: dict[str, str] | None = None,
            seconds: float = 75.0) -> tuple[int, dict]:
        """Status and decoded answer. `body`: what is not bytes is sent as JSON."""
        sent = dict(headers or {})
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = connect(self.host, self.port, self._context, seconds)
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            text = answer.read()
            is_json = "json" in (answer.getheader("Content-Type") or "")
            return answer.status, json.loads(text) if is_json else {"text": text.decode()}
        finally:
            connection.close()

    def get(self, path: str) -> dict:
        status, body = self.api("GET", path)
        if status != 200:
            raise Problem("GET", path, status, body)
        return body

    def change(self, method: str, path: str, body=None, seconds: float = 120.0, **headers) -> dict:
        """A mutation carried to its end; the answer with the operation as it ended."""
        status, answer = self.api(method, path, body, headers)
        if status not in (200, 202):
            raise Problem(method, path, status, answer)
        answer["operation"] = self.wait_operation(answer["operation"]["id"], seconds)
        if answer["operation"]["state"] != "succeeded":
            raise Problem(method, path, status, answer["operation"])
        return answer

    def wait_operation(self, operation: str, seconds: float = 120.0) -> dict:
        """The operation as it is once it has ended. Outages of the service meanwhile are fine."""
        deadline = time.monotonic() + seconds
        last = None
        while time.monotonic() < deadline:
            try:
                last = self.get(f"/v1/operations/{operation}")
                if last["ended_at"] is not None:
                    return last
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise AssertionError(f"operation has not ended after {seconds} s: {json.dumps(last)}")

    def create_volume(self, **wanted) -> dict:
        volume = self.change("POST", "/v1/volumes", wanted)["volume"]
        return self.get(f"/v1/volumes/{volume['id']}")

    def delete_volume(self, volume: str) -> None:
        self.change("DELETE", f"/v1/volumes/{volume}")

    def attach(self, volume: str, vm: str, **wanted) -> dict:
        path = f"/v1/volumes/{volume}/attachments"
        attachment = self.change("POST", path, {"vm": vm, **wanted})["attachment"]
        return self.get(f"{path}/{attachment['id']}")

    def detach(self, volume: str, force: bool = False) -> None:
        """The volume's only attachment."""
        path = f"/v1/volumes/{volume}/attachments"
        attachments = self.get(path)["attachments"]
        assert len(attachments) == 1, attachments
        query = "?force=true" if force else ""
        self.change("DELETE", f"{path}/{attachments[0]['id']}{query}")

    def create_snapshot(self, volume: str, **wanted) -> dict:
        snapshot = self.change("POST", "/v1/snapshots", {"volume_id": volume, **wanted})["snapshot"]
        return self.get(f"/v1/snapshots/{snapshot['id']}")

    def delete_snapshot(self, snapshot: str) -> None:
        self.change("DELETE", f"/v1/snapshots/{snapshot}")

    def delete_everything(self) -> None:
        """Every snapshot and every volume; none may be attached."""
        for snapshot in self.get("/v1/snapshots")["snapshots"]:
            self.delete_snapshot(snapshot["id"])
        for volume in self.get("/v1/volumes")["volumes"]:
            self.delete_volume(volume["id"])

    def vbs(self, *arguments: str, seconds: float = 180.0) -> subprocess.CompletedProcess:
        """The command line program; look at returncode, stdout and stderr."""
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.path.dirname(self._config),
                       "VBS_CONFIG": self._config}
        environment |= {key: value for key, value in os.environ.items() if "SAN_OPTIONS" in key}
        return subprocess.run([self._program, *arguments], env=environment, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False)

    def vbs_json(self, *arguments: str) -> dict:
        """The command must succeed; its JSON."""
        done = self.vbs(*arguments, "--output", "json")
        if done.returncode != 0:
            raise AssertionError(f"vbs {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)
