"""Preview: a window that asks a running plugin for its newest bundle and draws all its images and the mask."""

from __future__ import annotations

import contextlib
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import numpy as np
import pygame
import zmq
from numpy.typing import NDArray

from carla_plugin.keys import present
from protocols.bundle import Bundle, decode_bundle
from protocols.errors import InputError, RemoteProtocolError
from protocols.flow import envelope, open_envelope
from protocols.labels import palette

ASK_AGAIN_S = 1.0
FRAMES_PER_S = 25
CAPTION_PX = 22
TILE_WIDTH_PX = 480
BACK, TEXT, FAINT = (18, 18, 22), (235, 235, 235), (150, 150, 160)
SIZE_LIMIT = 1 << 30


@dataclass
class Newest:
    """Hold what the plugin last answered: the bundle, the run's rate, and when it was heard."""

    bundle: Bundle | None = None
    bundles_per_s: float = 0.0
    heard: float | None = None
    received: int = 0


class Viewer:
    """Ask the monitor of a running plugin; asks again when no answer comes, so a restarted plugin is found again."""

    def __init__(self, endpoint: str, keys: str | None = None) -> None:
        """Connect; nothing is waited for.

        Args:
            endpoint: the plugin's `--monitor` address.
            keys: folder with our own key and the plugin's, for a plugin on another machine.

        Raises:
            InputError: not a ZeroMQ address, or no keys.
        """
        self.endpoint = endpoint
        self.newest = Newest()
        self._asked: float | None = None
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.IMMEDIATE, 1)
        self._socket.set(zmq.MAXMSGSIZE, SIZE_LIMIT)
        self._socket.set(zmq.RECONNECT_IVL_MAX, 1000)
        try:
            if keys is not None:
                present(self._socket, Path(keys))
            self._socket.connect(endpoint)
        except (zmq.ZMQError, InputError) as error:
            self._context.destroy(linger=0)
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"--from {endpoint}: expected an address such as tcp://127.0.0.1:5556, got: {error.strerror}"
            ) from None

    def poll(self, wait_ms: int) -> bool:
        """Take in answers and ask for the next; return whether a new bundle came.

        Args:
            wait_ms: how long to wait for an answer.
        """
        fresh = False
        if self._socket.poll(wait_ms):
            while self._socket.poll(0):
                fresh = self._take(self._socket.recv_multipart()) or fresh
                self._asked = None
        now = time.monotonic()
        if self._asked is None or now - self._asked > ASK_AGAIN_S:
            have = self.newest.bundle.header.identity if self.newest.bundle else ""
            with contextlib.suppress(zmq.Again):
                self._socket.send(envelope("newest", have=have), flags=zmq.NOBLOCK)
                self._asked = now
        return fresh

    def close(self) -> None:
        """Let go of the socket."""
        self._context.destroy(linger=0)

    def _take(self, frames: list[bytes]) -> bool:
        try:
            answer = open_envelope(frames[0])
            bundle = decode_bundle(frames[1:]) if answer["kind"] == "bundle" else None
        except RemoteProtocolError:
            return False  # a broken answer is dropped; the next is asked for anyway
        self.newest.heard = time.monotonic()
        rate = answer.get("bundles_per_s")
        self.newest.bundles_per_s = rate if isinstance(rate, float) else 0.0
        if bundle is None:
            return False
        self.newest.bundle = bundle
        self.newest.received += 1
        return True


