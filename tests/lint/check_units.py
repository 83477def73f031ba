"""Holds the sandboxes of the systemd units to a measure: the exposure that systemd-analyze counts. And no core file,
which it does not count: that would hold keys and secrets."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tree

# In tenths, as systemd-analyze's threshold has it. The delegates are root, for LVM, device nodes and
# hypervisors; the front service, and whatever comes later, has no such excuse.
_USUAL = 20
_DELEGATES = {"vbs-volumed": 45, "vbs-vmmd": 45}
_SUFFIX = ".service.in"
_SKIPPED = 77


def _analyze(unit: str, limit: int) -> str:
    """What is wrong with a unit's file; empty if nothing."""
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={limit}", unit],
                          capture_output=True, text=True, check=False)
    if done.stderr:  # a directive that is not known, or not understood, protects from nothing
        return done.stderr.splitlines()[0].replace(unit, os.path.basename(unit))
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    if exposure is None:
        return "systemd-analyze told no exposure"
    return f"exposure {exposure[1]} is above {limit / 10}" if done.returncode != 0 else ""


def check(root: str) -> list[str]:
    if shutil.which("systemd-analyze") is None:
        print("skipped: systemd-analyze is missing; install the package systemd")
        sys.exit(_SKIPPED)
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        for path in tree.files(root, _SUFFIX):
            name = os.path.basename(path).removesuffix(_SUFFIX)
            unit = os.path.join(folder, f"{name}.service")
            text = tree.read(root, path)
            if "\nLimitCORE=0\n" not in text:
                findings.append(f"{path}: LimitCORE=0 is missing")
            with open(unit, "w", encoding="utf-8") as file:
                file.write(re.sub(r"@CMAKE_INSTALL_\w+@", "/usr/bin", text))
            wrong = _analyze(unit, _DELEGATES.get(name, _USUAL))
            if wrong:
                findings.append(f"{path}: {wrong}")
    return findings


if __name__ == "__main__":
    tree.run(check)
