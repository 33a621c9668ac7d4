"""Keys: CURVE towards a trainer on another machine; the folder is made by `carla-harness keys`."""

from __future__ import annotations

from pathlib import Path

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from protocols.errors import InputError


def present(socket: zmq.Socket[bytes], keys: Path) -> None:
    """Give a socket that is not connected yet our key, and the only key it may talk to.

    Args:
        socket: to be connected.
        keys: this party's folder: `own.key_secret`, and in `peers/` the one key of whom we connect to.

    Raises:
        InputError: no such keys.
    """
    public, secret = _own(keys)
    peers = sorted((keys / "peers").glob("*.key"))
    if len(peers) != 1:
        raise InputError(f"--keys {keys}: expected one key in peers/, got {len(peers)}")
    try:
        server, _ = zmq.auth.load_certificate(peers[0])
    except (OSError, ValueError) as error:
        raise InputError(f"--keys {peers[0]}: expected a public key, got: {error}") from None
    socket.set(zmq.CURVE_SECRETKEY, secret)
    socket.set(zmq.CURVE_PUBLICKEY, public)
    socket.set(zmq.CURVE_SERVERKEY, server)


def guard(socket: zmq.Socket[bytes], context: zmq.Context[zmq.Socket[bytes]], keys: Path) -> ThreadAuthenticator:
    """Make a socket that is not bound yet hear only those whose keys are in `peers/`; stop it before the context.

    Args:
        socket: to be bound.
        context: the socket's.
        keys: this party's folder.

    Raises:
        InputError: no such keys.
    """
    public, secret = _own(keys)
    if not sorted((keys / "peers").glob("*.key")):
        raise InputError(f"--keys {keys}: expected keys in peers/, got none")
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve(domain="*", location=str(keys / "peers"))
    socket.set(zmq.CURVE_SECRETKEY, secret)
    socket.set(zmq.CURVE_PUBLICKEY, public)
    socket.set(zmq.CURVE_SERVER, 1)
    return authenticator


def _own(keys: Path) -> tuple[bytes, bytes]:
    try:
        public, secret = zmq.auth.load_certificate(keys / "own.key_secret")
    except (OSError, ValueError) as error:
        raise InputError(f"--keys {keys}: expected own.key_secret, got: {error}; make it: carla-harness keys") from None
    if secret is None:
        raise InputError(f"--keys {keys}: expected a secret key in own.key_secret, got a public one")
    return public, secret
