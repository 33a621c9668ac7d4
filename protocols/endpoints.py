"""Endpoints: which addresses only this machine can reach."""

from __future__ import annotations

import ipaddress
import re

LOOPBACK_NAMES = ("localhost",)


def tcp_host(endpoint: str) -> str | None:
    """Return the host of `tcp://HOST:PORT`, PORT a number or `*`; None for anything else."""
    found = re.fullmatch(r"tcp://(?:\[([0-9a-fA-F:]+)\]|([^:/\[\]]+)):(\d{1,5}|\*)", endpoint)
    if not found or (found[3] != "*" and not 0 < int(found[3]) < 65536):
        return None
    return found[1] or found[2]


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's loopback; `*` and `0.0.0.0` are everybody's."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local(endpoint: str) -> bool:
    """Return whether only this machine can reach a ZeroMQ address."""
    host = tcp_host(endpoint)
    return endpoint.startswith(("ipc://", "inproc://")) or (host is not None and is_loopback(host))
