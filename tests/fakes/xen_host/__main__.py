"""A stand-in for a Xen host, for tests of the Xen driver without Xen.

    python3 tests/fakes/xen_host serve DIR [PATIENCE]    until it is killed
    python3 tests/fakes/xen_host call DIR WORD...        one order

In DIR appear xenstored.socket, sys/ (what the driver reads of /sys), images/ (what is on the devices,
each under the last word of its path), and the programs xl and xm, which pass their words to the server;
then the file "ready". PATIENCE is how long the tools wait for
a guest to let go, in seconds. Orders of tests:

    create VM / destroy VM / shut-down VM     off and unknown; off, and still shown by xm list
    device PATH SERIAL BYTES / resize PATH BYTES / unplug PATH
    write VM DEVICE BYTE                      the guest writes to a disk; prints how many bytes
    disks VM                                  SERIAL MODE BYTES of each
    set VM (holds|drives|refuses|crashed) (0|1)
    scripts (good|broken)                     the hotplug scripts
    plug VM PATH DEVICE MODE                  what a tool does that dies before it ends
    ask-back VM DEVICE                        likewise, of one that takes a disk away
    calls                                     the words of every run of xl and xm so far
"""
import json
import os
import socket
import sys
import threading

from host import Host
from store import Store, serve
from tools import Refused, Xl, Xm, virtual_number

_PROGRAM = """#!/bin/sh
exec /usr/bin/python3 -I -B {here} call {folder} tool {name} "$@"
"""


class Server:
    def __init__(self, folder: str, patience: float):
        self.store = Store()
        self.host = Host(folder, self.store)
        self.tools = {"xl": Xl(self.host, patience), "xm": Xm(self.host, patience)}
        self.calls: list[list[str]] = []
        serve(os.path.join(folder, "xenstored.socket"), self.store)

    def obey(self, words: list[str]) -> str:
        verb, *rest = words
        if verb == "tool":
            self.calls.append(rest)
            return self.tools[rest[0]].run(rest[1:])
        orders = {
            "create": self.host.create, "destroy": self.host.destroy, "unplug": self.host.remove_device,
            "shut-down": lambda name: self.host.destroy(name, keep=True),
            "device": lambda path, serial, size: self.host.add_device(path, serial, int(size)),
            "resize": lambda path, size: self.host.resize_device(path, int(size)),
            "write": self.host.write_to, "disks": self.host.disks,
            "set": self.set, "scripts": self.scripts, "plug": self.plug,
            "ask-back": self.ask_back,
            "calls": lambda: "".join(" ".join(call) + "\n" for call in self.calls),
        }
        return orders[verb](*rest) or ""

    def set(self, name: str, what: str, value: str) -> None:
        guest = self.host.find(name)
        setattr(guest, what, value == "1")
        self.host.wake(guest)

    def scripts(self, how: str) -> None:
        self.host.broken_scripts = how == "broken"

    def plug(self, name: str, path: str, device: str, mode: str) -> None:
        self.host.plug(self.host.find(name), path, device, virtual_number(device), mode)

    def ask_back(self, name: str, device: str) -> None:
        self.host.ask_back(self.host.find(name), virtual_number(device))

    def answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rw", encoding="utf-8") as stream:
            try:
                reply = (0, self.obey(json.loads(stream.readline())), "")
            except Refused as refused:
                reply = (refused.code, "", str(refused))
            except Exception as problem:  # the test that gave the order has to see it
                reply = (2, "", f"xen_host: {problem!r}\n")
            stream.write(json.dumps(reply) + "\n")


def serve_host(folder: str, patience: float) -> None:
    server = Server(folder, patience)
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("xl", "xm"):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as program:
            program.write(_PROGRAM.format(here=here, folder=folder, name=name))
        os.chmod(path, 0o755)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(folder, "orders.socket"))
    listener.listen(64)
    with open(os.path.join(folder, "ready"), "w", encoding="ascii"):
        pass
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=server.answer, args=(connection,), daemon=True).start()


def call(folder: str, words: list[str]) -> int:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(os.path.join(folder, "orders.socket"))
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        stream.write(json.dumps(words) + "\n")
        stream.flush()
        code, out, err = json.loads(stream.readline())
    sys.stdout.write(out)
    sys.stderr.write(err)
    return code


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve_host(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 10.0)
    sys.exit(call(sys.argv[2], sys.argv[3:]))
