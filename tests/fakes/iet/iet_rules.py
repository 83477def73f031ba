"""Who is let in, as usr/plain.c of the iSCSI Enterprise Target decides: the first line of a file that
names the target is the only one that counts."""
import ipaddress
import os
import re


def _rule(path: str, iqn: str, targets: list[str]) -> list[str] | None:
    """Patterns of the first line for the target, [] if there is none, None without the file."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, _, rest = line.strip().partition(" ")
            if not name or name.startswith("#"):
                continue
            if name == "ALL" or (name in targets and name.lower() == iqn.lower()):
                return [pattern.strip() for pattern in rest.split(",") if pattern.strip()]
    return []


def _is_address(pattern: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern.strip("[]"))
    except ValueError:
        return False


def _matches(patterns: list[str], initiator: str, address: str, by_name: bool) -> bool:
    for pattern in patterns:
        # Basic and Python's regular expressions agree on what names of initiators are made of.
        if pattern == "ALL" or (by_name and re.fullmatch(pattern, initiator)):
            return True
        if _is_address(pattern, address):
            return True
    return False


def lets_in(config: str, iqn: str, targets: list[str], initiator: str, address: str,
            by_name: bool) -> bool:
    """`by_name`: as from 1.4.18 on, before that only addresses count, and only both files together."""
    allow = _rule(os.path.join(config, "initiators.allow"), iqn, targets)
    deny = _rule(os.path.join(config, "initiators.deny"), iqn, targets)
    allowed = allow is not None and _matches(allow, initiator, address, by_name)
    if deny is not None or not by_name:
        denied = deny is not None and _matches(deny, initiator, address, by_name)
        return allowed or not denied
    return allow is None or allowed
