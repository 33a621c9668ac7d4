"""Addresses a trainer may bind: this machine only, unless it has keys, and never one that is in use."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from protocols.endpoints import is_loopback, tcp_host
from protocols.errors import InputError

LOCAL = "local"
"""Stands for an address that is made up at the start."""
FOLDER, SOCKET = "manyskies-", "bundles"

RECORDING = "file:"
LABELLED = ("gta:", "synthia:", "export:")
"""Beginnings of endpoints that are no address but a place on disk: a recording, or a folder of labelled images."""


def on_disk(endpoint: str) -> bool:
    """Return whether bundles are read from a disk there, so that no address is bound."""
    return endpoint.startswith((RECORDING, *LABELLED))


def check_endpoint(endpoint: str, *, guarded: bool = False) -> None:
    """Refuse what must not be bound; remove the file of an ipc socket that nobody listens on any more.

    Args:
        endpoint: `local`, `tcp://127.0.0.1:PORT` (`*` = a free one) or `ipc://PATH`.
        guarded: whether there are keys, so that other machines may reach it.

    Raises:
        InputError: another form, an address that other machines can reach without keys, or one in use.
    """
    if endpoint == LOCAL:
        return
    if endpoint.startswith("ipc://"):
        _check_ipc(endpoint)
        return
    host = tcp_host(endpoint)
    if host is None:
        raise InputError(f"{endpoint}: expected local, tcp://127.0.0.1:PORT or ipc:///path/of/socket")
    if not guarded and not is_loopback(host):
        raise InputError(
            f"{endpoint}: expected an address of this machine only (tcp://127.0.0.1:PORT); for others, make keys "
            "(carla-harness keys DIR) and name them, or come through `ssh -L`"
        )


def local_endpoint(*, ipc: bool) -> str:
    """Return an address for this machine and this user alone: a socket in a folder of its own, or a loopback port.

    Args:
        ipc: whether the platform has ipc sockets.
    """
    if not ipc:
        return "tcp://127.0.0.1:*"
    for path in Path(tempfile.gettempdir()).glob(f"{FOLDER}*/{SOCKET}"):  # of trainers that were killed
        if path.stat().st_uid == os.getuid() and not _is_served(path):
            path.unlink(missing_ok=True)
            path.parent.rmdir()
    return f"ipc://{tempfile.mkdtemp(prefix=FOLDER)}/{SOCKET}"


def remove_socket(endpoint: str) -> None:
    """Remove the file of an ipc address, and the folder that was made for it; nothing for any other.

    Args:
        endpoint: that was bound and is no longer.
    """
    name = endpoint.removeprefix("ipc://")
    if name != endpoint and not name.startswith("@"):
        path = Path(name)
        path.unlink(missing_ok=True)
        if path.name == SOCKET and path.parent.name.startswith(FOLDER):
            with contextlib.suppress(OSError):
                path.parent.rmdir()


def _check_ipc(endpoint: str) -> None:
    name = endpoint.removeprefix("ipc://")
    if not name or name == "*":
        raise InputError(f"{endpoint}: expected a path, such as ipc:///run/user/1000/bundles")
    path = Path(name)
    if name.startswith("@") or not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise InputError(f"{endpoint}: expected the path of a socket, got a file that is none; choose another path")
    if not _is_served(path):
        path.unlink(missing_ok=True)
        return
    raise InputError(f"{endpoint}: another trainer listens there; stop it or choose another path")


def _is_served(path: Path) -> bool:
    """Return whether somebody listens on an ipc socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
