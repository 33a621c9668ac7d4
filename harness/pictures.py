"""Pictures on disk: sizes without unpacking, RGB images, and labels in the encodings of published data sets."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from protocols.errors import InputError
from protocols.labels import IGNORED, LABEL_IDS

PNG_START = b"\x89PNG\r\n\x1a\n"

SYNTHIA_TRAIN_IDS = {
    **{1: 10, 2: 2, 3: 0, 4: 1, 5: 4, 6: 8, 7: 5, 8: 13, 9: 7, 10: 11, 11: 18, 12: 17},
    **{15: 6, 16: 9, 17: 12, 18: 14, 19: 15, 20: 16, 21: 3},
}
"""Train id of each of SYNTHIA's classes; 0 void, 13 parking, 14 road work and 22 lane marking have none in DAFormer."""


class DamagedError(InputError):
    """A file is not what its name says, or not whole."""


def png_size(file: Path) -> tuple[int, int]:
    """Return width and height in pixels that a PNG says it has.

    Raises:
        InputError: no PNG.
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        head = opened.read(24)
    if len(head) < 24 or not head.startswith(PNG_START):
        raise InputError(f"{file}: expected a PNG, got another file")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def read_image(file: Path) -> NDArray[np.uint8]:
    """Return an image, `(H, W, 3)` uint8 RGB.

    Raises:
        DamagedError: no whole image.
    """
    import cv2

    found = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if found is None:
        raise DamagedError(f"{file}: expected an image, got none, or a damaged one")
    return cv2.cvtColor(found, cv2.COLOR_BGR2RGB)


def read_label_ids(file: Path) -> NDArray[np.uint8]:
    """Return `(H, W)` uint8 tags of an image of Cityscapes' label ids, with or without a palette.

    Raises:
        DamagedError: no whole image.
        InputError: another encoding.
    """
    return _label_ids_to_tags()[_read_indices(file)]


def read_train_ids(file: Path) -> NDArray[np.uint8]:
    """Return `(H, W)` uint8 tags of an image of Cityscapes' train ids, with or without a palette.

    Raises:
        DamagedError: no whole image.
        InputError: another encoding.
    """
    return _train_ids_to_tags()[_read_indices(file)]


def read_synthia(file: Path) -> NDArray[np.uint8]:
    """Return `(H, W)` uint8 tags of one of SYNTHIA's: 16 bits, the class in the first of three channels.

    Raises:
        DamagedError: no whole image.
        InputError: another encoding.
    """
    import cv2

    found = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)  # Pillow would keep the upper eight bits alone
    if found is None:
        raise DamagedError(f"{file}: expected labels, got none, or damaged ones")
    if found.dtype != np.uint16 or found.ndim != 3:
        raise InputError(
            f"{file}: expected labels of 16 bits and three channels, got {found.dtype} of shape {found.shape}"
        )
    return _synthia_to_tags()[found[..., 2]]  # OpenCV turns the channels round


def fitted(pixels: NDArray[np.uint8], size: tuple[int, int], *, smooth: bool) -> NDArray[np.uint8]:
    """Return an image at another size, its sides still in proportion, as DAFormer resizes.

    It is brought to the width; rows too many are cut off below, and rows too few are 0.

    Args:
        pixels: `(H, W)` or `(H, W, 3)` uint8.
        size: width, height in pixels.
        smooth: whether values may be mixed; labels must not.
    """
    import cv2

    width, height = size
    if pixels.shape[1] != width:
        how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        pixels = cv2.resize(pixels, (width, fitted_height(pixels.shape[1], pixels.shape[0], width)), interpolation=how)
    missing = height - pixels.shape[0]
    if missing > 0:
        pixels = np.pad(pixels, [(0, missing)] + [(0, 0)] * (pixels.ndim - 1))
    return pixels[:height]


def fitted_height(width: int, height: int, new_width: int) -> int:
    """Return how high an image is, in pixels, once it is `new_width` wide."""
    return max(1, int(height * new_width / width + 0.5))


def _read_indices(file: Path) -> NDArray[np.uint8]:
    """Return `(H, W)` uint8 values as they stand in the file, never the colours of its palette.

    Raises:
        DamagedError: no whole image.
        InputError: one of several channels, or of more bits.
    """
    from PIL import Image

    try:
        with Image.open(file) as opened:
            mode, found = opened.mode, np.array(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DamagedError(f"{file}: expected labels, got none, or damaged ones: {error}") from None
    if mode not in ("P", "L"):
        raise InputError(f"{file}: expected labels, one channel of 8 bits, got an image of mode {mode}")
    return found


def _label_ids_to_tags() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[list(LABEL_IDS)] = np.arange(1, len(LABEL_IDS) + 1)  # the tag of a train id is the next number
    return table


def _train_ids_to_tags() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[: len(LABEL_IDS)] = np.arange(1, len(LABEL_IDS) + 1)
    assert table[IGNORED] == 0
    return table


def _synthia_to_tags() -> NDArray[np.uint8]:
    table = np.zeros(1 << 16, np.uint8)
    for theirs, train_id in SYNTHIA_TRAIN_IDS.items():
        table[theirs] = train_id + 1
    return table
