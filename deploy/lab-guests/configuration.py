"""What the files say from which VBS starts in the lab."""
from dataclasses import dataclass

VOLUME_GROUP = "vbs"
PORTAL = "10.9.0.1:3260"
STORES = ("lvm", "lvm-thin")
TARGETS = ("tgt", "lio")
# A hypervisor of the lab -> the guest that has it, and its section in vbs-vmmd.toml.
_HYPERVISORS = {
    "qemu": ("hv", 'driver = "qemu"\nfolder = "/run/lab-vms"\n'),
    "libvirt": ("hv", 'driver = "libvirt"\nuri = "qemu:///system"\n'),
    "xen": ("xen", 'driver = "xen"\n'),
    "libvirt-xen": ("xen", 'driver = "libvirt"\nuri = "xen:///system"\n'),
}
HYPERVISORS = tuple(_HYPERVISORS)
# Where the certificates are, by the path of one without its suffix, and the folder of the CA's.
_LINK = 'certificate = "{0}.crt"\nkey = "{0}.key"\nca = "{1}/ca.crt"\n'
_GUEST_TLS = "[tls]\n" + _LINK.format("/etc/vbs/node", "/etc/vbs")


@dataclass(frozen=True)
class Drivers:
    """Which drivers the delegates use."""
    store: str = "lvm"
    target: str = "lio"
    hypervisor: str = "libvirt"

    @property
    def vmm_guest(self) -> str:
        return _HYPERVISORS[self.hypervisor][0]

    def __str__(self) -> str:
        return f"{self.store}+{self.target}+{self.hypervisor}"


def front(folder: str, port: int, server_url: str, node_url: str) -> str:
    """vbsd.toml; `folder` holds what the front owns."""
    return f'''listen = "127.0.0.1:{port}"
database = "{folder}/db/vbs.db"
tokens_file = "{folder}/tokens"
service_token_file = "{folder}/service-token"
log_file = "{folder}/vbsd.log"
sweep_interval = "5s"

# Programs take many times as long in an emulated machine that shares a processor.
node_poll_timeout = "20s"

[deadlines]
attach = "300s"
detach = "300s"
create = "300s"
modify = "300s"
repair = "300s"
lease_margin = "60s"

[tls]
{_LINK.format(f"{folder}/ca/vbsd", f"{folder}/ca")}
[[volume_server]]
name = "vs1"
url = "{server_url}"

[[vmm]]
name = "hv1"
url = "{node_url}"
'''


def command_line(folder: str, port: int) -> str:
    """vbs.toml"""
    return (f'url = "https://127.0.0.1:{port}"\ntoken_file = "{folder}/token"\n'
            + _LINK.format(f"{folder}/ca/operator", f"{folder}/ca"))


def volumed(drivers: Drivers) -> str:
    """vbs-volumed.toml"""
    pool = 'thin_pool_size = "1G"\n' if drivers.store == "lvm-thin" else ""
    return f'''name = "vs1"
listen = "10.0.2.15:7710"
token_file = "/etc/vbs/service-token"
state_dir = "/var/lib/vbs/volumed"

{_GUEST_TLS}
[store]
driver = "{drivers.store}"
volume_group = "{VOLUME_GROUP}"
{pool}
[target]
driver = "{drivers.target}"
portal = "{PORTAL}"
'''


def vmmd(drivers: Drivers) -> str:
    """vbs-vmmd.toml"""
    return f'''name = "hv1"
listen = "10.0.2.15:7720"
token_file = "/etc/vbs/service-token"
state_dir = "/var/lib/vbs/vmmd"

{_GUEST_TLS}
[initiator]
driver = "open_iscsi"

[hypervisor]
{_HYPERVISORS[drivers.hypervisor][1]}'''
