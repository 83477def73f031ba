"""Records anew what the real tools say, from the lab, for the tests of the parsers:

    record.py [TOOL...]        default: all of lvm, tgt, lio, open-iscsi, xen

The outputs go to tests/recorded/TOOL/VERSION, over those of an earlier run; `git diff` shows what has
changed. Not a test: nothing that is recorded is judged."""
import argparse
import io
import os
import re
import sys
import tarfile

from lab_case import IMAGE, LAB, SOURCE
from lab import Lab, LabError
from service import Service

_GUESTS = {"lvm": "vs", "tgt": "vs", "lio": "vs", "open-iscsi": "vs", "xen": "xen"}
_FOLDER = "/root/recorded"
_SECONDS = 900.0


def newest(tool: str) -> str:
    """The folder of the latest version so far; scripts may build on what is there."""
    versions = os.path.join(SOURCE, "tests/recorded", tool)
    return os.path.join(versions, max(os.listdir(versions), key=_numbers))


def _numbers(version: str) -> list[int]:
    """1.9 comes before 1.10."""
    return [int(number) for number in re.findall(r"\d+", version)]


def record(guest, tool: str) -> str:
    """Runs the script of that name in the guest; the folder that has its outputs now."""
    guest.shell.copy([os.path.join(SOURCE, "tests/lab/record", tool)], "/root/bin")
    Service.must(guest, f"systemctl stop vbs-volumed vbs-vmmd tgt 2>/dev/null; pkill -KILL -x tgtd; lab-clear-lio; "
                 f"vgs --noheadings -o vg_name | xargs -r vgremove -q -y -ff 2>/dev/null; rm -rf {_FOLDER}; true")
    kept = newest(tool)
    guest.shell.copy([os.path.join(kept, name) for name in os.listdir(kept)], _FOLDER)
    done = guest.shell.run(f"/root/bin/{tool} {_FOLDER}", seconds=_SECONDS)
    if done.returncode != 0:
        raise LabError(f"{tool}: {done.stderr.decode(errors='replace').strip()}")
    version = done.stdout.decode().strip().splitlines()[-1]
    folder = os.path.join(SOURCE, "tests/recorded", tool, version)
    os.makedirs(folder, exist_ok=True)
    archive = guest.shell.run(f"tar -c -C {_FOLDER} .").stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                with open(os.path.join(folder, os.path.basename(member.name)), "wb") as file:
                    file.write(content.read())
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tools", nargs="*", metavar="TOOL", choices=[*_GUESTS, []], help=", ".join(_GUESTS))
    tools = parser.parse_args().tools or list(_GUESTS)
    lab = Lab(LAB, IMAGE)
    try:
        lab.up(sorted({_GUESTS[tool] for tool in tools}))
        for tool in tools:
            print(f"{tool}: {record(lab.guest(_GUESTS[tool]), tool)}", flush=True)
    except LabError as problem:
        print(f"record: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
