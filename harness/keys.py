"""Keys: CURVE for streams that leave this machine; who has no key that is on the list is not heard.

`carla-harness keys DIR` makes a folder for each party: `own.key_secret`, and in `peers/` the public keys of those it
talks to. The trainer's folder is the allow-list; a plugin's folder goes to its machine by a safe way.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from protocols.errors import InputError

TRAINER = "trainer"


def make_keys(folder: Path, plugins: list[str]) -> list[Path]:
    """Make the trainer's keys, unless they are there, and those of plugins that have none yet.

    Args:
        folder: for all of them.
        plugins: names.

    Returns:
        The folders that were made.

    Raises:
        InputError: a name that is no name, or a folder that cannot be written.
    """
    for name in plugins:
        if not name.replace("-", "").replace("_", "").isalnum() or name == TRAINER:
            raise InputError(f"keys: expected a plugin's name of letters, digits, - and _, got {name!r}")
    made = []
    try:
        trainer = folder / TRAINER
        for party in (trainer, *(folder / name for name in plugins)):
            if (party / "own.key_secret").exists():
                continue
            made.append(party)
            (party / "peers").mkdir(mode=0o700, parents=True, exist_ok=True)
            party.chmod(0o700)
            zmq.auth.create_certificates(party, "own")
            os.chmod(party / "own.key_secret", 0o600)
            if party != trainer:
                shutil.copyfile(party / "own.key", trainer / "peers" / f"{party.name}.key")
                shutil.copyfile(trainer / "own.key", party / "peers" / f"{TRAINER}.key")
    except OSError as error:
        raise InputError(f"keys {folder}: expected a folder that can be written, got: {error.strerror}") from None
    return made


def guard(socket: zmq.Socket[bytes], context: zmq.Context[zmq.Socket[bytes]], keys: Path) -> ThreadAuthenticator:
    """Make a socket that is not bound yet a CURVE server that hears only those on its list; stop it before the context.

    Args:
        socket: to be bound.
        context: the socket's.
        keys: the party's folder.

    Raises:
        InputError: no such keys.
    """
    try:
        public, secret = zmq.auth.load_certificate(keys / "own.key_secret")
        allowed = sorted((keys / "peers").glob("*.key"))
    except (OSError, ValueError) as error:
        raise InputError(f"keys {keys}: expected own.key_secret, got: {error}; make it: carla-harness keys") from None
    if secret is None or not allowed:
        raise InputError(f"keys {keys}: expected a secret key and peers/*.key; make them: carla-harness keys DIR")
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve(domain="*", location=str(keys / "peers"))
    socket.set(zmq.CURVE_SECRETKEY, secret)
    socket.set(zmq.CURVE_PUBLICKEY, public)
    socket.set(zmq.CURVE_SERVER, 1)
    return authenticator