def show(endpoint: str, *, snapshot: str | None = None, frames: int | None = None, keys: str | None = None) -> int:
    """Show a running stream until the window is closed.

    Args:
        endpoint: the plugin's `--monitor` address.
        snapshot: where the last picture is written as PNG.
        frames: leave after so many bundles were drawn; 1 with a snapshot unless given.
        keys: folder with our own key and the plugin's, for a plugin on another machine.

    Returns:
        How many bundles were drawn.

    Raises:
        InputError: not an address, no display, or the snapshot cannot be written.
    """
    limit = frames if frames is not None else (1 if snapshot else None)
    if snapshot and not Path(snapshot).absolute().parent.is_dir():
        raise InputError(f"--snapshot {snapshot}: expected a folder that exists")
    window = _Window()
    viewer = Viewer(endpoint, keys)
    drawn = 0
    try:
        while window.open and (limit is None or drawn < limit):
            if viewer.poll(1000 // FRAMES_PER_S):
                drawn += 1
            window.draw(viewer.newest, endpoint)
        if snapshot:
            window.save(snapshot)
    finally:
        window.close()
        viewer.close()
    return drawn


class _Window:
    """Draw bundles in tiles with names under them."""

    def __init__(self) -> None:
        try:
            pygame.display.init()  # pygame.init() would start sound too, and print its complaints
        except pygame.error as error:
            raise InputError(
                f"preview: expected a display, got: {error}; without one, set SDL_VIDEODRIVER=dummy and ask for "
                "a --snapshot"
            ) from None
        pygame.font.init()
        self._font = pygame.font.Font(None, 20)
        self._screen: Any = None
        self._shown: Bundle | None = None
        self._size = (2 * TILE_WIDTH_PX, 320)
        self._resize(self._size)
        pygame.display.set_caption("Manyskies preview")
        self.open = True

    def draw(self, newest: Newest, endpoint: str) -> None:
        """Draw the newest bundle and the line of rates; take in the window's events."""
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (
                event.type == pygame.KEYDOWN and event.key in (pygame.K_ESCAPE, pygame.K_q)
            ):
                self.open = False
        bundle = newest.bundle
        if bundle is not None and bundle is not self._shown:
            self._draw_tiles(bundle)
            self._shown = bundle
        if bundle is None:
            self._screen.fill(BACK)
        pygame.draw.rect(self._screen, BACK, (0, 0, self._size[0], CAPTION_PX))
        self._write(_line(newest, endpoint), 6, 3, TEXT)
        pygame.display.flip()

    def save(self, file: str) -> None:
        """Write the picture as PNG."""
        try:
            pygame.image.save(self._screen, file)
        except (pygame.error, OSError) as error:
            raise InputError(f"--snapshot {file}: expected a writable PNG file, got: {error}") from None

    def close(self) -> None:
        """Take the window away."""
        pygame.font.quit()
        pygame.display.quit()

    def _draw_tiles(self, bundle: Bundle) -> None:
        tiles = [*zip(bundle.header.appearances, bundle.images, strict=True), ("mask", palette()[bundle.mask])]
        columns = min(3, math.ceil(math.sqrt(len(tiles))))
        rows = math.ceil(len(tiles) / columns)
        height = round(TILE_WIDTH_PX * bundle.header.height / bundle.header.width)
        size = (columns * TILE_WIDTH_PX, CAPTION_PX + rows * (height + CAPTION_PX))
        if size != self._size:
            self._resize(size)
        self._screen.fill(BACK)
        for number, (name, image) in enumerate(tiles):
            x = number % columns * TILE_WIDTH_PX
            y = CAPTION_PX + number // columns * (height + CAPTION_PX)
            scale = pygame.transform.scale if name == "mask" else pygame.transform.smoothscale
            self._screen.blit(scale(_surface(image), (TILE_WIDTH_PX - 2, height)), (x + 1, y))
            self._write(name, x + 6, y + height + 3, FAINT)

    def _resize(self, size: tuple[int, int]) -> None:
        self._size = size
        self._screen = pygame.display.set_mode(size)

    def _write(self, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
        self._screen.blit(self._font.render(text, True, colour), (x, y))


def _surface(image: NDArray[np.uint8]) -> Any:
    """Return pygame's surface of an `(H, W, 3)` uint8 RGB image."""
    height, width = image.shape[:2]
    return pygame.image.frombuffer(np.ascontiguousarray(image).tobytes(), (width, height), "RGB")


def _line(newest: Newest, endpoint: str) -> str:
    if newest.heard is None or newest.bundle is None:
        return f"waiting for a bundle from {endpoint}"
    header = newest.bundle.header
    silent_s = time.monotonic() - newest.heard
    state = f"   no answer for {silent_s:.0f} s, asking again" if silent_s > 2.0 * ASK_AGAIN_S else ""
    return f"{header.identity}   {header.town}   {newest.bundles_per_s:.1f} bundles/s{state}"
