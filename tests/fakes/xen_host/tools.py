"""What `xl` 4.17 and `xm` 4.1 print, and how they end: always 0 or 1. xl's words are those recorded
in tests/recorded/xen/4.17; xm's are those of tools/python/xen/xm/main.py and
tools/python/xen/xend/server/{DevController,blkif}.py of Xen 4.1."""
from host import CLOSED, Host, wait_until

_SD_MAJOR, _XVD_MAJOR = 8, 202
_HEADER = f"{'Name':<40} {'ID':>5} {'Mem':>5} {'VCPUs':>5}\t{'State':>5}\t{'Time(s)':>5}"


class Refused(Exception):
    """Ends the tool with this text on standard error."""

    def __init__(self, text: str, code: int = 1):
        super().__init__(text)
        self.code = code


def virtual_number(device: str) -> str | None:
    """docs/man/xen-vbd-interface.7."""
    for kind, major in (("xvd", _XVD_MAJOR), ("sd", _SD_MAJOR)):
        letters = device[len(kind):]
        if not device.startswith(kind) or not letters.isalpha():
            continue
        index = 0
        for letter in letters:
            index = 26 * index + ord(letter) - ord("a") + 1
        index -= 1
        if index < 16:
            return str(major << 8 | index << 4)
        return str(1 << 28 | index << 8) if kind == "xvd" else None
    return None


class Tool:
    """One run. `patience` is how long it waits for a guest, in seconds: 10 with xl, 100 with xm."""

    def __init__(self, host: Host, patience: float):
        self.host, self.patience = host, patience

    def run(self, words: list[str]) -> str:
        verbs = {"list": self.list, "block-attach": self.attach, "block-detach": self.detach,
                 "pause": self.pause, "unpause": self.unpause}
        if not words or words[0] not in verbs:
            raise Refused("unknown command\n")
        return verbs[words[0]](*words[1:])

    def flags(self, guest) -> str:
        return "----c-" if guest.crashed else "--p---" if guest.pauses else "-b----"


class Xl(Tool):
    def guest(self, word: str):
        if word.isdigit():  # also where a domain has that name
            guest = self.host.guests.get(int(word))
        else:
            guest = self.host.find(word)
        if guest is None and not word.isdigit():
            raise Refused(f"{word} is an invalid domain identifier\n")
        return guest

    def list(self) -> str:
        rows = [(0, "Domain-0", "r-----")]
        rows += [(guest.domid, guest.name, self.flags(guest)) for guest in self.host.guests.values()]
        return "\n".join([_HEADER] + [f"{name:<40} {domid:>5} {96:>5} {1:>5}     {flags}  {1.0:>8.1f}"
                                      for domid, name, flags in rows]) + "\n"

    def attach(self, domain: str, uname: str, device: str, mode: str) -> str:
        guest, path = self.guest(domain), uname.removeprefix("phy:")
        number = virtual_number(device)
        failed = ("libxl: error: libxl_device.c:1486:device_addrm_aocomplete: unable to add device\n"
                  "libxl_device_disk_add failed.\n")
        if guest is None:
            raise Refused(f"libxl: error: libxl_dom.c:37:libxl__domain_type: unable to get domain type "
                          f"for domid={domain}\n{failed}")
        prefix = f"Domain {guest.domid}:"
        if number is None:
            raise Refused(f"libxl: error: libxl_disk.c:214:libxl__device_from_disk: {prefix}Invalid or "
                          f"unsupported virtual disk identifier {device}\n{failed}")
        if path not in self.host.devices:
            raise Refused("libxl: error: libxl_device.c:455:libxl__device_disk_set_backend: Disk "
                          f"vdev={device} failed to stat: {path}: No such file or directory\n{failed}")
        if self.host.number_of(guest, number):
            raise Refused(f"libxl: error: libxl_disk.c:343:device_disk_add: {prefix}"
                          f"device already exists in xenstore\n{failed}")
        if not self.host.plug(guest, path, device, number, mode):
            # What it has made stays.
            raise Refused(f"libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: "
                          f"/etc/xen/scripts/block add [99] exited with error status 1\n"
                          f"libxl: error: libxl_device.c:1481:device_addrm_aocomplete: {prefix}Unable to "
                          f"add vbd with id {number}\nlibxl_device_disk_add failed.\n")
        return ""

    def detach(self, *words: str) -> str:
        force = words[0] == "-f"
        domain, device = words[1:] if force else words
        guest = self.guest(domain)
        number = guest and self.host.number_of(guest, device)
        if not number:
            raise Refused(f"Error: Device {device} not connected.\n")
        self.host.ask_back(guest, number)
        if not force and not wait_until(lambda: self.host.states(guest, number)[0] in (CLOSED, ""),
                                        self.patience):
            raise Refused(
                f"libxl: error: libxl_device.c:1181:device_backend_callback: Domain {guest.domid}:unable "
                f"to remove device with path {self.host.back(guest, number)}\n"
                f"libxl: error: libxl_device.c:1481:device_addrm_aocomplete: Domain {guest.domid}:"
                f"Unable to remove vbd with id {number}\nlibxl_device_disk_safe_remove failed.\n")
        self.host.remove(guest, number)
        return ""

    def pause(self, domain: str) -> str:
        return self._count(domain, 1, "libxl_domain.c:587:libxl_domain_pause", "Pausing domain")

    def unpause(self, domain: str) -> str:
        return self._count(domain, -1, "libxl_domain.c:688:domain_unpause_done", "Unpausing domain")

    def _count(self, domain: str, by: int, place: str, act: str) -> str:
        guest = self.guest(domain)
        if guest is None or guest.pauses + by < 0:
            why = "No such process" if guest is None else "Invalid argument"
            raise Refused(f"libxl: error: {place}: Domain {domain}:{act}: {why}\n", code=0)
        self.host.pause(guest, by)
        return ""


