"""Writes docs/conformance.md from what the conformance suites found, in the order of their cases:

    conformance_table.py FOLDER >docs/conformance.md

FOLDER has one INTERFACE.DRIVER.xml for each run, as GoogleTest writes it."""
import glob
import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

_HEAD = """# Conformance

Every driver of an interface passes one suite of behaviours (`tests/conformance/`). This table is made by
`tests/tools/conformance_table.py` from the suites' own reports: {columns}
"yes" means that the case ran and passed. A number means that the driver cannot be in that situation; the
reason is below the table.
"""
_COLUMNS = {
    "store": ["file", "lvm", "lvm-thin"],
    "target": ["tgt", "tgt-lv", "lio-file", "lio-lv", "iet-0.4.16", "iet-1.4.19", "iet-1.4.20"],
    "initiator": ["vm", "open_iscsi"],
    "hypervisor": ["qemu", "qemu-host-device", "libvirt", "xen", "xen-xl-stand-in", "xen-xm-stand-in"],
}
_WHERE = ("`file`, `tgt`, `vm`, `qemu` and `libvirt` on the host, `lvm`, `lio`, `tgt-lv` (tgt over logical volumes), "
          "`open_iscsi` and `xen` on the lab's kernels, `iet` and the two `stand-in`s on programs that behave as "
          "the real ones are documented to.")


@dataclass
class Suite:
    """What the drivers of one interface did: case -> driver -> None (passed) or why not."""
    drivers: list[str] = field(default_factory=list)
    cases: dict[str, dict[str, str | None]] = field(default_factory=dict)


def words(name: str) -> str:
    """TheSameCallTwice -> The same call twice; IDs, LVs and VMs stay as they are."""
    parts = re.findall(r"[A-Z]{2,}s?(?=[A-Z]|$)|[A-Z]?[a-z0-9]+|[A-Z]", name.split("/")[0])
    return " ".join([parts[0]] + [part if part[:2].isupper() else part.lower() for part in parts[1:]])


def outcome(case: ElementTree.Element) -> str | None:
    if case.find("failure") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is not None:
        return (skipped.get("message") or "").strip().splitlines()[-1].strip()
    return None if case.get("status") == "run" else "did not run"


def read(folder: str) -> dict[str, Suite]:
    suites = {interface: Suite() for interface in _COLUMNS}
    for path in glob.glob(os.path.join(folder, "*.xml")):
        interface, driver = os.path.basename(path)[:-len(".xml")].split(".", 1)
        suites[interface].drivers.append(driver)
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            suites[interface].cases.setdefault(case.get("name", ""), {})[driver] = outcome(case)
    for interface, suite in suites.items():
        suite.drivers.sort(key=_COLUMNS[interface].index)
    return suites


def table(interface: str, suite: Suite) -> str:
    reasons: list[str] = []
    lines = [f"## {interface}: {len(suite.cases)} cases", "",
             "| case | " + " | ".join(suite.drivers) + " |", "|---" * (1 + len(suite.drivers)) + "|"]
    for name, found in suite.cases.items():
        cells = []
        for driver in suite.drivers:
            why = found.get(driver, "has no such case")
            if why is not None and why not in reasons:
                reasons.append(why)
            cells.append("yes" if why is None else f"{reasons.index(why) + 1}")
        lines.append(f"| {words(name)} | " + " | ".join(cells) + " |")
    lines += [""] + [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(__doc__, file=sys.stderr)
        return 2
    suites = read(sys.argv[1])
    missing = [f"{interface}.{driver}.xml" for interface, columns in _COLUMNS.items() for driver in columns
               if driver not in suites[interface].drivers]
    failed = [f"{interface} {driver}: {case}" for interface, suite in suites.items()
              for case, found in suite.cases.items() for driver, why in found.items() if why == "failed"]
    if missing or failed:
        print("\n".join([f"missing: {name}" for name in missing] + [f"failed: {case}" for case in failed]),
              file=sys.stderr)
        return 1
    print(_HEAD.format(columns=_WHERE) + "\n" + "\n".join(table(*item) for item in suites.items()), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
