"""Monitor: answers viewers with the newest bundle and the run's rates, and never holds up the stream.

A viewer asks, the monitor answers: a published stream would either pile up or lose the parts of a message
(stream.md: CONFLATE loses the header of a multipart, PUB keeps the oldest).
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import numpy as np
import zmq

from carla_plugin.keys import guard
from protocols.bundle import Bundle, encode_bundle
from protocols.endpoints import is_local, tcp_host
from protocols.errors import InputError, RemoteProtocolError
from protocols.flow import envelope, open_envelope

POLL_MS = 200
VIEWER_HWM = 4


class Monitor:
    """Keep the newest bundle for whoever asks; a sink."""

    def __init__(self, endpoint: str, keys: str | Path | None = None) -> None:
        """Bind, and answer from a thread of its own.

        Args:
            endpoint: ZeroMQ address to bind, such as `tcp://127.0.0.1:5556`.
            keys: folder that `carla-harness keys` made for this plugin; needed where other machines can reach it.

        Raises:
            InputError: the address is taken or not one, or others can reach it and there are no keys.
        """
        if keys is None and tcp_host(endpoint) is not None and not is_local(endpoint):
            raise InputError(
                f"--monitor {endpoint}: expected an address of this machine only (tcp://127.0.0.1:PORT); for others, "
                "give --keys (carla-harness keys DIR), or come through `ssh -L`"
            )
        self._newest: Bundle | None = None
        self._lock = threading.Lock()
        self._count = 0
        self._since: float | None = None
        self._closing = threading.Event()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.SNDHWM, VIEWER_HWM)  # a viewer that does not read loses answers, nothing waits
        self._socket.set(zmq.MAXMSGSIZE, 1 << 16)
        self._guard = None
        try:
            if keys is not None:
                self._guard = guard(self._socket, self._context, Path(keys))
            self._socket.bind(endpoint)
        except (zmq.ZMQError, InputError) as error:
            self._let_go()
            if isinstance(error, InputError):
                raise
            raise InputError(f"--monitor {endpoint}: expected a free address to bind, got: {error.strerror}") from None
        self.endpoint = str(self._socket.getsockopt_string(zmq.LAST_ENDPOINT))
        self._thread = threading.Thread(target=self._serve, name="monitor", daemon=True)
        self._thread.start()

    def put(self, bundle: Bundle) -> bool:
        """Remember the bundle as the newest; viewers never stop a stream."""
        if self._since is None:
            self._since = time.monotonic()
        else:
            self._count += 1
        with self._lock:
            self._newest = _copied(bundle, self._newest)
        return True

    def drop(self, index: int, cause: str) -> bool:
        """Show nothing of a bundle that was not made."""
        return True

    def close(self) -> None:
        """Stop answering."""
        self._closing.set()
        self._thread.join(2.0)
        self._let_go()

    def _let_go(self) -> None:
        if self._guard is not None:
            self._guard.stop()
        self._context.destroy(linger=0)

    def _serve(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(zmq.ZMQError):
                if self._socket.poll(POLL_MS):
                    self._answer()

    def _answer(self) -> None:
        peer, *frames = self._socket.recv_multipart()
        try:
            asked = open_envelope(frames[0]) if len(frames) == 1 else {}
        except RemoteProtocolError:
            return
        if asked.get("kind") != "newest":
            return
        elapsed = time.monotonic() - (self._since or time.monotonic())
        rate = self._count / elapsed if elapsed > 0 else 0.0
        with self._lock:
            newest = self._newest
            has = newest is not None and asked.get("have") != newest.header.identity
            reply = envelope("bundle" if has else "nothing", bundles_per_s=rate)
            rest = encode_bundle(newest, mask_codec="raw") if newest is not None and has else []
            # copied into the socket: the arrays are filled again with the next bundle
            self._socket.send_multipart([peer, reply, *rest], flags=zmq.NOBLOCK, copy=True)


def _copied(bundle: Bundle, old: Bundle | None) -> Bundle:
    """Return a copy of a bundle, whose arrays the stream uses again, in the memory of the one before if that fits."""
    if old is None or not _alike(bundle, old):
        extras = {name: array.copy() for name, array in bundle.extras.items()}
        return Bundle(bundle.header, bundle.images.copy(), bundle.mask.copy(), extras)
    np.copyto(old.images, bundle.images)
    np.copyto(old.mask, bundle.mask)
    for name, array in bundle.extras.items():
        np.copyto(old.extras[name], array)
    return Bundle(bundle.header, old.images, old.mask, old.extras)


def _alike(one: Bundle, other: Bundle) -> bool:
    def shapes(bundle: Bundle) -> list[object]:
        return [(name, array.dtype, array.shape) for name, array in bundle.extras.items()]

    return one.images.shape == other.images.shape and shapes(one) == shapes(other)