class Xm(Tool):
    def guest(self, word: str):
        guest = self.host.find(word)  # names come first
        if guest is None and word.isdigit():
            guest = self.host.guests.get(int(word))
        if guest is None:
            raise Refused(f"Error: Domain '{word}' does not exist.\n")
        return guest

    def list(self) -> str:
        lines = [f"{'Name':<40} {'ID':>5} {'Mem':>5} {'VCPUs':>5} {'State':>10} {'Time(s)':>9}"]
        rows = [("0", "Domain-0", "r-----")]
        rows += [(str(guest.domid), guest.name, self.flags(guest)) for guest in self.host.guests.values()]
        rows += [("", name, "") for name in sorted(self.host.off)]
        return "\n".join(lines + [f"{name:<40} {domid:>5} {96:5} {1:5} {flags:>10} {1.0:8.1f}"
                                  for domid, name, flags in rows]) + "\n"

    def attach(self, domain: str, uname: str, device: str, mode: str) -> str:
        guest, path = self.guest(domain), uname.removeprefix("phy:")
        number = virtual_number(device.split("/")[-1])
        if number is None:
            raise Refused(f"Error: Unable to find number for device ({device})\n")
        if self.host.number_of(guest, number):
            raise Refused(f"Error: Device {device} ({number}, vbd) is already connected.\n")
        if not self.host.plug(guest, path, device, number, mode):
            why = self.host.store.read(self.host.back(guest, number) + "/hotplug-error")
            self.host.remove(guest, number)
            raise Refused(f"Error: Device {number} (vbd) could not be connected. {why}\n")
        return ""

    def detach(self, domain: str, device: str, *options: str) -> str:
        guest = self.guest(domain)
        number = self.host.number_of(guest, virtual_number(device.split("/")[-1]) or device)
        if not number:
            raise Refused(f"Error: Device {device} not connected\n")
        self.host.ask_back(guest, number)
        if not set(options) & {"-f", "--force"}:
            # The nodes of a disk that the guest has let go are removed by the hotplug script.
            if not wait_until(lambda: self.host.states(guest, number)[0] in (CLOSED, ""), self.patience):
                raise Refused(f"Error: Device {number} (vbd) could not be disconnected. Hotplug scripts "
                              "not working.\n")
        self.host.remove(guest, number)
        return ""

    def pause(self, domain: str) -> str:
        self.host.pause(self.guest(domain), 1)
        return ""

    def unpause(self, domain: str) -> str:
        guest = self.guest(domain)
        if guest.pauses == 0:
            raise Refused(f"Error: Domain '{domain}' is not paused.\n")
        self.host.pause(guest, -1)
        return ""
