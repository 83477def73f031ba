"""A stand-in for a Xen host: domains, dom0's block back end, the guests' front ends and sysfs.

What it does after each order is what was seen with Xen 4.17 and Linux 6.1: how states follow each
other (xen/include/public/io/xenbus.h), what is left behind and what goes away by itself."""
import os
import shutil
import struct
import threading
import time

from store import Store

INITIALISING, INIT_WAIT, CONNECTED, CLOSING, CLOSED = "1", "2", "4", "5", "6"
_SECTOR = 512
_BACK = "/local/domain/0/backend/vbd"
_NOTICE = 0.02  # how long a guest takes to see a change


class Guest:
    def __init__(self, name: str, domid: int):
        self.name, self.domid = name, domid
        self.pauses = 0  # Xen counts them
        self.holds = False  # does not let go of disks
        self.drives = True  # has a block front end
        self.refuses = False  # its front end gives up on new disks
        self.crashed = False

    def runs(self) -> bool:
        return self.pauses == 0 and not self.crashed


class Host:
    def __init__(self, folder: str, store: Store):
        self.store, self.sys = store, os.path.join(folder, "sys")
        self.images = os.path.join(folder, "images")
        os.makedirs(self.images)
        self.lock = store.lock
        self.guests: dict[int, Guest] = {}
        self.off: set[str] = set()  # known to xend, not running
        self.devices: dict[str, tuple[str, int]] = {}  # host path: major:minor, bytes
        self._serials: dict[str, str] = {}
        self.broken_scripts = False
        self._next = 1
        self._next_disk = 0
        store.write("/local/domain/0", name="Domain-0")

    # What the tests do to the host.

    def create(self, name: str) -> None:
        with self.lock:
            guest = Guest(name, self._next)
            self._next += 1
            self.off.discard(name)
            self.guests[guest.domid] = guest
            self.store.write(f"/local/domain/{guest.domid}", name=name, domid=guest.domid)

    def destroy(self, name: str, keep: bool = False) -> None:
        with self.lock:
            guest = self.find(name)
            for number in self.numbers(guest):
                self._forget(guest, number)
            self.store.remove(f"/local/domain/{guest.domid}")
            self.store.remove(f"{_BACK}/{guest.domid}")
            del self.guests[guest.domid]
            if keep:
                self.off.add(name)

    def add_device(self, path: str, serial: str, size: int) -> None:
        with self.lock:
            minor = 16 * self._next_disk
            self._next_disk += 1
            self.devices[path] = (f"8:{minor:x}", size)
            self._serials[path] = serial
            folder = os.path.join(self.sys, "dev/block", f"8:{minor}")
            os.makedirs(os.path.join(folder, "device"), exist_ok=True)
            with open(os.path.join(folder, "device/vpd_pg80"), "wb") as page:
                page.write(struct.pack(">BBH", 0, 0x80, len(serial)) + serial.encode())
            self._write_size(path)

    def resize_device(self, path: str, size: int) -> None:
        with self.lock:
            self.devices[path] = (self.devices[path][0], size)
            self._write_size(path)
        threading.Timer(0.1, self._tell_size, (path,)).start()

    def remove_device(self, path: str) -> None:
        with self.lock:
            number, _ = self.devices.pop(path)
            shutil.rmtree(self._block(number))
            os.unlink(self.image(path))

    def write_to(self, name: str, device: str, byte: str) -> str:
        """The guest writes 4 KiB of this byte to the front of a disk, given by its name or its serial
        number; says how much it wrote."""
        guest = self.find(name)
        with self.lock:
            number = self.number_of(guest, device) or next(
                number for number in self.numbers(guest)
                if self._serials[self.store.read(self.back(guest, number) + "/params")] == device)
            back = self.back(guest, number)
            if self.states(guest, number) != (CONNECTED, CONNECTED) or self.store.read(back + "/mode") != "w":
                return "0"
            with open(self.image(self.store.read(back + "/params")), "r+b") as image:
                image.write(byte.encode() * 4096)
            counts = os.path.join(self._back_end(guest, number), "statistics/wr_req")
            with open(counts, encoding="ascii") as text:
                count = int(text.read())
            with open(counts, "w", encoding="ascii") as text:
                text.write(f"{count + 1}\n")
        return "4096"

    def disks(self, name: str) -> str:
        """SERIAL MODE BYTES of each disk that the guest has."""
        guest, lines = self.find(name), []
        with self.lock:
            for number in self.numbers(guest) if guest else []:
                back = self.back(guest, number)
                path = self.store.read(back + "/params")
                if self.states(guest, number)[1] != CLOSED:
                    size = _SECTOR * int(self.store.read(back + "/sectors", "0"))
                    lines.append(f"{self._serials[path]} {self.store.read(back + '/mode')} {size}\n")
        return "".join(lines)

    # What the tools look up.

    def find(self, name: str) -> Guest | None:
        with self.lock:
            found = [guest for guest in self.guests.values() if guest.name == name]
            return found[-1] if found else None

    def numbers(self, guest: Guest) -> list[str]:
        return self.store.list(f"{_BACK}/{guest.domid}")

    def number_of(self, guest: Guest, device: str) -> str | None:
        for number in self.numbers(guest):
            if device in (number, self.store.read(f"{_BACK}/{guest.domid}/{number}/dev")):
                return number
        return None

    def back(self, guest: Guest, number: str) -> str:
        return f"{_BACK}/{guest.domid}/{number}"

    def front(self, guest: Guest, number: str) -> str:
        return f"/local/domain/{guest.domid}/device/vbd/{number}"

    def states(self, guest: Guest, number: str) -> tuple[str, str]:
        with self.lock:
            return (self.store.read(self.back(guest, number) + "/state", ""),
                    self.store.read(self.front(guest, number) + "/state", ""))

    # What the tools do.

    def plug(self, guest: Guest, path: str, device: str, number: str, mode: str) -> bool:
        """False: the hotplug script failed, and the device with its nodes is left as it is then."""
        back, front = self.back(guest, number), self.front(guest, number)
        with self.lock:
            self.store.write(back, frontend=front, frontend_id=guest.domid, online=1, state=INITIALISING,
                             params=path, type="phy", mode=mode, dev=device)
            self.store.write(front, backend=back, backend_id=0, state=INITIALISING, virtual_device=number)
            if self.broken_scripts or path not in self.devices:
                self.store.write(back, state=INIT_WAIT, hotplug_error=f"{path} does not exist.")
                return False
            self.store.write(back, physical_device=self.devices[path][0], hotplug_status="connected",
                             state=INIT_WAIT)
            counts = os.path.join(self._back_end(guest, number), "statistics")
            os.makedirs(counts)
            for name in ("wr_req", "ds_req"):
                with open(os.path.join(counts, name), "w", encoding="ascii") as text:
                    text.write("0\n")
        self.wake(guest)
        return True

    def ask_back(self, guest: Guest, number: str) -> None:
        """Asks the guest to let go. What remains once it has is the tool's to remove."""
        with self.lock:
            self.store.write(self.back(guest, number), online=0)
            if self.states(guest, number)[0] != CLOSED:
                self.store.write(self.back(guest, number), state=CLOSING)
        self.wake(guest)

    def remove(self, guest: Guest, number: str) -> None:
        with self.lock:
            self._forget(guest, number)

    def pause(self, guest: Guest, by: int) -> None:
        with self.lock:
            guest.pauses += by
        self.wake(guest)

    def wake(self, guest: Guest) -> None:
        """The guest sees what has changed, a moment later."""
        threading.Timer(_NOTICE, self._notice, (guest,)).start()

    def _notice(self, guest: Guest) -> None:
        with self.lock:
            if not guest.runs() or not guest.drives or guest.domid not in self.guests:
                return
            for number in self.numbers(guest):
                self._follow(guest, number)

    def _follow(self, guest: Guest, number: str) -> None:
        back, front = self.back(guest, number), self.front(guest, number)
        states = self.states(guest, number)
        if states == (INIT_WAIT, INITIALISING):
            size = self.devices[self.store.read(back + "/params")][1]
            after = CLOSING if guest.refuses else CONNECTED
            self.store.write(back, state=after, sectors=size // _SECTOR)
            self.store.write(front, state=after)
        elif states == (CLOSING, CONNECTED) and not guest.holds:
            self.store.write(front, state=CLOSED)
            self.store.write(back, state=CLOSED)
            shutil.rmtree(self._back_end(guest, number))

    def _tell_size(self, path: str) -> None:
        with self.lock:
            for guest in self.guests.values():
                for number in self.numbers(guest):
                    back = self.back(guest, number)
                    served = self.store.read(back + "/params") == path
                    if served and self.states(guest, number)[0] == CONNECTED:
                        self.store.write(back, sectors=self.devices[path][1] // _SECTOR)

    def _forget(self, guest: Guest, number: str) -> None:
        self.store.remove(self.back(guest, number))
        self.store.remove(self.front(guest, number))
        shutil.rmtree(self._back_end(guest, number), ignore_errors=True)

    def _block(self, number: str) -> str:
        major, minor = (int(part, 16) for part in number.split(":"))
        return os.path.join(self.sys, "dev/block", f"{major}:{minor}")

    def _back_end(self, guest: Guest, number: str) -> str:
        return os.path.join(self.sys, "bus/xen-backend/devices", f"vbd-{guest.domid}-{number}")

    def image(self, path: str) -> str:
        """The file that stands for the host device."""
        return os.path.join(self.images, os.path.basename(path))

    def _write_size(self, path: str) -> None:
        number, size = self.devices[path]
        with open(self.image(path), "ab") as image:
            image.truncate(size)
        with open(os.path.join(self._block(number), "size"), "w", encoding="ascii") as text:
            text.write(f"{size // _SECTOR}\n")


def wait_until(condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
