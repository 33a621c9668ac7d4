"""Addresses a trainer may bind: this machine only, and never one that is in use."""

from __future__ import annotations

import ipaddress
import re
import socket
import stat
from pathlib import Path

from protocols.errors import InputError

LOOPBACK_NAMES = ("localhost",)


def check_endpoint(endpoint: str) -> None:
    """Refuse what must not be bound; remove the file of an ipc socket that nobody listens on any more.

    Args:
        endpoint: `tcp://127.0.0.1:PORT` (`*` = a free one) or `ipc://PATH`.

    Raises:
        InputError: another form, an address that other machines can reach, or one in use.
    """
    if endpoint.startswith("ipc://"):
        _check_ipc(endpoint)
        return
    found = re.fullmatch(r"tcp://(?:\[([0-9a-fA-F:]+)\]|([^:/\[\]]+)):(\d{1,5}|\*)", endpoint)
    if not found or (found[3] != "*" and not 0 < int(found[3]) < 65536):
        raise InputError(f"{endpoint}: expected tcp://127.0.0.1:PORT or ipc:///path/of/socket")
    host = found[1] or found[2]
    if host not in LOOPBACK_NAMES and not _is_loopback(host):
        raise InputError(
            f"{endpoint}: expected an address of this machine only (tcp://127.0.0.1:PORT), for the stream has no "
            "password yet; from another machine come through `ssh -L`"
        )


def remove_socket(endpoint: str) -> None:
    """Remove the file of an ipc address; nothing for any other.

    Args:
        endpoint: that was bound and is no longer.
    """
    name = endpoint.removeprefix("ipc://")
    if name != endpoint and not name.startswith("@"):
        Path(name).unlink(missing_ok=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_ipc(endpoint: str) -> None:
    name = endpoint.removeprefix("ipc://")
    if not name or name == "*":
        raise InputError(f"{endpoint}: expected a path, such as ipc:///run/user/1000/bundles")
    path = Path(name)
    if name.startswith("@") or not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise InputError(f"{endpoint}: expected the path of a socket, got a file that is none; choose another path")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(name)
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise InputError(f"{endpoint}: another trainer listens there; stop it or choose another path")
